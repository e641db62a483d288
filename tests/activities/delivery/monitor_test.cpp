// What a monitor tells, how often, and where it sends it.
#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "activities/delivery/records/monitor_log.h"
#include "activities/delivery/rules/monitor_rules.h"
#include "activities/delivery/steps/hook.h"
#include "activities/delivery/steps/register.h"
#include "tests/activities/delivery/traffic.h"

namespace wfe::delivery {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Instant kStart = *ParseIso8601("2026-03-02T00:00:00.000Z");

/// Runs whose durations spread by half, so many of which fail.
std::vector<RunOutcome> Window(int runs, double duration, double cost, int failed) {
  std::vector<RunOutcome> window;
  for (int i = 0; i < runs; ++i) {
    const double spread = 0.5 + static_cast<double>(i % 11) / 10;
    window.push_back({.run_id = "run-" + std::to_string(i),
                      .ended = kStart + i * 1s,
                      .duration_ms = duration * spread,
                      .cost_usd = cost * spread,
                      .success = i >= failed});
  }
  return window;
}

std::vector<std::string> Holding(const PerformanceWindow& baseline, const std::vector<RunOutcome>& window,
                                 const MonitorRules& rules = {}) {
  std::vector<std::string> holding;
  for (const Condition& condition : Assess(baseline, window, rules)) {
    EXPECT_FALSE(condition.holds && condition.gone);
    if (condition.holds) holding.push_back(condition.type + " " + condition.severity);
  }
  return holding;
}

TEST(MonitorRulesTest, EachConditionHasItsThresholdAndSeverity) {  // MO-1
  const PerformanceWindow baseline = Describe(Window(1000, 1000, 0.01, 20));
  EXPECT_THAT(Holding(baseline, Window(200, 1000, 0.01, 4)), ElementsAre());
  EXPECT_THAT(Holding(baseline, Window(200, 1300, 0.01, 4)), ElementsAre("PERFORMANCE_REGRESSION HIGH"));
  EXPECT_THAT(Holding(baseline, Window(200, 1080, 0.01, 4)), ElementsAre()) << "below 10 %";
  EXPECT_THAT(Holding(baseline, Window(200, 1000, 0.013, 4)), ElementsAre("COST_REGRESSION MEDIUM"));
  EXPECT_THAT(Holding(baseline, Window(200, 1000, 0.01, 20)),
              ElementsAre("QUALITY_REGRESSION CRITICAL", "ERROR_SPIKE CRITICAL"));
  EXPECT_THAT(Holding(baseline, Window(400, 1000, 0.01, 26)), ElementsAre("ERROR_SPIKE CRITICAL"))
      << "4.5 points are no regression of quality, and more than twice the errors";
  std::vector<RunOutcome> outlier = Window(200, 1000, 0.01, 4);
  outlier[7].duration_ms = 60'000;
  EXPECT_THAT(Holding(baseline, outlier, {.duration_increase = 1}), ElementsAre("ANOMALY LOW"));
}

TEST(MonitorRulesTest, ZeroBaselinesAreNoAlarmAtTheFirstError) {  // MO-1
  const PerformanceWindow baseline = Describe(Window(1000, 1000, 0, 0));
  EXPECT_THAT(Holding(baseline, Window(60, 1000, 0, 2)), ElementsAre());
  EXPECT_THAT(Holding(baseline, Window(100, 1000, 0, 3)), ElementsAre("ERROR_SPIKE CRITICAL"));
  EXPECT_THAT(Holding(baseline, Window(60, 1000, 0.01, 0)), ElementsAre("COST_REGRESSION MEDIUM"))
      << "cost where there was none";
}

TEST(MonitorRulesTest, RunsAreNotStrangeForBeingAsQuickAsTheirVersion) {  // MO-1
  const PerformanceWindow baseline = Describe(Window(1000, 1000, 0.01, 0));
  EXPECT_THAT(Holding(baseline, Window(60, 400, 0.01, 0)), ElementsAre());
  std::vector<RunOutcome> window = Window(60, 1000, 0.01, 0);
  window[7].duration_ms = 20;
  EXPECT_THAT(Holding(baseline, window), ElementsAre("ANOMALY LOW")) << "one that did nothing";
}

TEST(MonitorRulesTest, TooFewRunsTellNothing) {  // MO-1
  const PerformanceWindow baseline = Describe(Window(1000, 1000, 0.01, 0));
  EXPECT_TRUE(Assess(baseline, Window(19, 9000, 1, 19), {}).empty());
  EXPECT_TRUE(Assess(Describe(Window(19, 1000, 0.01, 0)), Window(500, 9000, 1, 19), {}).empty());
  EXPECT_TRUE(Assess({}, {}, {}).empty());
}

class MonitorStep : public ::testing::Test {
 protected:
  MonitorStep() {
    traffic_.Add("report", {}, kStart);
    config_.records = traffic_.records();
  }
  /// An hour of traffic, then a look.
  WatchWorkflowResult Hour(int runs = 120) {
    traffic_.Run("report", runs, now_, now_ + 1h);
    now_ += 1h;
    return Look();
  }
  WatchWorkflowResult Look() {
    const auto result = WatchWorkflow(config_, {.workflow_id = "report", .now = FormatIso8601Millis(now_)});
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().ToString());
    return result ? *result : WatchWorkflowResult();
  }
  void Activate(int version) {
    ASSERT_TRUE(traffic_.versions().Activate("report", version, {"ada", "r", FormatIso8601Millis(now_)}));
  }
  static std::vector<std::string> Told(const WatchWorkflowResult& result) {
    std::vector<std::string> told;
    for (const MonitoringEvent& event : result.events) {
      if (event.type != kAnomaly) told.push_back(event.type + " " + event.state);
    }
    return told;
  }

