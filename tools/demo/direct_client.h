// A client of an engine in the same process: no network, no delay.
#pragma once

#include <memory>

#include "engine/frontend/dispatcher.h"
#include "tools/demo/strand_loop.h"
#include "workers/client/service_client.h"

namespace wfe::demo {

/// Hands requests to the dispatcher in the order of the calls, each as a turn of its own strand.  Used on the loop's
/// thread; loop and dispatcher outlive it and its calls.
class DirectClient final : public client::ServiceClient {
 public:
  DirectClient(StrandLoop& loop, frontend::Dispatcher& dispatcher) : loop_(loop), dispatcher_(dispatcher) {}

  std::shared_ptr<client::CallHandle> Call(std::string_view service, std::string_view method,
                                           const google::protobuf::MessageLite& request,
                                           const client::CallOptions& options,
                                           Function<void(Result<std::string>)> done) override;

 private:
  class PendingCall;
  StrandLoop& loop_;
  frontend::Dispatcher& dispatcher_;
  StrandLoop::Strand strand_{loop_};
};

}  // namespace wfe::demo
