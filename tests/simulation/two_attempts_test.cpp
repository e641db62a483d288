// Two attempts of one workflow task at one worker (WIRE-F27): the smallest world that brings them together, many times.
//
//   WFE_SEEDS=1-20000 simulation_test --gtest_filter='TwoAttempts*'    other seeds than 1 to 1,000
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "tests/simulation/world.h"

namespace wfe::simulation {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

/// Runs that sleep, then hold a number that nobody can compute again: an instance whose answer did not count holds
/// another one than the history.
std::vector<Plan> SideEffectPlans(int count) {
  json ops = json::array();
  for (int i = 0; i < 4; ++i) {
    ops.push_back({{"op", "sleep"}, {"ms", 2'000}});
    ops.push_back({{"op", "effect"}});
  }
  std::vector<Plan> plans;
  for (int number = 0; number < count; ++number) {
    Plan plan;
    plan.number = number;
    plan.workflow_id = "workflow-" + std::to_string(number);
    plan.program.input = {{"ops", ops}, {"end", "complete"}, {"sum", 0}, {"expect", 0}, {"signals", json::object()}};
    plan.program.value = 4;
    plan.start_at = std::chrono::milliseconds(300 * number);
    plan.statuses = {enums::WORKFLOW_EXECUTION_STATUS_COMPLETED};
    plan.value = 4;
    plans.push_back(std::move(plan));
  }
  return plans;
}

std::pair<uint64_t, uint64_t> Seeds() {
  const char* const range = std::getenv("WFE_SEEDS");
  const std::string text = range == nullptr ? "" : range;
  const size_t dash = text.find('-');
  if (dash == std::string::npos) return {1, 1000};
  return {std::stoull(text.substr(0, dash)), std::stoull(text.substr(dash + 1))};
}

// WIRE-F27: a worker that was cut off gets several attempts of one task within milliseconds, the newest one not always
// last.  Whichever answer the server takes, the run goes on from that one and from no other.
TEST(TwoAttempts, OfOneTaskAtOneWorkerGiveTheResultOfTheOneThatCounted) {
  if (std::getenv("WFE_SEED") != nullptr) GTEST_SKIP() << "WFE_SEED is set";
  const auto [first, last] = Seeds();
  int refused = 0;
  for (uint64_t seed = first; seed <= last; ++seed) {
    Options options = Options::Calm(seed);
    const bool readable = std::getenv("WFE_TRACE") != nullptr;
    options.safety = 2min;
    options.worker.processes = 1;
    options.worker.code_strand = seed % 2 == 0;
    // Attempts after the first share their event ids, so two of those must wait in the line that is blocked.
    options.faults.clog = 15s;
    options.faults.longest_clog = 60s;
    // The refusal of the attempt that did not count comes late, and the run goes on meanwhile.
    options.network.slow = 0.3;
    options.network.slow_delay = 12s;
    options.network.lose_response = 0.1;
    const Outcome outcome = World(options, SideEffectPlans(1), readable).Run();
    for (const std::string& violation : outcome.violations) ADD_FAILURE() << "seed " << seed << ": " << violation;
    refused += outcome.arrivals.at("RespondWorkflowTaskCompleted") -
               outcome.events_of_type.at(enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED);
  }
  EXPECT_GT(refused, 0) << "no world had two attempts";
}

}  // namespace
}  // namespace wfe::simulation
