// RolloutWorkflow in virtual time: engine, worker, workflow and activities are the real ones, on one thread; traffic
// comes all the time, and server and worker are killed around the boundaries of stages.
#include "workflows/delivery/rollout_workflow.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>

#include "tests/workflows/delivery_world.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using namespace delivery;
using ::testing::HasSubstr;

std::vector<std::string> Kinds(const StoredRollout& rollout) {
  std::vector<std::string> kinds;
  for (const RolloutEvent& event : rollout.events) kinds.push_back(event.kind + " " + std::to_string(event.stage));
  return kinds;
}

/// No stage skipped, none run twice, and the traffic divided as each stage says, in the order of the stages.
void ExpectSound(DeliveryWorld& world) {
  const StoredRollout rollout = world.Log();
  std::vector<int> entered;
  std::vector<int> completed;
  for (const RolloutEvent& event : rollout.events) {
    if (event.kind == kStageEntered) entered.push_back(event.stage);
    if (event.kind == kStageCompleted) completed.push_back(event.stage);
  }
  for (size_t i = 0; i < entered.size(); ++i) EXPECT_EQ(entered[i], static_cast<int>(i) + 1);
  for (size_t i = 0; i < completed.size(); ++i) EXPECT_EQ(completed[i], static_cast<int>(i) + 1);
  const VersionState state = world.traffic.State(kWorkflow);
  for (const TrafficSplit& split : state.splits) {
    const RolloutEvent& event = rollout.events.at(static_cast<size_t>(split.step) - 1);
    EXPECT_EQ(split.share, event.share) << "step " << split.step;
    EXPECT_EQ(split.share > 0, event.kind == kStageEntered) << event.kind;
  }
}

