// A rollout as a state machine: stages, extensions, what people ask for, what ends it.
#include <gmock/gmock.h>

#include <chrono>
#include <random>

#include "activities/delivery/rules/rollout.h"

namespace wfe::delivery {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RolloutMachine : public ::testing::Test {
 protected:
  void Take(const RolloutEvents& events) {
    for (const RolloutEvent& event : events) {
      Apply(state_, event);
      said_.push_back(event.kind + " " + std::to_string(event.stage));
      last_ = event;
    }
  }
  void Begin() { Take(BeginRollout(plan_, "ada", "suggestion 7", now_)); }
  void After(Duration time, int64_t samples, RegressionCheck check = {}) {
    now_ += time;
    Take(DecideObserved(plan_, state_, {.samples = samples, .check = std::move(check), .overtaken = ""}, now_));
  }
  std::string Ask(const std::string& action, const std::string& reason = "because") {
    const auto events = DecideControl(plan_, state_, {.action = action, .author = "ada", .reason = reason}, now_);
    if (!events) return events.error().message;
    Take(*events);
    return "";
  }
  static RegressionCheck Harmful() {
    RegressionCheck check;
    check.regression = true;
    check.metric = kMeanCost;
    check.sentence = "mean cost is 30 % higher";
    return check;
  }

