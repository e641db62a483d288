// The gRPC face of a Dispatcher: every method of the served services, as bytes, over the callback API.
//
// Methods are registered by name from the services' descriptors and handled as raw bytes, so no generated stub is
// compiled, unserved methods are answered by name, and stored event bytes go out as they are (design rule R4).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/frontend/dispatcher.h"

namespace wfe::host {

struct GrpcServerOptions {
  std::string listen = "127.0.0.1:7233";  ///< HOST:PORT; port 0 lets the system choose.
  std::vector<std::string> services;      ///< Full names; each must be in the linked-in protos.
  int max_message_bytes = 16 << 20;       ///< Above it gRPC itself refuses; the frontend's own limits are lower.
};

class GrpcServer {
 public:
  /// Binds and starts to answer, health NOT_SERVING until SetServing(true).  `dispatcher` must outlive the server.
  /// A port in use is an error that names it.
  static Result<std::unique_ptr<GrpcServer>> Start(GrpcServerOptions options, frontend::Dispatcher& dispatcher);
  ~GrpcServer();

  /// What the standard health service answers, for "" and for each service.
  void SetServing(bool serving);
  /// "127.0.0.1:34567": the address really bound.
  const std::string& address() const;
  /// Refuses new calls, gives those in progress `grace`, then cancels them.  Blocks.
  void Shutdown(Duration grace);

 private:
  class Impl;
  explicit GrpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::host
