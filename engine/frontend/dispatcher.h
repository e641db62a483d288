// The engine's whole API behind one call: a method's name and the request's bytes in, the answer's bytes out.
// The gRPC server and the simulated network both end here; there are no sockets below.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/function.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::frontend {

/// A call in progress.  The transport makes one per call and tells it when the caller is gone.
class ServerCall {
 public:
  virtual ~ServerCall() = default;
  /// When the caller stops waiting, on the engine's monotonic clock; Instant::max() when it set no deadline.
  virtual Instant Deadline() const = 0;
  virtual bool IsCancelled() const = 0;
  /// The caller said that it can do this (header `supported-features`).  Callers inside the process are ours and can do
  /// whatever there is.
  virtual bool Supports(std::string_view /*feature*/) const { return true; }
  /// A header of the call by its name in lower case.  While the call is dispatched.
  virtual std::optional<std::string_view> Metadata(std::string_view /*name*/) const { return std::nullopt; }
  /// Where the caller is: "ipv4:127.0.0.1:5000", "unix:"; "in-process" when it is this program.  The same.
  virtual std::string Peer() const { return "in-process"; }
  /// Runs `callback` once when the caller goes away before the reply, at once if it has already; on any thread.
  virtual void OnCancel(Function<void()> callback) = 0;
  /// Sends the serialized response or the error; exactly once, from any thread.
  virtual void Reply(Result<std::string> response) = 0;
};

class Dispatcher {
 public:
  virtual ~Dispatcher() = default;
  /// `service` and `method` as in the proto: "temporal.api.workflowservice.v1.WorkflowService",
  /// "StartWorkflowExecution". A method that is not served is answered UNIMPLEMENTED with its name.  Callable from any
  /// thread. `request` is only valid during the call.
  virtual void Dispatch(std::string_view service, std::string_view method, std::string_view request,
                        std::shared_ptr<ServerCall> call) = 0;
};

}  // namespace wfe::frontend