  Traffic traffic_{7};
  DeliveryConfig config_;
  Instant now_ = kStart;
};

TEST_F(MonitorStep, ConditionIsToldOnceWhenItBeginsAndOnceWhenItIsOver) {  // MO-2, MO-3
  for (int hour = 0; hour < 6; ++hour) EXPECT_THAT(Told(Hour()), ElementsAre());
  ASSERT_TRUE(traffic_.State("report").baseline);
  EXPECT_EQ(traffic_.State("report").baseline->version_id, "report_v0") << "its own, while there is none before it";
  traffic_.load = [](int, Instant) { return 1.8; };
  EXPECT_THAT(Told(Hour()), ElementsAre("PERFORMANCE_REGRESSION raised"));
  for (int hour = 0; hour < 4; ++hour) EXPECT_THAT(Told(Hour()), ElementsAre());
  traffic_.load = nullptr;
  EXPECT_THAT(Told(Hour()), ElementsAre("PERFORMANCE_REGRESSION cleared"));
  const auto events = MonitorLog(*config_.records).Events("report");
  EXPECT_TRUE(Lasting(*events).empty() || Lasting(*events).begin()->first == kAnomaly);
}

TEST_F(MonitorStep, AttemptWhoseAnswerWasLostPassesOnTheSameEvents) {  // MO-2
  for (int hour = 0; hour < 6; ++hour) Hour();
  traffic_.load = [](int, Instant) { return 2.0; };
  const WatchWorkflowResult first = Hour();
  const WatchWorkflowResult again = Look();
  EXPECT_EQ(nlohmann::json(first.events), nlohmann::json(again.events));
}

