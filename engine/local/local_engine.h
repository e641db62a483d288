// The engine on a real machine: a store directory, strands over a pool of threads, clocks.  No socket: host::Server puts
// one in front of it, and a program that embeds the engine calls its dispatcher.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/executor.h"
#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/frontend/dispatcher.h"
#include "engine/local/limits.h"
#include "engine/records/budget.h"

namespace wfe::local {

struct EngineOptions {
  std::string data_dir = "./wfe-data";
  int shards = 4;                ///< A power of two; may change between starts.
  int threads = 2;               ///< Of the pool that runs strands nobody else runs.
  std::string accept_data_loss;  ///< The sequence number a refused start asked for; empty: none.
  Limits limits;
  std::vector<records::BudgetRule> budgets;  ///< Where nobody has set another (QF-2).
  /// How often the index of timers is compared with the stored runs; zero: never.
  Duration check_derived_every = std::chrono::minutes(10);
  /// What an operator should know; outlives the engine.  Null: lines of text on stderr.
  Log* log = nullptr;
  /// Called once, when the store has failed and the process must end (ARCHITECTURE D5).  Empty: print and _Exit.
  std::function<void(const std::string&)> on_fatal;
  /// Told when the engine begins to refuse calls because too much is under way, and when that is over; on any thread.
  std::function<void(bool overloaded)> on_overloaded;
};

/// What a start that failed was at.
enum class StartStep {
  kOptions,  ///< An option is wrong, such as an address that is not loopback, or the machine allows too few files.
  kStore,    ///< In use, damaged, of another version, not writable; RESOURCE_EXHAUSTED: its disk is full.
  kAddress,  ///< Taken, or not ours to take.
};

class LocalEngine {
 public:
  /// Opens the store, recovers every open execution.  Serving when it returns.  On an error `step` says what failed; the
  /// error's code says how.
  static Result<std::unique_ptr<LocalEngine>> Open(const EngineOptions& options, StartStep* step = nullptr);
  /// Stops it when that has not been done.
  ~LocalEngine();

  /// Thread-safe; valid as long as the engine.  Whoever dispatches from a thread of its own lends it (base/strand.h) by
  /// an InlineScope, or leaves the work to the pool.
  frontend::Dispatcher& dispatcher();
  /// The scale of ServerCall::Deadline.
  const Clock& monotonic() const;
  /// Runs functions on the pool, several at a time.
  Executor& pool();
  /// A strand of the pool: runs the short functions of callers in this process, one at a time.
  Executor& answers();
  TimerService& timers();
  /// What was counted, as OpenMetrics text (base/metrics.h).  Callable from any thread.
  std::string MetricsText() const;

  /// Refuses new calls, answers parked polls and waits for commits.  Blocks; call once, before Close.
  void Drain();
  /// Stops the threads and closes the store.  When no call is dispatched any more.
  void Close();

 private:
  class Impl;
  explicit LocalEngine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::local
