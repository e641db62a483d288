// The service without a wire: calls go from a worker or client to the engine in the same process.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/executor.h"
#include "engine/base/time.h"
#include "engine/frontend/dispatcher.h"
#include "workers/client/service_client.h"

namespace wfe::local {
class LocalEngine;
}

namespace wfe::embedded {

/// The way into an engine.  Everything outlives the client and the calls of the engine.
struct DirectWay {
  frontend::Dispatcher& dispatcher;
  const Clock& monotonic;  ///< The scale of ServerCall::Deadline.
  TimerService& timers;    ///< For the deadlines of calls.
  /// Delivers the answers of calls without an executor: a strand, of which they hold up each other alone.
  Executor& answers;
};

DirectWay WayInto(local::LocalEngine& engine);

/// Thread-safe.  The thread that calls takes the request as far as its shard's strand.  In a fork of the process every
/// call is FAILED_PRECONDITION, at once and inside Call.
class DirectClient final : public client::ServiceClient {
 public:
  explicit DirectClient(DirectWay way);
  ~DirectClient() override;

  std::shared_ptr<client::CallHandle> Call(std::string_view service, std::string_view method,
                                           const google::protobuf::MessageLite& request,
                                           const client::CallOptions& options,
                                           Function<void(Result<std::string>)> done) override;

  /// Calls without an answer.
  size_t calls_in_progress() const;

 private:
  class DirectCall;
  class Books;
  class Watch;

  const DirectWay way_;
  const uint64_t forks_;
  const std::shared_ptr<Books> books_;
  const std::shared_ptr<Watch> watch_;
};

}  // namespace wfe::embedded
