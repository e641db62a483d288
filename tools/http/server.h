// An HTTP/1.1 listener for people and programs beside the engine (HT-1): few threads of its own, and a number for
// everything that a client could have more of.  It knows messages and limits, not what is served.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/log.h"
#include "engine/base/metrics.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "tools/http/message.h"

namespace wfe::http {

struct ServerOptions {
  std::string listen = "127.0.0.1:8233";  ///< HOST:PORT; port 0: the system chooses.
  bool insecure = false;                  ///< Allows an address that is not loopback.
  std::vector<std::string> hosts;         ///< More names that a request may ask for (host_check.h).
  /// When so many are open, a new one takes the place of the one that has sent nothing whole for longest, if that is a
  /// while; else it gets 503.  So clients that hold on and say nothing keep nobody out.
  int64_t max_connections = 512;
  int64_t max_body_bytes = 1 << 20;
  Duration request_timeout =
      std::chrono::seconds(10);  ///< From a request's first byte to its last; for its answer too.
  Duration idle_timeout = std::chrono::seconds(30);
  int handler_threads = 3;
  size_t max_waiting = 256;    ///< Requests for whom no thread is free; more get 503.
  Metrics* metrics = nullptr;  ///< Null: nothing is counted.
  Log* log = nullptr;          ///< Null: nothing is told.
};

/// Of a request line and its headers; a longer target is 414, longer headers are 431.
inline constexpr uint32_t kMaxHeaderBytes = 16 << 10;
inline constexpr size_t kMaxTargetBytes = 8 << 10;

class Server {
 public:
  /// Serving when it returns.  UNAVAILABLE: the address is taken, or not ours to take.  INVALID_ARGUMENT: it is no
  /// HOST:PORT, or not loopback without `insecure`.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options, Handler handler);
  /// Takes no more requests, waits for the handlers that run, and closes every connection.
  ~Server();

  /// HOST:PORT really bound.
  const std::string& address() const;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::http
