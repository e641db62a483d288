// What kind of world a seed makes: its size, its timing and which faults it knows.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/time.h"

namespace wfe::simulation {

struct NetworkOptions {
  Duration min_delay = std::chrono::microseconds(100);
  Duration max_delay = std::chrono::milliseconds(5);
  double slow = 0;  ///< Share of messages that take up to `slow_delay`.
  Duration slow_delay = std::chrono::seconds(2);
  double lose_request = 0;
  double lose_response = 0;  ///< It was done, and nobody hears of it.
  bool streams = false;      ///< Processes carry their calls in streams; the faults above are of those that go alone.
  double break_stream = 0;   ///< A frame does not arrive, and its stream is gone.
  double duplicate = 0;      ///< The request arrives a second time, whose answer nobody reads.
};

struct EngineTiming {
  int shards = 2;
  Duration sync_latency = std::chrono::microseconds(500);
  Duration max_sync_latency = std::chrono::milliseconds(5);
  double slow_sync = 0;  ///< Share of syncs that take up to 2 s (F5).
};

struct WorkerShape {
  int processes = 2;
  size_t max_cached_workflows = 1000;
  bool eager_activities = true;
  size_t max_concurrent_activities = 20;
  bool embedded = false;     ///< The first worker lives in the engine's process, without a network between them.
  bool code_strand = false;  ///< Workflow code runs beside the worker's strand, as in a real worker.
};

/// Mean times between faults; zero: that fault does not happen.
struct FaultOptions {
  Duration engine_crash{};    // F1, F2
  Duration engine_restart{};  // graceful
  Duration write_error{};     // F4
  Duration worker_crash{};    // F9
  Duration worker_restart{};  // graceful
  Duration clog{};            // F12: a link holds everything back for a while …
  Duration longest_clog = std::chrono::seconds(30);  // … but no longer than this
  Duration clock_jump{};      // F8
};

struct Options {
  uint64_t seed = 0;
  int workflows = 8;
  int schedules = 0;
  Duration safety = std::chrono::minutes(3);  ///< Faults happen so long.
  /// Once healed, everything must have ended within this.
  Duration liveness = std::chrono::hours(2);
  NetworkOptions network;
  EngineTiming engine;
  WorkerShape worker;
  FaultOptions faults;
  /// The engine compares and repairs its derived data now and then, as a real host lets it (H21, H33).  Differences are
  /// violations either way; without it nothing covers up what recovery forgets.
  bool repair_derived = true;
  double neighbours = 0;     ///< Share of workflows that have children and send requests to others.
  bool allow_poison = true;  ///< Some workflow code throws until the world is healed (F13).

  /// Swarm testing: each seed leaves out some kinds of faults and exaggerates others.
  static Options FromSeed(uint64_t seed);
  /// No faults, two workers, quick network.
  static Options Calm(uint64_t seed);

  /// One line per group, for failing seeds.
  std::string ToString() const;
};

}  // namespace wfe::simulation
