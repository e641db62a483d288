// The engine's service as workers and clients see it: one call in, one answer back, over gRPC or a simulated network.
// Requests and answers are Temporal's messages; nothing here knows a socket.
#pragma once

#include <google/protobuf/message_lite.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/executor.h"
#include "engine/base/function.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::client {

inline constexpr std::string_view kWorkflowService = "temporal.api.workflowservice.v1.WorkflowService";
inline constexpr std::string_view kRecordsService = "wfe.records.v1.RecordsService";

/// Lets the caller give up a call, for example a long poll when the worker drains.
class CallHandle {
 public:
  virtual ~CallHandle() = default;
  /// The answer becomes CANCELLED unless it was there already.  Callable from any thread, any number of times.
  virtual void Cancel() = 0;
};

struct CallOptions {
  Duration timeout = std::chrono::seconds(30);  ///< 70 s for long polls (pitfall 6).
  Executor* executor = nullptr;                 ///< Where the answer is delivered; must outlive the call.
  /// Without a connection: waits for one, as long as the call may take, instead of failing at once.  For calls that would
  /// be tried again anyway: they leave as soon as the server is back.
  bool waits_for_connection = false;
  bool polls_for_task = false;  ///< Takes one of a stream's credits for polls; without one it goes alone.
};

class ServiceClient {
 public:
  /// Ends the calls that have not been answered and returns when their answers (CANCELLED) have been delivered; not
  /// from one of these deliveries.
  virtual ~ServiceClient() = default;

  /// Starts `service`/`method`.  `done` runs on options.executor, exactly once, never inside this call.
  /// The request is serialized before Call returns.  Callable from any thread.
  virtual std::shared_ptr<CallHandle> Call(std::string_view service, std::string_view method,
                                           const google::protobuf::MessageLite& request, const CallOptions& options,
                                           Function<void(Result<std::string>)> done) = 0;
};

/// Typed: parses the answer as `Response`.
///   CallMethod<ws::StartWorkflowExecutionResponse>(client, kWorkflowService, "StartWorkflowExecution", request,
///   options,
///       [](Result<ws::StartWorkflowExecutionResponse> response) { … });
template <class Response, class Done>
std::shared_ptr<CallHandle> CallMethod(ServiceClient& client, std::string_view service, std::string_view method,
                                       const google::protobuf::MessageLite& request, const CallOptions& options,
                                       Done done) {
  return client.Call(service, method, request, options,
                     [done = std::move(done), name = std::string(method)](Result<std::string> bytes) mutable {
                       if (!bytes) return done(Result<Response>(std::move(bytes).error()));
                       Response response;
                       if (!response.ParseFromString(*bytes)) {
                         return done(Result<Response>(Internal(name + ": the answer is not a valid message")));
                       }
                       done(Result<Response>(std::move(response)));
                     });
}

}  // namespace wfe::client
