// The activities of a rollout: tried again they do nothing twice, and what they see is what the traffic was.
#include "activities/delivery/steps/rollout_steps.h"

#include <gmock/gmock.h>

#include <chrono>

#include "activities/delivery/steps/register.h"
#include "tests/activities/delivery/traffic.h"

namespace wfe::delivery {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const Instant kStart = *ParseIso8601("2026-03-02T00:00:00.000Z");

template <class T>
T Must(Result<T> result) {
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().ToString());
  return result ? *std::move(result) : T();
}

class RolloutSteps : public ::testing::Test {
 protected:
  RolloutSteps() {
    config_.records = traffic_.records();
    traffic_.Add("report", {}, kStart);
    traffic_.Add("report", {}, kStart);
    plan_.stages = {{.percent = 10}, {.percent = 50}, {.percent = 100}};
  }
  BeginRolloutResult Begin(const std::string& id = "r1") {
    return Must(BeginRollout(config_, {.rollout_id = id,
                                       .workflow_id = "report",
                                       .version = "v1",
                                       .plan = plan_,
                                       .author = "ada",
                                       .reason = "r",
                                       .now = FormatIso8601Millis(now_)}));
  }
  SetTrafficSplitResult Carry(int64_t first, const RolloutEvents& events) {
    return Must(SetTrafficSplit(config_, {.rollout_id = "r1",
                                          .workflow_id = "report",
                                          .version = 1,
                                          .control = 0,
                                          .first = first,
                                          .events = events,
                                          .regression = {}}));
  }
  RolloutEvent Enter(int stage) {
    return {.kind = std::string(kStageEntered),
            .at = FormatIso8601Millis(now_),
            .stage = stage,
            .share = plan_.stages[static_cast<size_t>(stage - 1)].percent / 100,
            .author = "rollout",
            .reason = "next",
            .check = std::nullopt};
  }
  CheckRegressionResult Check() {
    return Must(CheckRegression(config_, {.rollout_id = "r1",
                                          .workflow_id = "report",
                                          .version = 1,
                                          .control = 0,
                                          .regression = {},
                                          .stages = 3,
                                          .now = FormatIso8601Millis(now_)}));
  }
  void Live(int runs) {
    traffic_.Run("report", runs, now_, now_ + 1h);
    now_ += 1h + 10min;
  }

  Traffic traffic_{3};
  DeliveryConfig config_;
  RolloutPlan plan_;
  Instant now_ = kStart;
};

TEST_F(RolloutSteps, RepeatedAttemptsDoNothingTwice) {  // RO-1
  EXPECT_EQ(nlohmann::json(Begin()), nlohmann::json(Begin()));
  const RolloutEvents events = BeginRollout(plan_, "ada", "r", now_);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const SetTrafficSplitResult carried = Carry(1, events);
    EXPECT_EQ(carried.carried_out, 2);
    EXPECT_EQ(carried.overtaken, "");
  }
  EXPECT_EQ(traffic_.State("report").splits.size(), 1u);
  EXPECT_EQ(Must(RolloutLog(*config_.records).Get("r1")).events.size(), 2u);
  now_ += 1s;
  EXPECT_EQ(Begin().refused, "there is a rollout \"r1\" already") << "of another start";
  EXPECT_EQ(Begin("r2").refused, "rollout r1 of report_v1 divides the traffic; it has to end first");
}

TEST_F(RolloutSteps, EventThatHasNoPlaceIsNotKept) {  // RO-1
  Begin();
  Carry(1, BeginRollout(plan_, "ada", "r", now_));
  const auto gap = RolloutLog(*config_.records).Append("r1", 7, Enter(2));
  EXPECT_THAT(gap.error().message, HasSubstr("rollout r1 has 2 events where number 7 is to follow"));
}

TEST_F(RolloutSteps, OnlyRunsOfTheRolloutThatBeganInTheStageCountForIt) {  // RO-2
  Live(100);
  Begin();
  Carry(1, BeginRollout(plan_, "ada", "r", now_));
  Live(400);
  const int64_t first = Check().samples;
  EXPECT_NEAR(static_cast<double>(first), 40, 15);
  Carry(3, {Enter(2)});
  EXPECT_EQ(Check().samples, 0);
  Live(200);
  EXPECT_NEAR(static_cast<double>(Check().samples), 100, 25);
}

TEST_F(RolloutSteps, HarmThatGrowsWithTheShareIsFoundInItsStage) {  // RB-2
  Begin();
  Carry(1, BeginRollout(plan_, "ada", "r", now_));
  traffic_.load = [](int version, Instant) { return version == 1 ? 0.5 : 1.0; };
  Live(3000);
  EXPECT_FALSE(Check().check.regression);
  Carry(3, {Enter(2)});
  traffic_.load = [](int version, Instant) { return version == 1 ? 1.6 : 1.0; };
  Live(210);
  const RegressionCheck check = Check().check;
  EXPECT_TRUE(check.regression) << check.sentence;
  EXPECT_EQ(check.metric, kMeanDuration);
  EXPECT_NEAR(check.amount, 0.6, 0.3) << "of this stage, not of all runs";
}

TEST_F(RolloutSteps, BaselineOfTheLastStageIsTheControlOfTheRolloutOrTheWeekBefore) {  // RO-2, MO-3
  Live(300);  // before: where the rollout has too few
  Begin();
  Carry(1, BeginRollout(plan_, "ada", "r", now_));
  now_ += 1min;
  Carry(3, {Enter(2)});
  now_ += 1min;
  Carry(4, {Enter(3)});
  const VersionState state = traffic_.State("report");
  ASSERT_TRUE(state.rollout_baseline);
  EXPECT_EQ(state.rollout_baseline->runs, 300);
  EXPECT_EQ(state.rollout_baseline->version_id, "report_v0");
  traffic_.load = [](int, Instant) { return 1.5; };
  Live(120);
  const CheckRegressionResult seen = Check();
  EXPECT_EQ(seen.samples, 120);
  EXPECT_TRUE(seen.check.regression) << seen.check.sentence;
}

}  // namespace
}  // namespace wfe::delivery
