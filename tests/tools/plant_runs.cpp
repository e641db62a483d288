// Runs of an optimized workflow on a server, for tests that are shell scripts:
//   plant_runs ADDRESS WORKFLOW SECONDS MS_EACH…
// For so many seconds a run begins every 10 ms, gets its version, and leaves its record; runs of version n take the
// n-th of the milliseconds, give or take a half.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "activities/delivery/records/executions.h"
#include "activities/delivery/records/version_choice.h"
#include "workers/client/grpc_client.h"

namespace {

using namespace wfe;

/// A server that is being restarted is asked again.
template <class F>
auto Insist(F ask) {
  for (int attempt = 0;; ++attempt) {
    auto result = ask();
    if (result) return *std::move(result);
    if (attempt == 200 || result.error().code == StatusCode::kNotFound) {
      std::fprintf(stderr, "%s\n", result.error().ToString().c_str());
      std::exit(1);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: plant_runs ADDRESS WORKFLOW SECONDS MS_EACH…\n");
    return 2;
  }
  const auto channel = client::NewGrpcClient({.address = argv[1], .ns = "default", .api_key = {}});
  client::RecordsClient records(*channel, std::chrono::seconds(2));
  const std::string workflow = argv[2];
  std::mt19937_64 random(std::random_device{}());
  std::uniform_real_distribution<> spread(0.5, 1.5);
  const Instant end = SystemClock().Now() + std::chrono::seconds(std::atoi(argv[3]));
  int runs = 0;
  for (Instant now = SystemClock().Now(); now < end; now = SystemClock().Now()) {
    const std::string run = std::to_string(random());
    const std::string at = FormatIso8601Millis(now);
    const auto chosen = Insist([&] { return delivery::ChooseVersion(records, workflow, run, at); });
    const int of_version = std::min(chosen.version, argc - 5);
    delivery::ExecutionRecord execution;
    execution.workflow_id = workflow;
    execution.version_id = chosen.version_id;
    execution.workflow_run_id = run;
    execution.started_at = at;
    execution.duration_ms = static_cast<int64_t>(std::atof(argv[4 + of_version]) * spread(random));
    execution.cost_usd = 0.01 * spread(random);
    execution.success = true;
    Insist([&] { return delivery::SaveExecution(records, execution); });
    ++runs;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::printf("%d runs\n", runs);
  return 0;
}