  RolloutPlan plan_;
  RolloutState state_;
  std::vector<std::string> said_;
  RolloutEvent last_;
  Instant now_ = *ParseIso8601("2026-03-02T00:00:00.000Z");
};

TEST_F(RolloutMachine, FiveStagesOfAnHourEachPutTheVersionInService) {  // RO-1
  Begin();
  std::vector<double> shares;
  for (int stage = 1; stage <= 5; ++stage) {
    shares.push_back(state_.share);
    for (int minutes = 5; minutes < 60; minutes += 5) {
      After(5min, 100);
      ASSERT_EQ(state_.stage, stage) << minutes;
    }
    After(5min, 100);
  }
  EXPECT_THAT(shares, ElementsAre(0.05, 0.10, 0.25, 0.50, 1.0));
  EXPECT_EQ(state_.phase, kRolloutSucceeded);
  EXPECT_THAT(state_.completed, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(said_, ElementsAre("started 0", "stage_entered 1", "stage_completed 1", "stage_entered 2",
                                 "stage_completed 2", "stage_entered 3", "stage_completed 3", "stage_entered 4",
                                 "stage_completed 4", "stage_entered 5", "stage_completed 5", "succeeded 5"));
  EXPECT_EQ(state_.share, 1.0);
}

TEST_F(RolloutMachine, StageWithTooFewRunsIsExtendedUpToFourTimesThenAPersonDecides) {  // RO-2
  Begin();
  After(60min, 19);
  EXPECT_EQ(said_.back(), "stage_extended 1");
  EXPECT_EQ(state_.phase, kRolloutRunning);
  After(60min, 19);
  After(119min, 19);
  EXPECT_EQ(said_.back(), "stage_extended 1") << "told once";
  After(1min, 19);
  EXPECT_EQ(said_.back(), "decision_asked 1");
  EXPECT_EQ(state_.phase, kRolloutWaiting);
  EXPECT_THAT(last_.reason, HasSubstr("19 of 20 runs"));
  After(100h, 500);
  EXPECT_EQ(state_.phase, kRolloutWaiting) << "the person was asked";
  EXPECT_EQ(state_.share, 0.05);

  EXPECT_EQ(Ask("resume"), "");
  After(239min, 19);
  EXPECT_EQ(state_.phase, kRolloutRunning) << "as long again";
  After(1min, 19);
  EXPECT_EQ(state_.phase, kRolloutWaiting);
  EXPECT_EQ(Ask("skip", "nobody uses it at night"), "");
  EXPECT_EQ(state_.stage, 2);
  EXPECT_EQ(state_.share, 0.10);
  EXPECT_TRUE(state_.completed.empty()) << "a skipped stage is none that was completed";
}

TEST_F(RolloutMachine, ExtendedStageEndsWhenItHasItsRuns) {  // RO-2
  Begin();
  After(60min, 3);
  After(30min, 20);
  EXPECT_EQ(state_.stage, 2);
  EXPECT_FALSE(state_.extended);
}

TEST_F(RolloutMachine, RegressionTakesAllTrafficBackAndNamesTheStage) {  // RO-1, RB-2
  Begin();
  After(60min, 50);
  After(5min, 3, Harmful());
  EXPECT_EQ(state_.phase, kRolloutRolledBack);
  EXPECT_EQ(state_.share, 0);
  EXPECT_EQ(state_.stage, 2);
  EXPECT_THAT(state_.completed, ElementsAre(1));
  EXPECT_EQ(state_.reason, "regression in stage 2: mean cost is 30 % higher");
  ASSERT_TRUE(state_.regression);
  After(60min, 50);
  EXPECT_EQ(said_.back(), "regressed 2") << "nothing follows";
}

TEST_F(RolloutMachine, PauseStopsTheStagesTimeAndNotTheWatch) {  // RO-3
  Begin();
  After(30min, 50);
  EXPECT_EQ(Ask("pause", "lunch"), "");
  After(10h, 500);
  EXPECT_EQ(state_.stage, 1);
  EXPECT_EQ(state_.share, 0.05) << "its traffic stays";
  EXPECT_EQ(Ask("resume", "back"), "");
  After(29min, 500);
  EXPECT_EQ(state_.stage, 1);
  After(1min, 500);
  EXPECT_EQ(state_.stage, 2);
  EXPECT_EQ(Ask("pause"), "");
  After(5min, 500, Harmful());
  EXPECT_EQ(state_.phase, kRolloutRolledBack);
}

TEST_F(RolloutMachine, AbortAndSkipDoWhatTheySayAndKeepWhoAndWhy) {  // RO-3
  Begin();
  EXPECT_EQ(Ask("abort", "wrong version"), "");
  EXPECT_EQ(state_.phase, kRolloutAborted);
  EXPECT_EQ(state_.share, 0);
  EXPECT_EQ(last_.author, "ada");
  EXPECT_EQ(last_.reason, "wrong version");

  plan_.stages = {{.percent = 50, .duration_s = 60}, {.percent = 100, .duration_s = 60}};
  state_ = {};
  Begin();
  EXPECT_EQ(Ask("skip"), "");
  EXPECT_EQ(state_.share, 1.0);
  EXPECT_EQ(Ask("skip"), "");
  EXPECT_EQ(state_.phase, kRolloutSucceeded);
  EXPECT_TRUE(state_.completed.empty());
}

TEST_F(RolloutMachine, WhatCannotBeAskedForIsRefusedWithASentence) {  // RO-3
  EXPECT_EQ(Ask("pause"), "the rollout has not begun");
  Begin();
  EXPECT_EQ(Ask("resume"), "the rollout runs already");
  EXPECT_EQ(Ask("stop"), "a rollout takes pause, resume, abort and skip, not \"stop\"");
  EXPECT_EQ(Ask("pause", ""), "to pause a rollout needs an author and a reason");
  EXPECT_EQ(Ask("pause"), "");
  EXPECT_EQ(Ask("pause"), "the rollout does not run: it is paused");
  const RolloutControl late{.action = "skip", .author = "ada", .reason = "r", .stage = 2};
  EXPECT_EQ(DecideControl(plan_, state_, late, now_).error().message,
            "the rollout is in stage 1 by now, not in stage 2");
  EXPECT_EQ(Ask("abort"), "");
  EXPECT_EQ(Ask("resume"), "the rollout has ended: it is aborted");
}

TEST_F(RolloutMachine, OvertakenByAnotherChangeItEnds) {
  Begin();
  Take(DecideObserved(plan_, state_, {.samples = 5, .check = {}, .overtaken = "report_v4 was put in service"}, now_));
  EXPECT_EQ(state_.phase, kRolloutAborted);
  EXPECT_EQ(state_.reason, "report_v4 was put in service");
  EXPECT_EQ(state_.share, 0);
}

TEST_F(RolloutMachine, NextLookIsTheCheckOrTheStagesEnd) {
  Begin();
  EXPECT_EQ(NextLook(plan_, state_, now_), now_ + 5min);
  now_ += 58min;
  EXPECT_EQ(NextLook(plan_, state_, now_), now_ + 2min);
  now_ += 10min;
  EXPECT_EQ(NextLook(plan_, state_, now_), now_ + 5min) << "extended";
}

TEST_F(RolloutMachine, PlansThatAreNoneAreRefusedByTheirField) {  // RO-1
  const std::pair<nlohmann::json, std::string> cases[] = {
      {{{"stages", nlohmann::json::array()}}, "stages must be 1 to 20"},
      {{{"stages", {{{"percent", 10}}, {{"percent", 5}}}}}, "stages must rise to 100 percent"},
      {{{"stages", {{{"percent", 10}}}}}, "the last of stages must be 100 percent"},
      {{{"stages", {{{"percent", 100}, {"duration_s", 0}}}}}, "duration_s of a stage must be from 1 second to 90 days"},
      {{{"check_every_s", 0}}, "check_every_s must be from 1 second to a day"},
      {{{"max_extension", 0.5}}, "max_extension must be from 1 to 100"},
      {{{"regression", {{"alpha", 0.7}}}}, "alpha must be between 0 and 0.5"},
      {{{"chek_every_s", 3}}, "chek_every_s is not known"},
  };
  for (const auto& [plan, sentence] : cases) {
    try {
      std::ignore = plan.get<RolloutPlan>();
      ADD_FAILURE() << plan.dump();
    } catch (const nlohmann::json::exception& e) {
      EXPECT_THAT(e.what(), HasSubstr(sentence));
    }
  }
}

TEST_F(RolloutMachine, WhateverComesNoStageIsSkippedUnaskedOrRunTwiceAndTheShareIsItsStages) {  // RO-1, by property
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    std::mt19937_64 random(seed);
    const auto chance = [&](double p) { return std::uniform_real_distribution<>(0, 1)(random) < p; };
    state_ = {};
    said_.clear();
    Begin();
    int stage = 1;
    bool skipped = false;
    for (int i = 0; i < 400 && !state_.ended(); ++i) {
      constexpr const char* kActions[] = {"pause", "resume", "skip", "abort"};
      const std::string action = chance(0.1) ? kActions[std::uniform_int_distribution<>(0, 3)(random)] : "";
      const int before = state_.stage;
      if (action == "abort" && chance(0.8)) continue;
      if (!action.empty()) {
        skipped = Ask(action).empty() && action == "skip";
      } else {
        After(std::chrono::minutes(std::uniform_int_distribution<>(1, 90)(random)),
              std::uniform_int_distribution<>(0, 40)(random), chance(0.01) ? Harmful() : RegressionCheck());
      }
      ASSERT_TRUE(state_.stage == before || state_.stage == before + 1) << seed;
      if (state_.stage > before) {
        ++stage;
        ASSERT_TRUE(skipped || std::ranges::count(state_.completed, before) == 1) << seed;
        skipped = false;
      }
      ASSERT_EQ(state_.stage, stage) << seed;
      const double share = plan_.stages[static_cast<size_t>(stage - 1)].percent / 100;
      const bool stopped = state_.phase == kRolloutAborted || state_.phase == kRolloutRolledBack;
      ASSERT_EQ(state_.share, stopped ? 0 : share) << seed;
    }
    ASSERT_TRUE(std::ranges::is_sorted(state_.completed, std::ranges::less_equal()) ||
                std::ranges::adjacent_find(state_.completed, std::ranges::greater_equal()) == state_.completed.end())
        << seed;
  }
}

}  // namespace
}  // namespace wfe::delivery
