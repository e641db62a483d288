// The whole engine, composed: shards, matching, timers and the dispatcher over one store.  It owns no thread, clock or
// socket; the real host and the simulated host both build exactly this and lend it what it needs.
//
//   EngineOptions options;                       // every limit has a default
//   EngineHost host{.clock = clock, .ids = ids, .timers = timers, .shard_executors = {&strand0, &strand1},
//                   .matching_executor = matching_strand, .blocking_executor = pool, .store = *store};
//   Engine engine(options, host);
//   WFE_RETURN_IF_ERROR(engine.Start());         // recovery, see Start
//   ... server calls engine.dispatcher().Dispatch(service, method, bytes, call) from any thread ...
//   engine.Stop([&] { ... });                    // refuses new calls, answers parked polls, waits for commits
//   // stop the executors, then destroy the engine
#pragma once

#include <memory>
#include <vector>

#include "engine/base/result.h"
#include "engine/frontend/dispatcher.h"
#include "engine/runtime/engine_options.h"

namespace wfe::frontend {

class Authorizer;
using runtime::DerivedReport;
using runtime::EngineHost;
using runtime::EngineOptions;

class Engine {
 public:
  /// Without an `authorizer`, which outlives the engine, everybody may do everything.
  Engine(EngineOptions options, EngineHost host, const Authorizer* authorizer = nullptr);
  ~Engine();  ///< After the host has stopped its executors.
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Recovery: learns which executions are open and tells their shards, which take them up again in turns and serve in
  /// between; timers, offers and what a crash left to be decided follow from the states.  What cannot be read is named
  /// (`warn`) and left alone: it answers DATA_LOSS, and everything else is served (F6).  Reads keys on the calling
  /// thread and posts the rest; calls dispatched afterwards queue up behind it.  Call once, before the first Dispatch.
  Status Start();

  /// Refuses new calls with UNAVAILABLE, answers parked polls empty and waiting calls UNAVAILABLE, and runs `done`
  /// once every commit handed in is durable.  Callable from any thread, once.
  void Stop(Function<void()> done);

  /// Thread-safe; valid as long as the engine.
  Dispatcher& dispatcher();

  /// Compares timer index and offers with the stored states, repairs what differs and says what it was.  Cheap enough
  /// to run now and then; `done` runs on some executor of the host.
  void CheckDerived(Function<void(Result<DerivedReport>)> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::frontend
