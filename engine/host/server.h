// The engine behind its gRPC server: what `wfe server` runs.
#pragma once

#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/local/local_engine.h"

namespace wfe::host {

using local::StartStep;

struct ServerOptions {
  local::EngineOptions engine;            ///< But on_overloaded, which is the server's.
  std::string listen = "127.0.0.1:7233";  ///< HOST:PORT; port 0: the system chooses.
  bool records_only = false;              ///< Serve blobs and rows only, for workers of another Temporal server.
  bool insecure = false;                  ///< Allows plain text on an address that is not loopback.
};

class Server {
 public:
  /// Opens the engine and listens.  Serving when it returns.  On an error `step` says what failed; the error's code says
  /// how.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options, StartStep* step = nullptr);
  ~Server();

  /// HOST:PORT really bound.
  const std::string& address() const;
  /// For calls from inside the process.  Until Stop.
  local::LocalEngine& engine();
  /// Refuses new calls, answers parked polls, waits for commits, closes the store.  Blocks; call once.
  void Stop(Duration grace);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::host
