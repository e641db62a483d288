// `wfe demo optimizer`: the example of TG-11 in virtual time, and its figures counted again from the rows behind them.
#include "tools/demo/optimizer_demo.h"

#include <gmock/gmock.h>

#include <fstream>
#include <set>
#include <sstream>

#include "tests/demo/optimizer_recount.h"
#include "tools/wfe/optimize_commands.h"
#include "tools/wfe/prompt_cycles.h"

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

/// Blanks and line ends as one blank each: where a line was wrapped does not matter.
std::string InOneLine(const std::string& text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n';
    if (!blank || (!line.empty() && line.back() != ' ')) line += blank ? ' ' : c;
  }
  return line;
}

class OptimizerDemo : public ::testing::Test {
 protected:
  void SetUp() override {
    done_ = RunOptimizerDemo(world_, {.seed = 1, .graph = Sample(), .say = [this](const std::string& sentence) {
                                        said_.push_back({world_.Time(), sentence});
                                      }});
    session_ = world_.Session(kDemoSession);
    rows_ = AllExecutions(world_);
  }

  /// What the command prints.
  std::string Printed() {
    std::string text;
    for (const Said& said : said_) text += cli::MinuteOf(said.at) + "  " + said.sentence + "\n";
    const auto story = cli::StoryOf(world_.records(), session_);
    EXPECT_TRUE(story.has_value());
    return text + (story ? cli::SessionText(*story, 100) : "") + std::to_string(world_.runs()) + " runs";
  }
  /// Takes each sentence that the rows give out of the text; what is left must be without a figure.
  void EveryPrintedFigureIsThatOfTheRows() {
    std::string printed = InOneLine(Printed());
    std::vector<std::string> sentences = OptimizerRecount(world_, rows_).Sentences(said_);
    sentences.push_back(std::to_string(RunsOfRows()) + " runs");
    for (const std::string& sentence : sentences) {
      const size_t at = printed.find(sentence);
      EXPECT_NE(at, std::string::npos) << "the rows give: " << sentence;
      if (at != std::string::npos) printed.replace(at, sentence.size(), "~");
    }
    const size_t digit = printed.find_first_of("0123456789");
    EXPECT_EQ(digit, std::string::npos) << "nobody counted this again: "
                                        << printed.substr(std::max<size_t>(digit, 60) - 60, 160);
  }
  /// Runs are numbered; the last ones are still under way, and have no rows.
  int64_t RunsOfRows() {
    std::set<std::string> ended;
    for (const ExecutionRecord& row : rows_) ended.insert(row.context.at("workflow_id").get<std::string>());
    const auto number = static_cast<int64_t>(ended.size());
    const Instant last = StartOf(rows_.back());
    // One every fifteen seconds.
    return number + (world_.Now() - last) / std::chrono::seconds(15) - 1;
  }
  /// What was found, and that dry runs bear the estimates out.
  void DryRunsBearEstimatesOut() {
    std::vector<std::string> strategies;
    for (const optimizer::SessionCandidate& candidate : session_.state.candidates) {
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
  /// Five stages, in order, and what they led to.
  void FiveStagesMadeItFaster() {
    const auto rollout = delivery::RolloutLog(world_.records()).Get(session_.state.rollout_id);
    ASSERT_TRUE(rollout.has_value());
    std::vector<double> shares;
    for (const auto& event : rollout->events) {
      if (event.kind == delivery::kStageEntered) shares.push_back(event.share);
    }
    EXPECT_THAT(shares, ::testing::ElementsAre(0.05, 0.1, 0.25, 0.5, 1));
    std::vector<delivery::RunOutcome> runs;
    for (const ExecutionRecord& row : rows_) {
      if (row.version_id == std::string(kDemoWorkflow) + "_v1") runs.push_back(OutcomeOf(row));
    }
    const delivery::PerformanceWindow after = delivery::Describe(runs);
    const optimizer::WorkflowMetrics& before = session_.state.profile->workflow_metrics;
    EXPECT_GT(after.runs, 300);
    EXPECT_LT(after.mean_duration_ms / 1000, 0.75 * before.avg_duration)
        << "TG-6: 30 to 50 % less; three changes of six give a quarter and more";
    EXPECT_LT(after.mean_cost_usd, 0.65 * before.avg_cost);
  }
  /// The second act.
  void TheWorseOneIsTakenBack() {
    const delivery::VersionState versions = world_.Versions(kDemoWorkflow);
    EXPECT_EQ(versions.in_service, 1);
    EXPECT_EQ(versions.changed_kind, delivery::kVersionRolledBack);
    EXPECT_THAT(said_.back().sentence, HasSubstr("is in service again: regression: mean duration"));
    ASSERT_FALSE(world_.told().empty());
    EXPECT_EQ(world_.workflow_tasks_failed(), 0U);
  }

  OptimizerWorld world_{1, *ParseIso8601("2026-03-02T08:00:00.000Z")};
  Status done_ = Ok();
  std::vector<Said> said_;
  optimizer::StoredSession session_;
  std::vector<ExecutionRecord> rows_;
};

// TG-11, WO-1, PF-1, XB-1, RO-1, RB-2: one run of the demo, which takes half a minute, for all that is to be said of it.
TEST_F(OptimizerDemo, MakesAWorkflowFasterTakesAWorseVersionBackAndItsFiguresAreThoseOfTheRows) {
  ASSERT_TRUE(done_.has_value()) << done_.error().ToString();
  EXPECT_EQ(session_.state.outcome, optimizer::kOutcomeDeployed) << session_.state.why;
  EveryPrintedFigureIsThatOfTheRows();
  DryRunsBearEstimatesOut();
  FiveStagesMadeItFaster();
  TheWorseOneIsTakenBack();
}

}  // namespace
}  // namespace wfe::demo
