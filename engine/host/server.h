// The engine on a real machine: a store directory, strands over a thread pool, clocks, and the gRPC server.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/host/limits.h"

namespace wfe::host {

struct ServerOptions {
  std::string data_dir = "./wfe-data";
  std::string listen = "127.0.0.1:7233";  ///< HOST:PORT; port 0: the system chooses.
  int shards = 4;                         ///< A power of two; may change between starts.
  int threads = 2;                        ///< Of the pool that runs strands nobody else runs.
  bool records_only = false;              ///< Serve blobs and rows only, for workers of another Temporal server.
  std::string accept_data_loss;           ///< The sequence number a refused start asked for; empty: none.
  Limits limits;
  bool insecure = false;                  ///< Allows plain text on an address that is not loopback.
  /// How often the index of timers is compared with the stored runs; zero: never.
  Duration check_derived_every = std::chrono::minutes(10);
  /// What an operator should know; outlives the server.  Null: lines of text on stderr.
  Log* log = nullptr;
  /// Called once, when the store has failed and the process must end (ARCHITECTURE D5).  Empty: print and _Exit.
  std::function<void(const std::string&)> on_fatal;
};

/// What a start that failed was at.
enum class StartStep {
  kOptions,  ///< An option is wrong, such as an address that is not loopback, or the machine allows too few files.
  kStore,    ///< In use, damaged, of another version, not writable; RESOURCE_EXHAUSTED: its disk is full.
  kAddress,  ///< Taken, or not ours to take.
};

class Server {
 public:
  /// Opens the store, recovers every open execution, listens.  Serving when it returns.  On an error `step` says what
  /// failed; the error's code says how.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options, StartStep* step = nullptr);
  ~Server();

  /// HOST:PORT really bound.
  const std::string& address() const;
  /// What was counted, as OpenMetrics text (base/metrics.h).  Callable from any thread.
  std::string MetricsText() const;
  /// Refuses new calls, answers parked polls, waits for commits, closes the store.  Blocks; call once.
  void Stop(Duration grace);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::host
