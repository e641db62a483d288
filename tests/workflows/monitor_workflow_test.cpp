// MonitorWorkflow in virtual time: it watches for days, through kills, and tells each thing once.
#include "workflows/delivery/monitor_workflow.h"

#include <gmock/gmock.h>

#include "tests/workflows/delivery_world.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using namespace delivery;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kMonitor = "monitor-report";

std::vector<std::string> Told(const DeliveryWorld& world) {
  std::vector<std::string> told;
  for (const MonitoringEvent& event : world.told) {
    if (event.type != kAnomaly) told.push_back(event.type + " " + event.state);
  }
  return told;
}

TEST(MonitorWorkflow, VersionThatHurtsIsTakenBackAndEveryEventIsToldOnceThroughKills) {  // MO-1, MO-2, RB-2, EN-1
  DeliveryWorld world(21, {.duration_ms = 100'000});
  world.Start(kMonitorWorkflow, kMonitor, {{"workflow_id", kWorkflow}});
  for (int hour = 0; hour < 6; ++hour) {
    world.Live(1h);
    hour % 2 == 0 ? world.KillWorker() : world.KillServer();
  }
  EXPECT_THAT(Told(world), ElementsAre());
  const Change change{.author = "ada", .reason = "an idea", .at = FormatIso8601Millis(world.Now())};
  ASSERT_TRUE(world.traffic.versions().Activate(kWorkflow, 1, change));
  world.Live(20min);
  world.CutPowerAfter(3);
  world.Live(6min);
  world.KillServer();
  world.Live(2h);
  const VersionState state = world.traffic.State(kWorkflow);
  EXPECT_EQ(state.in_service, 0);
  EXPECT_EQ(state.versions[1].status, kStatusRolledBack);
  int rollbacks = 0;
  for (const VersionEvent& event : state.events) rollbacks += event.kind == kVersionRolledBack ? 1 : 0;
  EXPECT_EQ(rollbacks, 1);
  const auto told = Told(world);
  EXPECT_EQ(std::ranges::count(told, "AUTOMATIC_ROLLBACK told"), 1) << ::testing::PrintToString(told);
  const auto progress = world.AskStatus<MonitorProgress>(kMonitor);
  EXPECT_EQ(progress.rollbacks, 1);
  EXPECT_EQ(progress.last->version_id, "report_v0");
}

TEST(MonitorWorkflow, HookThatFailsKeepsNothingFromGoingOn) {  // MO-2
  DeliveryWorld world(22, {});
  world.hook_fails = true;
  world.Start(kMonitorWorkflow, kMonitor, {{"workflow_id", kWorkflow}});
  world.Live(4h);
  world.traffic.load = [](int, Instant) { return 2.0; };
  world.Live(2h);
  const auto progress = world.AskStatus<MonitorProgress>(kMonitor);
  EXPECT_GE(progress.raised, 1);
  EXPECT_GE(progress.hook_failures, 1);
  EXPECT_EQ(progress.last_hook_failure, "nobody is there");
  EXPECT_GE(progress.checks, 70);
  const auto events = MonitorLog(*world.traffic.records()).Events(kWorkflow);
  EXPECT_TRUE(Lasting(*events).contains(std::string(kPerformanceRegression)));
}

TEST(MonitorWorkflow, RunsForADayAsOneAfterAnotherAndStopsWhenToldTo) {  // MO-1
  DeliveryWorld world(23, {});
  world.Start(kMonitorWorkflow, kMonitor, {{"workflow_id", kWorkflow}, {"check_every_s", 30}});
  world.Live(24h, 1);
  const auto progress = world.AskStatus<MonitorProgress>(kMonitor);
  EXPECT_NEAR(static_cast<double>(progress.checks), 2880, 5) << "through continue-as-new";
  world.Signal(kMonitor, kMonitorStopSignal, {{"author", "ada"}, {"reason", "enough"}});
  const auto end = world.RawOutcome(kMonitor);
  EXPECT_EQ(end.at("reason"), "stopped by ada: enough");
}

TEST(MonitorWorkflow, BadInputIsNamedAndAWorkflowWithoutVersionsIsWaitedFor) {
  DeliveryWorld world(24, {});
  world.Start(kMonitorWorkflow, "bad-1", {{"workflow_id", "report"}, {"every", 3}});
  world.Start(kMonitorWorkflow, "bad-2", {{"workflow_id", "report"}, {"check_every_s", 0}});
  world.Start(kMonitorWorkflow, "bad-3", {{"workflow_id", "report"}, {"rules", {{"min_runs", 1}}}});
  world.Start(kMonitorWorkflow, "later", {{"workflow_id", "later"}});
  world.Live(1min);
  EXPECT_THAT(world.Outcome("bad-1").failure, HasSubstr("input.every is not known"));
  EXPECT_THAT(world.Outcome("bad-2").failure, HasSubstr("check_every_s must be from 1 second to 7 days"));
  EXPECT_THAT(world.Outcome("bad-3").failure, HasSubstr("rules: min_runs must be at least 2"));
  EXPECT_EQ(world.AskStatus<MonitorProgress>("later").last->why, "there are no versions of a workflow \"later\"");
}

}  // namespace
}  // namespace wfe::workflows