TEST(RolloutWorkflow, GoodVersionIsInServiceAfterFiveHoursAndEveryStepHasItsReason) {  // RO-1, RC-17
  DeliveryWorld world(1, {.duration_ms = 40'000});
  world.Submit({{"plan", {{"min_samples", 2}}}});
  world.Live(4h + 30min);
  EXPECT_EQ(world.Share(), 1);
  EXPECT_EQ(world.traffic.State(kWorkflow).in_service, 0) << "until the last stage is over";
  world.Live(40min);
  const auto end = world.Outcome();
  ASSERT_EQ(end.status, "completed");
  EXPECT_TRUE(end.result.success) << end.result.reason;
  EXPECT_EQ(end.result.completed_stage, 5);
  EXPECT_EQ(end.result.version_id, "report_v1");
  EXPECT_FALSE(end.result.regression);
  const VersionState state = world.traffic.State(kWorkflow);
  EXPECT_EQ(state.in_service, 1);
  EXPECT_FALSE(state.split);
  ASSERT_TRUE(state.baseline) << "for the monitor";
  EXPECT_EQ(state.baseline->version_id, "report_v0");
  EXPECT_NEAR(state.baseline->mean_duration_ms, 60'000, 6'000);
  for (const RolloutEvent& event : world.Log().events) EXPECT_NE(event.reason, "") << event.kind;
  ExpectSound(world);
  EXPECT_EQ(world.Progress().state.phase, kRolloutSucceeded) << "and an ended one answers";
}

TEST(RolloutWorkflow, HarmfulVersionsAreTakenBackAndTheResultNamesTheStage) {  // RO-1, RB-2
  const std::pair<Truth, std::string> cases[] = {
      {{.duration_ms = 100'000}, "mean_duration"},
      {{.cost_usd = 0.04}, "mean_cost"},
      {{.success = 0.4}, "errors"},
  };
  for (const auto& [truth, metric] : cases) {
    DeliveryWorld world(2, truth);
    world.Submit(nlohmann::json::object());
    world.Live(6h);
    const auto end = world.Outcome();
    ASSERT_EQ(end.status, "completed") << metric;
    EXPECT_FALSE(end.result.success);
    EXPECT_EQ(end.result.phase, kRolloutRolledBack);
    ASSERT_TRUE(end.result.regression);
    EXPECT_EQ(end.result.regression->metric, metric) << end.result.reason;
    EXPECT_EQ(end.result.completed_stage, end.result.stage - 1);
    EXPECT_THAT(end.result.reason, HasSubstr("regression in stage " + std::to_string(end.result.stage)));
    EXPECT_EQ(world.Share(), 0);
    EXPECT_EQ(world.traffic.State(kWorkflow).in_service, 0);
    ExpectSound(world);
  }
}

TEST(RolloutWorkflow, IsPausedResumedSkippedAndAbortedBySignal) {  // RO-3
  DeliveryWorld world(3, {});
  world.Submit(nlohmann::json::object());
  world.Live(30min);
  world.Ask("pause", "lunch");
  EXPECT_EQ(world.Progress().state.phase, kRolloutPaused);
  world.Live(10h, 1);
  EXPECT_EQ(world.Progress().state.stage, 1);
  world.Ask("pause");
  EXPECT_EQ(world.Progress().answers.back().refused, "the rollout does not run: it is paused");
  world.Ask("resume");
  world.Live(31min);
  EXPECT_EQ(world.Progress().state.stage, 2);
  world.Ask("skip", "seen enough");
  EXPECT_EQ(world.Progress().state.stage, 3);
  EXPECT_EQ(world.Share(), 0.25);
  world.Ask("abort", "another plan");
  const auto end = world.Outcome();
  ASSERT_EQ(end.status, "completed");
  EXPECT_EQ(end.result.phase, kRolloutAborted);
  EXPECT_EQ(end.result.reason, "another plan");
  EXPECT_EQ(end.result.completed_stage, 1);
  EXPECT_EQ(world.Share(), 0);
  const StoredRollout log = world.Log();
  EXPECT_EQ(Kinds(log).back(), "aborted 3");
  EXPECT_EQ(log.events.back().author, "ada");
}

TEST(RolloutWorkflow, WithoutTrafficItAsksAPersonAndWaits) {  // RO-2
  DeliveryWorld world(4, {});
  world.Submit(
      {{"plan", {{"stages", {{{"percent", 50}, {"duration_s", 600}}, {{"percent", 100}, {"duration_s", 600}}}}}}});
  world.Live(50min, 0);
  EXPECT_EQ(world.Progress().state.phase, kRolloutWaiting);
  world.Live(48h, 0);
  EXPECT_EQ(world.Progress().state.phase, kRolloutWaiting);
  world.Ask("resume", "traffic comes on Monday");
  world.Live(50min);
  EXPECT_EQ(world.Outcome().result.phase, kRolloutSucceeded);
}

TEST(RolloutWorkflow, CancelledOneGivesTheTrafficBack) {  // RO-3
  DeliveryWorld world(5, {});
  world.Submit({{"plan", {{"min_samples", 2}}}});
  world.Live(70min);
  EXPECT_EQ(world.Share(), 0.10);
  world.Cancel();
  EXPECT_EQ(world.Outcome().status, "canceled");
  EXPECT_EQ(world.Share(), 0);
  EXPECT_EQ(world.Log().events.back().reason, "the workflow was cancelled");
}

TEST(RolloutWorkflow, PersonsChangeOvertakesIt) {  // RB-1
  DeliveryWorld world(6, {});
  world.Submit(nlohmann::json::object());
  world.Live(10min);
  const Change change{.author = "bob", .reason = "stop it", .at = FormatIso8601Millis(world.Now())};
  ASSERT_TRUE(world.traffic.versions().RollBack(kWorkflow, std::nullopt, change));
  world.Live(10min);
  const auto end = world.Outcome();
  EXPECT_EQ(end.result.phase, kRolloutAborted);
  EXPECT_THAT(end.result.reason, HasSubstr("report_v0 was put in service by bob"));
}

TEST(RolloutWorkflow, WhatCannotBeRolledOutIsRefusedWithASentence) {  // RO-1, RB-1
  DeliveryWorld world(7, {});
  world.Submit(nlohmann::json::object());
  world.Live(2min);
  world.Submit(nlohmann::json::object(), "rollout-2");
  world.Submit({{"version", "v7"}}, "rollout-3");
  world.Submit({{"version", "0"}}, "rollout-4");
  world.Submit({{"version", "other_v1"}}, "rollout-5");
  world.Submit({{"plan", {{"check_every_s", 0}}}}, "rollout-6");
  world.Live(2min);
  EXPECT_EQ(world.Outcome("rollout-2").failure,
            "rollout rollout-1 of report_v1 divides the traffic; it has to end first");
  EXPECT_EQ(world.Outcome("rollout-3").failure, "there is no version report_v7; the newest is report_v1");
  EXPECT_EQ(world.Outcome("rollout-4").failure, "report_v0 is in service already");
  EXPECT_THAT(world.Outcome("rollout-5").failure, HasSubstr("version \"other_v1\" is none of report"));
  EXPECT_THAT(world.Outcome("rollout-6").failure, HasSubstr("plan: check_every_s must be from 1 second to a day"));
  EXPECT_EQ(world.Share(), 0.05) << "and the one that runs goes on";
}

TEST(RolloutWorkflow, LongOneContinuesAsNewAndForgetsNothing) {  // RO-1
  DeliveryWorld world(8, {});
  world.Submit({{"plan",
                 {{"check_every_s", 1},
                  {"min_samples", 2},
                  {"stages", {{{"percent", 50}, {"duration_s", 1200}}, {{"percent", 100}, {"duration_s", 300}}}}}}});
  world.Live(30min);
  const auto end = world.Outcome();
  EXPECT_EQ(end.result.phase, kRolloutSucceeded) << end.failure;
  ExpectSound(world);
  EXPECT_EQ(Kinds(world.Log()).size(), 6u);
}

int Seeds(int fallback) {
  const char* const text = std::getenv("WFE_SEEDS");
  return text == nullptr ? fallback : std::atoi(text);
}

TEST(RolloutWorkflow, SurvivesKillsOfServerAndWorkerAtEveryBoundaryOfAStage) {  // RO-1, EN-1
  const nlohmann::json plan = {{"stages",
                                {{{"percent", 5}, {"duration_s", 1800}},
                                 {{"percent", 10}, {"duration_s", 1800}},
                                 {{"percent", 25}, {"duration_s", 1800}},
                                 {{"percent", 50}, {"duration_s", 1800}},
                                 {{"percent", 100}, {"duration_s", 1800}}}},
                               {"min_samples", 0}};
  int kills = 0;
  int rolled_back = 0;
  int false_rollbacks = 0;
  const int seeds = Seeds(12);
  for (int seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const bool harmful = seed % 4 == 0;
    DeliveryWorld world(static_cast<uint64_t>(seed), harmful ? Truth{.duration_ms = 120'000} : Truth{});
    world.Submit({{"plan", plan}});
    for (int kill = 1; kill <= 15 && world.Outcome().status.empty(); ++kill) {
      // Until ten seconds before the boundary; then the power goes at one of the syncs around it, or the worker while
      // it is at it.
      const RolloutState before = world.Log().state;
      const Duration left = *ParseIso8601(before.stage_entered_at) + 30min - 10s - world.Now();
      world.Live(std::max(left, Duration(0)), 3);
      ++kills;
      if ((seed + kill) % 3 == 0) {
        world.Live(10s + std::chrono::milliseconds(static_cast<int>(world.traffic.Uniform() * 2000)), 1);
        world.KillWorker();
      } else {
        world.CutPowerAfter(1 + static_cast<int>(world.traffic.Uniform() * 8));
        world.Live(30s, 1);
        world.KillServer();
      }
      ExpectSound(world);
      // Some are killed again before the step that was under way has been repeated.
      if (world.traffic.Uniform() < 0.3) continue;
      for (int i = 0; i < 30 && world.Log().state.events == before.events; ++i) world.Live(1min, 3);
    }
    world.Live(4h, 1);
    const auto end = world.Outcome();
    ASSERT_EQ(end.status, "completed") << nlohmann::json(world.Log().state);
    ExpectSound(world);
    if (end.result.phase == kRolloutRolledBack) {
      ++rolled_back;
      false_rollbacks += harmful ? 0 : 1;
      EXPECT_EQ(world.traffic.State(kWorkflow).in_service, 0);
    } else {
      EXPECT_EQ(end.result.completed_stage, 5) << end.result.reason;
      EXPECT_EQ(world.traffic.State(kWorkflow).in_service, 1);
    }
    EXPECT_FALSE(world.traffic.State(kWorkflow).split);
  }
  std::printf("%d rollouts, %d kills, %d rolled back, %d of them by chance\n", seeds, kills, rolled_back,
              false_rollbacks);
  EXPECT_LE(20 * false_rollbacks, std::max(seeds, 20)) << "alpha is 5 %";
}

}  // namespace
}  // namespace wfe::workflows