TEST_F(MonitorStep, VersionInServiceThatHurtsIsTakenBackOnce) {  // RB-2, MO-2, MO-3
  traffic_.Add("report", {.duration_ms = 90'000}, now_);
  for (int hour = 0; hour < 6; ++hour) Hour();
  Activate(1);
  WatchWorkflowResult seen = Hour(40);
  EXPECT_FALSE(seen.roll_back_to) << "of 40 runs nothing is said";
  seen = Hour(40);
  ASSERT_TRUE(seen.roll_back_to);
  EXPECT_EQ(*seen.roll_back_to, 0);
  EXPECT_THAT(seen.why, HasSubstr("regression: mean duration is"));
  const RollBackVersionInput back{
      .workflow_id = "report", .from = 1, .to = 0, .reason = seen.why, .now = FormatIso8601Millis(now_)};
  const auto done = RollBackVersion(config_, back);
  ASSERT_TRUE(done && done->changed && done->event);
  EXPECT_THAT(done->event->description, HasSubstr("back to report_v0: regression"));
  const auto repeated = RollBackVersion(config_, back);
  EXPECT_TRUE(repeated->changed) << "an attempt whose answer was lost";
  EXPECT_EQ(nlohmann::json(*done->event), nlohmann::json(*repeated->event));
  EXPECT_EQ(traffic_.State("report").versions[1].status, kStatusRolledBack);
  traffic_.load = [](int, Instant) { return 3.0; };
  EXPECT_FALSE(Hour().roll_back_to) << "an outage does not lead further back";
}

TEST_F(MonitorStep, VersionThatBeginsToHurtAfterADayIsTakenBackByTheLastHour) {  // RB-2
  traffic_.Add("report", {.duration_ms = 40'000}, now_);
  for (int hour = 0; hour < 6; ++hour) Hour();
  Activate(1);
  for (int hour = 0; hour < 24; ++hour) EXPECT_FALSE(Hour().roll_back_to);
  traffic_.load = [](int version, Instant) { return version == 1 ? 2.5 : 1.0; };
  const WatchWorkflowResult seen = Hour();
  ASSERT_TRUE(seen.roll_back_to) << "whatever the runs of the day before were like";
  EXPECT_LE(seen.check->runs_after, 120);
}

TEST_F(MonitorStep, SpikeOfErrorsTakesAVersionBackAtOnceWhereItIsBeyondChance) {  // MO-2
  traffic_.Add("report", {.success = 0.5}, now_);
  for (int hour = 0; hour < 6; ++hour) Hour();
  Activate(1);
  traffic_.Run("report", 30, now_, now_ + 10min);
  now_ += 12min;
  const WatchWorkflowResult seen = Look();
  ASSERT_TRUE(seen.roll_back_to);
  EXPECT_THAT(seen.why, HasSubstr("QUALITY_REGRESSION: success rate"));
}

TEST_F(MonitorStep, WorkflowWithoutVersionsIsASentence) {
  const auto result = WatchWorkflow(config_, {.workflow_id = "nobody", .now = FormatIso8601Millis(now_)});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->why, "there are no versions of a workflow \"nobody\"");
}

TEST(MonitorHookTest, CommandReadsTheEventAndItsFailureIsASentence) {  // MO-2
  const std::string file = ::testing::TempDir() + "/hook-" + std::to_string(getpid());
  MonitoringEvent event;
  event.type = kErrorSpike;
  event.workflow_id = "report";
  event.severity = kCritical;
  event.description = "3 of 60 runs fail";
  event.time = "2026-03-02T00:00:00.000Z";
  Result<MonitorHook> hook = MakeHook({.command = {"/bin/sh", "-c", "cat > " + file}, .url = ""});
  ASSERT_TRUE(hook);
  const Status sent = (*hook)(event);
  ASSERT_TRUE(sent) << sent.error().ToString();
  std::ifstream in(file);
  EXPECT_EQ(nlohmann::json::parse(in), nlohmann::json(event));
  std::filesystem::remove(file);
  hook = MakeHook({.command = {"/bin/sh", "-c", "echo no route >&2; exit 3"}, .url = ""});
  EXPECT_THAT((*hook)(event).error().message, HasSubstr("the monitor's hook /bin/sh ended with 3: no route"));
  hook = MakeHook({.command = {"/no/such/program"}, .url = ""});
  EXPECT_THAT((*hook)(event).error().message, HasSubstr("could not start"));
}

TEST(MonitorHookTest, UrlMustBeSafeAndReachable) {  // MO-2
  EXPECT_FALSE(MakeHook({.command = {}, .url = "http://example.org/hook"})) << "in the clear, to another machine";
  EXPECT_FALSE(MakeHook({.command = {}, .url = "nonsense"}));
  EXPECT_FALSE(MakeHook({.command = {"x"}, .url = "https://example.org"}));
  EXPECT_FALSE(*MakeHook({})) << "none is none";
  const Result<MonitorHook> hook = MakeHook({.command = {}, .url = "http://127.0.0.1:1/hook"});
  ASSERT_TRUE(hook);
  EXPECT_THAT((*hook)({}).error().message, HasSubstr("the monitor's hook was not reached"));
}

}  // namespace
}  // namespace wfe::delivery
