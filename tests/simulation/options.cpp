#include "tests/simulation/options.h"

#include <sstream>

#include "tests/simulation/random.h"

namespace wfe::simulation {

using namespace std::chrono_literals;

Options Options::Calm(uint64_t seed) {
  Options options;
  options.seed = seed;
  return options;
}

Options Options::FromSeed(uint64_t seed) {
  Random random = Random(seed * 2 + 1).Fork("options");
  Options options = Calm(seed);
  options.workflows = static_cast<int>(random.Between(3, 10));
  // From a stream of its own: the other options of a seed stay what they are without it.
  if (Random schedules = Random(seed * 2 + 1).Fork("schedules"); schedules.Chance(0.25)) {
    options.schedules = static_cast<int>(schedules.Between(1, 2));
  }

  NetworkOptions& network = options.network;
  const auto sometimes = [&random](double most) {
    return random.Chance(0.5) ? static_cast<double>(random.Below(1000)) / 1000 * most : 0;
  };
  if (random.Chance(0.3)) network.max_delay = random.Between(Duration(5ms), Duration(300ms));
  network.slow = sometimes(0.1);
  network.slow_delay = random.Between(Duration(500ms), Duration(20s));
  network.lose_request = sometimes(0.15);
  network.lose_response = sometimes(0.15);
  network.duplicate = sometimes(0.25);

  if (Random streams = Random(seed * 2 + 1).Fork("streams"); streams.Chance(0.5)) {  // of their own, as above
    network.streams = true;
    if (streams.Chance(0.7)) network.break_stream = static_cast<double>(streams.Below(1000)) / 1000 * 0.03;
  }

  EngineTiming& engine = options.engine;
  engine.shards = 1 << random.Below(3);
  if (random.Chance(0.3)) engine.max_sync_latency = random.Between(Duration(5ms), Duration(100ms));
  engine.slow_sync = sometimes(0.02);

  WorkerShape& worker = options.worker;
  worker.processes = static_cast<int>(random.Between(1, 3));
  switch (random.Below(4)) {
    case 0:
      worker.max_cached_workflows = 0;
      break;
    case 1:
      worker.max_cached_workflows = static_cast<size_t>(random.Between(1, 3));
      break;
    default:
      break;
  }
  worker.embedded = Random(seed * 2 + 1).Fork("embedded").Chance(0.25);        // the same
  worker.code_strand = Random(seed * 2 + 1).Fork("code strand").Chance(0.5);  // a stream of its own, as above
  worker.eager_activities = random.Chance(0.7);
  if (random.Chance(0.3)) worker.max_concurrent_activities = static_cast<size_t>(random.Between(1, 3));

  FaultOptions& faults = options.faults;
  const auto every = [&random](double chance, Duration least, Duration most) {
    const Duration mean = random.Between(least, most);
    return random.Chance(chance) ? mean : Duration::zero();
  };
  faults.engine_crash = every(0.6, 4s, 90s);
  faults.engine_restart = every(0.3, 20s, 90s);
  faults.write_error = every(0.3, 10s, 120s);
  faults.worker_crash = every(0.5, 5s, 90s);
  faults.worker_restart = every(0.3, 10s, 90s);
  faults.clog = every(0.4, 5s, 60s);
  faults.clock_jump = every(0.3, 10s, 120s);
  options.allow_poison = random.Chance(0.5);
  options.repair_derived = random.Chance(0.3);
  return options;
}

std::string Options::ToString() const {
  const auto seconds = [](Duration d) { return std::chrono::duration<double>(d).count(); };
  std::ostringstream out;
  out << "seed " << seed << ": " << workflows << " workflows, faults for " << seconds(safety) << " s\n"
      << "  network: delay " << seconds(network.min_delay) << " to " << seconds(network.max_delay) << " s, "
      << network.slow * 100 << " % up to " << seconds(network.slow_delay) << " s, loses " << network.lose_request * 100
      << " % of requests, " << network.lose_response * 100 << " % of responses, duplicates " << network.duplicate * 100
      << " %, streams " << network.streams << ", of whose frames break " << network.break_stream * 100 << " %\n"
      << "  engine: " << engine.shards << " shards, sync up to " << seconds(engine.max_sync_latency) << " s, "
      << engine.slow_sync * 100 << " % slow\n"
      << "  workers: " << worker.processes << ", cache " << worker.max_cached_workflows << ", "
      << worker.max_concurrent_activities << " activities at once, eager " << worker.eager_activities << ", code beside the strand "
      << worker.code_strand << ", the first in the engine's process " << worker.embedded << "\n"
      << "  faults every (s): engine crash " << seconds(faults.engine_crash) << ", engine restart "
      << seconds(faults.engine_restart) << ", write error " << seconds(faults.write_error) << ", worker crash "
      << seconds(faults.worker_crash) << ", worker restart " << seconds(faults.worker_restart) << ", clog "
      << seconds(faults.clog) << ", clock jump " << seconds(faults.clock_jump) << ", poison " << allow_poison
      << ", repairs derived data " << repair_derived << "\n";
  return out.str();
}

}  // namespace wfe::simulation
