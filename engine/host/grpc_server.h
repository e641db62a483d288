// The gRPC face of a Dispatcher: every method of the served services, as bytes, over the callback API.
//
// Methods are registered by name from the services' descriptors and handled as raw bytes, so no generated stub is
// compiled, unserved methods are answered by name, and stored event bytes go out as they are (design rule R4).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/base/executor.h"
#include "engine/base/result.h"
#include "engine/frontend/dispatcher.h"

namespace wfe::host {

struct GrpcServerOptions {
  std::string listen = "127.0.0.1:7233";  ///< HOST:PORT; port 0 lets the system choose.
  std::vector<std::string> services;      ///< Full names; each must be in the linked-in protos.
  /// The scale of ServerCall::Deadline; outlives the server.
  const Clock* monotonic = nullptr;
  /// Sends the answers of streams of calls when no other thread has brought them.  The same; null: a thread of its own.
  Executor* pool = nullptr;
  int max_message_bytes = 16 << 20;       ///< Above it gRPC itself refuses; the frontend's own limits are lower.
  int64_t max_connections = 10'000;       ///< Further ones are closed at once.
  int64_t max_streams_per_connection = 10'000;
  int64_t max_polls_per_stream = 1'000;   ///< Of a stream of calls.
  int64_t max_call_streams = 1'000;       ///< Further ones are refused, RESOURCE_EXHAUSTED.
  int64_t max_transport_bytes = 512 << 20;              ///< What gRPC may use for what it reads; then it reads no more.
  int64_t max_unread_answer_bytes = 256 << 20;          ///< Further answers are refused, RESOURCE_EXHAUSTED.
  Duration answer_patience = std::chrono::seconds(30);  ///< A call whose answer is not read for so long is ended.
};

class GrpcServer {
 public:
  /// Binds and starts to answer, health NOT_SERVING until SetServing(true).  `dispatcher` must outlive the server.
  /// UNAVAILABLE: a port in use; INVALID_ARGUMENT: no address.  Both name it.
  static Result<std::unique_ptr<GrpcServer>> Start(GrpcServerOptions options, frontend::Dispatcher& dispatcher);
  ~GrpcServer();

  /// What the standard health service answers, for "" and for each service.
  void SetServing(bool serving);
  /// "127.0.0.1:34567": the address really bound.
  const std::string& address() const;
  /// Refuses new calls, gives those in progress `grace`, then cancels them.  Blocks.
  void Shutdown(Duration grace);

  /// Bytes of answers that nobody has read yet.
  int64_t unread_answer_bytes() const;
  /// Connections that were closed because there were too many.
  int64_t refused_connections() const;

 private:
  class Impl;
  explicit GrpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::host
