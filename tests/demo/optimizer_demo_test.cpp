// `wfe demo optimizer`: the example of TG-11 in virtual time, and its figures counted again from the rows behind them.
#include "tools/demo/optimizer_demo.h"

#include <gmock/gmock.h>

#include <fstream>
#include <numeric>
#include <sstream>

#include "activities/learning/records/experiment_store.h"
#include "activities/optimizer/profile/node_run.h"

namespace wfe::demo {
namespace {

using delivery::ExecutionRecord;
using ::testing::Contains;
using ::testing::HasSubstr;

std::string Sample() {
  std::ifstream in(std::string(WFE_SOURCE_DIR) + "/workflows/graph/samples/feature_implementation.json");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// All rows of the table, in the order in which the runs ended.
std::vector<ExecutionRecord> AllExecutions(OptimizerWorld& world) {
  learning::RowProblems problems;
  auto rows = delivery::LoadExecutions(world.records(), kDemoWorkflow, *ParseIso8601("2026-01-01T00:00:00Z"),
                                       *ParseIso8601("2027-01-01T00:00:00Z"), problems);
  EXPECT_TRUE(rows.has_value() && problems.empty());
  return rows ? *rows : std::vector<ExecutionRecord>();
}

struct Means {
  int64_t n = 0;
  double seconds = 0;
  double cost = 0;
  double success = 0;
};
template <class Which>
Means Count(const std::vector<ExecutionRecord>& rows, const Which& which) {
  Means means;
  for (const ExecutionRecord& row : rows) {
    if (!which(row)) continue;
    ++means.n;
    means.seconds += static_cast<double>(row.duration_ms) / 1000;
    means.cost += row.cost_usd;
    means.success += row.success ? 1 : 0;
  }
  const auto n = static_cast<double>(std::max<int64_t>(means.n, 1));
  return {means.n, means.seconds / n, means.cost / n, means.success / n};
}

class OptimizerDemo : public ::testing::Test {
 protected:
  void SetUp() override {
    done_ = RunOptimizerDemo(world_, {.seed = 1, .graph = Sample(), .say = [this](const std::string& sentence) {
                                        said_.push_back(sentence);
                                      }});
    session_ = world_.Session(kDemoSession);
    rows_ = AllExecutions(world_);
  }

  /// The profile is of the last fifty rows before it.
  void ProfileIsOfItsRows() {
    const optimizer::SessionState& state = session_.state;
    ASSERT_TRUE(state.profile);
    const std::string until = session_.events.front().at;
    std::vector<ExecutionRecord> profiled;
    for (const ExecutionRecord& row : rows_) {
      if (FormatIso8601Millis(EndOf(row)) < until) profiled.push_back(row);
    }
    profiled.erase(profiled.begin(), profiled.end() - 50);
    before_ = Count(profiled, [](const ExecutionRecord&) { return true; });
    const optimizer::WorkflowMetrics& metrics = state.profile->workflow_metrics;
    EXPECT_EQ(metrics.executions, before_.n);
    EXPECT_NEAR(metrics.avg_duration, before_.seconds, 1e-6);
    EXPECT_NEAR(metrics.avg_cost, before_.cost, 1e-9);
    EXPECT_NEAR(metrics.success_rate, before_.success, 1e-9);
    double reviewed = 0;
    for (const ExecutionRecord& row : profiled) {
      for (const auto& step : row.nodes.get<std::vector<optimizer::NodeRun>>()) {
        if (step.node == "code_review") reviewed += static_cast<double>(step.duration_ms) / 1000;
      }
    }
    const auto* review = state.profile->Node("code_review");
    ASSERT_NE(review, nullptr);
    EXPECT_NEAR(review->avg_duration, reviewed / 50, 1e-6);
    EXPECT_NEAR(review->time_contribution, reviewed / 50 / before_.seconds, 0.001) << "nothing runs beside it";
  }
  /// What was found, and that dry runs bear the estimates out.
  void DryRunsBearEstimatesOut() {
    std::vector<std::string> strategies;
    for (const optimizer::Candidate& candidate : session_.state.candidates) {
      strategies.push_back(candidate.suggestion.strategy_type);
      ASSERT_TRUE(candidate.validation) << candidate.why_not_tried;
      EXPECT_TRUE(candidate.validation->is_valid);
      const auto& gain = candidate.suggestion.estimated_improvement;
      EXPECT_NEAR(candidate.validation->speedup, gain.speedup, 0.04 * gain.speedup) << candidate.suggestion.description;
      EXPECT_NEAR(candidate.validation->cost_reduction, gain.cost_reduction, 0.02);
    }
    for (const auto strategy : {optimizer::kParallelization, optimizer::kModelSelection, optimizer::kCaching}) {
      EXPECT_THAT(strategies, Contains(strategy));
    }
  }
  /// The experiment: arms from the assignments, figures from the rows.
  void ExperimentIsOfItsRows() {
    const optimizer::SessionState& state = session_.state;
    const auto result = state.experiment_result.get<learning::ABTestResult>();
    learning::RowProblems problems;
    const auto arms = learning::ExperimentStore(world_.records()).Assignments(state.experiment_id, problems);
    ASSERT_TRUE(arms.has_value());
    for (const auto& [arm, summary] : {std::pair("control", result.control), std::pair("variant", result.variant)}) {
      const Means means = Count(rows_, [&, arm = std::string(arm)](const ExecutionRecord& row) {
        const auto assigned = arms->find(row.workflow_run_id);
        return assigned != arms->end() && assigned->second == arm &&
               FormatIso8601Millis(EndOf(row)) <= result.evaluated_at;
      });
      EXPECT_EQ(summary.samples, means.n) << arm;
      EXPECT_NEAR(summary.metrics.at("duration_ms").mean / 1000, means.seconds, 1e-6) << arm;
      EXPECT_NEAR(summary.metrics.at("cost_usd").mean, means.cost, 1e-9) << arm;
    }
  }
  /// Five stages, in order, and what they led to.
  void FiveStagesMadeItFaster() {
    const auto rollout = delivery::RolloutLog(world_.records()).Get(session_.state.rollout_id);
    ASSERT_TRUE(rollout.has_value());
    std::vector<double> shares;
    for (const auto& event : rollout->events) {
      if (event.kind == delivery::kStageEntered) shares.push_back(event.share);
    }
    EXPECT_THAT(shares, ::testing::ElementsAre(0.05, 0.1, 0.25, 0.5, 1));
    const Means after = Count(rows_, [](const ExecutionRecord& row) {
      return row.version_id == std::string(kDemoWorkflow) + "_v1";
    });
    EXPECT_GT(after.n, 300);
    EXPECT_LT(after.seconds, 0.75 * before_.seconds) << "TG-6: 30 to 50 % less; three changes of six give a quarter and more";
    EXPECT_LT(after.cost, 0.65 * before_.cost);
  }
  /// The second act.
  void TheWorseOneIsTakenBack() {
    const delivery::VersionState versions = world_.Versions(kDemoWorkflow);
    EXPECT_EQ(versions.in_service, 1);
    EXPECT_EQ(versions.changed_kind, delivery::kVersionRolledBack);
    EXPECT_THAT(said_.back(), HasSubstr("is in service again: regression: mean duration"));
    ASSERT_FALSE(world_.told().empty());
    EXPECT_EQ(world_.workflow_tasks_failed(), 0U);
  }

  OptimizerWorld world_{1, *ParseIso8601("2026-03-02T08:00:00.000Z")};
  Status done_ = Ok();
  std::vector<std::string> said_;
  optimizer::StoredSession session_;
  std::vector<ExecutionRecord> rows_;
  Means before_;
};

// TG-11, WO-1, PF-1, XB-1, RO-1, RB-2: one run of the demo, which takes half a minute, for all that is to be said of it.
TEST_F(OptimizerDemo, MakesAWorkflowFasterTakesAWorseVersionBackAndItsFiguresAreThoseOfTheRows) {
  ASSERT_TRUE(done_.has_value()) << done_.error().ToString();
  EXPECT_EQ(session_.state.outcome, optimizer::kOutcomeDeployed) << session_.state.why;
  ProfileIsOfItsRows();
  DryRunsBearEstimatesOut();
  ExperimentIsOfItsRows();
  FiveStagesMadeItFaster();
  TheWorseOneIsTakenBack();
}

}  // namespace
}  // namespace wfe::demo
