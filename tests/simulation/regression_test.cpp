// Bug classes that other engines have published (docs/reference/reliability.md, section 1), each as a small world.
#include <gtest/gtest.h>

#include "tests/simulation/world.h"

namespace wfe::simulation {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

/// `count` workflows with the same operations, which complete with `value`.
std::vector<Plan> Plans(int count, const json& ops, int64_t value) {
  std::vector<Plan> plans;
  for (int number = 0; number < count; ++number) {
    Plan plan;
    plan.number = number;
    plan.workflow_id = "workflow-" + std::to_string(number);
    plan.program.input = {{"ops", ops}, {"end", "complete"}, {"sum", 0}, {"expect", 0}, {"signals", json::object()}};
    plan.program.value = value;
    plan.start_at = std::chrono::milliseconds(10 * number);
    plan.statuses = {enums::WORKFLOW_EXECUTION_STATUS_COMPLETED};
    plan.value = value;
    plans.push_back(std::move(plan));
  }
  return plans;
}

json Op(const char* op, json fields = json::object()) {
  fields["op"] = op;
  return fields;
}

Outcome RunSound(const Options& options, std::vector<Plan> plans) {
  Outcome outcome = World(options, std::move(plans), false).Run();
  for (const std::string& violation : outcome.violations) ADD_FAILURE() << violation;
  return outcome;
}

int Count(const Outcome& outcome, enums::EventType type) {
  const auto found = outcome.events_of_type.find(type);
  return found == outcome.events_of_type.end() ? 0 : found->second;
}

// A pending timer without a physical one: the derived index is compared every 10 s and after every recovery.
TEST(PublishedBugs, TimerIndexEqualsStateThroughCrashes) {
  Options options = Options::Calm(1);
  options.faults.engine_crash = 5s;
  const json sleep = Op("sleep", {{"ms", 25'000}});
  const Outcome outcome = RunSound(options, Plans(20, json::array({sleep, sleep, sleep}), 0));
  EXPECT_GT(outcome.engine_starts, 10);
  EXPECT_EQ(Count(outcome, enums::EVENT_TYPE_TIMER_FIRED), 60);
}

// One activity dispatched twice: polls arrive twice, and their answers are lost.
TEST(PublishedBugs, OneStartedEventPerAttempt) {
  Options options = Options::Calm(2);
  options.network.duplicate = 0.5;
  options.network.lose_response = 0.3;
  options.network.slow = 0.1;
  const json fan = Op("fan", {{"value", 1}, {"count", 8}});
  const Outcome outcome = RunSound(options, Plans(10, json::array({fan, fan}), 16));
  EXPECT_EQ(Count(outcome, enums::EVENT_TYPE_ACTIVITY_TASK_STARTED), 160);
  EXPECT_GE(outcome.activity_attempts, 160U);  // An attempt whose answer is lost is begun again, as the next one.
}

// A refused completion that leaves the task started for ever: a restarted engine refuses what an older one handed out.
TEST(PublishedBugs, RejectedCompletionReschedules) {
  Options options = Options::Calm(3);
  options.network.max_delay = 2s;  // So that most completions meet another engine than the one that asked.
  options.faults.engine_crash = 2s;
  const Outcome outcome = RunSound(options, Plans(10, json::array({Op("work", {{"value", 3}})}), 3));
  EXPECT_GT(outcome.arrivals.at("RespondWorkflowTaskCompleted"),
            Count(outcome, enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED));
}

// Cancelling a timer that has already fired: a worker loop of failures.
TEST(PublishedBugs, CancelVersusFireRace) {
  json ops = json::array();
  for (int early = -20; early <= 20; ++early) ops.push_back(Op("cancel_timer", {{"ms", 300}, {"early", early}}));
  const Outcome outcome = RunSound(Options::Calm(4), Plans(10, ops, 0));
  EXPECT_GT(Count(outcome, enums::EVENT_TYPE_TIMER_CANCELED), 0);
  EXPECT_GT(Count(outcome, enums::EVENT_TYPE_TIMER_FIRED), 410);
  EXPECT_EQ(Count(outcome, enums::EVENT_TYPE_WORKFLOW_TASK_FAILED), 0);
}

// A poison workflow task retried hundreds of times (F13): the back-off bounds the load, one event tells of the series.
TEST(PublishedBugs, PoisonTaskBoundedLoad) {
  Options options = Options::Calm(5);
  options.safety = 2h;
  const Outcome outcome = RunSound(options, Plans(3, json::array({Op("poison")}), 0));
  // 2 hours at 10 minutes each, and some quicker ones to begin with.
  EXPECT_LT(outcome.arrivals.at("RespondWorkflowTaskFailed"), 3 * 25);
  EXPECT_EQ(Count(outcome, enums::EVENT_TYPE_WORKFLOW_TASK_FAILED), 3);
}

}  // namespace
}  // namespace wfe::simulation
