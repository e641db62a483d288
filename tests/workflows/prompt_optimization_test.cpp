#include "workflows/prompt_optimization/prompt_optimization.h"

#include <gmock/gmock.h>

#include "tests/workers/history_builder.h"

namespace wfe::workflows {
namespace {

using namespace core::testing;
using namespace learning;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Plays the activities.
class PromptOptimizationTest : public ::testing::Test {
 protected:
  PromptOptimizationTest() { RegisterPromptOptimization(registry_); }

  std::string Run(FakeEngine& engine, const json& input) {
    engine.Start(std::string(kPromptOptimizationWorkflow), input);
    core::WorkflowTaskHandler handler(registry_, Options());
    for (int task = 0; task < 200; ++task) {
      const auto answer = engine.RunTask(handler);
      for (const Command& command : answer.commands()) {
        if (!command.has_schedule_activity_task_command_attributes()) return Describe(command);
        const auto& a = command.schedule_activity_task_command_attributes();
        const json given = core::DecodePayloads(a.input()).value();
        calls_.push_back(a.activity_type().name());
        engine.CompleteActivity(a.activity_id(), Answer(a.activity_type().name(), given));
      }
    }
    return "it did not end";
  }

  json Answer(const std::string& type, const json& given) {
    if (type == kListPromptTemplates.name) return ListPromptTemplatesResult{.template_ids = {"generation-python"}};
    if (type == kCollectGenerations.name) return CollectGenerationsResult{.active_version = 1};
    if (type == kMeasureTemplate.name) return measured_;
    if (type == kAnalyzePatterns.name) return AnalyzePatternsResult{.examples = 20, .patterns = patterns_};
    if (type == kUpdateMemory.name) return UpdateMemoryResult{.stored = {"pattern-1"}, .unchanged = 0};
    if (type == kApplyPromptRules.name) return proposal_;
    if (type == kDeployPrompt.name) {
      deployed_ = given;
      return Deployment{.mode = std::string(kDeployedActive), .template_id = given.at("template_id"), .version = 2};
    }
    if (type == kAnalyzeTrend.name) return QualityTrend{.weeks = {}, .direction = "steady"};
    if (type == kRefreshBestPractices.name) return RefreshBestPracticesResult{.example_score = 0.95};
    recorded_ = given;
    return nullptr;
  }

  sdk::WorkflowRegistry registry_;
  std::vector<std::string> calls_;
  std::vector<Pattern> patterns_;
  Measurement measured_{.template_id = "generation-python", .version = 1, .active_version = 1};
  PromptProposal proposal_{.template_id = "generation-python", .base_version = 1};
  json deployed_;
  json recorded_;
};

TEST_F(PromptOptimizationTest, CycleCollectsMeasuresRemembersAndChanges) {  // PO-2 to PO-8
  patterns_ = {{.name = "imports"}};
  proposal_.version = 2;
  proposal_.reason = "half of the findings";
  FakeEngine engine("run-1");
  const std::string end = Run(engine, json::object());
  EXPECT_THAT(end, HasSubstr("CompleteWorkflowExecution"));
  EXPECT_THAT(calls_, ElementsAre("listPromptTemplates", "collectGenerations", "measureTemplate", "analyzePatterns",
                                  "updateArtifactMemory", "applyPromptRules", "deployPrompt", "analyzeQualityTrend",
                                  "refreshBestPractices", "recordOptimizationCycle"));
  EXPECT_EQ(deployed_.at("reason"), "half of the findings (cycle run-1)");
  EXPECT_EQ(recorded_.at("cycle_id"), "run-1");
  EXPECT_EQ(recorded_.at("changed"), true);
  EXPECT_EQ(recorded_.at("undo"), "wfe prompts rollback generation-python --reason …");
  EXPECT_THAT(end, HasSubstr("generation-python: version 2 is active now: half of the findings"));
  ExpectEveryPrefixReplays(engine, registry_);
}

TEST_F(PromptOptimizationTest, CycleThatTookSomethingBackChangesNothingElse) {  // PO-7
  measured_.action = kMeasuredRolledBack;
  measured_.version = 2;
  measured_.reason = "worse";
  proposal_.version = 3;
  FakeEngine engine;
  Run(engine, {{"template_ids", {"generation-python"}}});
  EXPECT_THAT(calls_, ElementsAre("collectGenerations", "measureTemplate", "analyzePatterns", "analyzeQualityTrend",
                                  "refreshBestPractices", "recordOptimizationCycle"));
  EXPECT_EQ(recorded_.at("sentence"), "rolled back to version 1: worse");
  EXPECT_EQ(recorded_.at("undo"), "wfe prompts activate generation-python 2 --reason …");
  ExpectEveryPrefixReplays(engine, registry_);
}

TEST_F(PromptOptimizationTest, NothingIsProposedWhileAnExperimentRunsOrAVersionIsOnProbation) {  // XB-4, PO-7
  for (const bool experiment : {true, false}) {
    calls_.clear();
    measured_.experiment_runs = experiment;
    measured_.probation = !experiment;
    if (experiment) measured_.experiment = ABTestResult{.experiment_id = "e1"};
    FakeEngine engine;
    EXPECT_THAT(Run(engine, {{"template_ids", {"generation-python"}}}),
                HasSubstr("no prompt was changed (1 looked at)"));
    EXPECT_THAT(calls_, ::testing::Not(::testing::Contains("applyPromptRules")));
  }
}

TEST_F(PromptOptimizationTest, BadInputFailsTheRunAndNamesTheField) {
  const std::pair<json, std::string> cases[] = {
      {{{"template", "x"}}, "input.template is not known"},
      {{{"options", {{"last_n", 0}}}}, "options.last_n must be from 1 to 100000"},
      {{{"options", {{"alpha", 0.7}}}}, "options.alpha must be between 0 and 0.5"},
      {{{"options", {{"autoapply", true}}}}, "autoapply is not known"},
  };
  for (const auto& [input, sentence] : cases) {
    FakeEngine engine;
    EXPECT_THAT(Run(engine, input), ::testing::AllOf(HasSubstr("FailWorkflowExecution"), HasSubstr(sentence)));
  }
}

}  // namespace
}  // namespace wfe::workflows
