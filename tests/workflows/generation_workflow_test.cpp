// StreamlinedGenerationWorkflow: the order of its steps, its gate, its one escalation, and its three ends (SG-1 to SG-7).
#include <gmock/gmock.h>

#include "activities/generation/steps.h"
#include "activities/learning/steps/generation_steps.h"
#include "activities/quota/rules/preflight.h"
#include "tests/workers/history_builder.h"
#include "workflows/generation/generation.h"

namespace wfe::workflows {
namespace {

using namespace core::testing;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

/// Plays the activities: two rounds of code, each with a score and a result of its tests.
class GenerationWorkflowTest : public ::testing::Test {
 protected:
  struct Round {
    double score = 1.0;
    bool tests_pass = true;
    std::string fault;
  };
  GenerationWorkflowTest() { RegisterStreamlinedGeneration(registry_); }

  /// The result of the run; its failure under "failure".
  json Run(const json& input = {{"task", "count words"}}) {
    FakeEngine engine("run-1");
    engine.Start(std::string(kStreamlinedGenerationWorkflow), input);
    core::WorkflowTaskHandler handler(registry_, Options());
    json end;
    for (int task = 0; task < 100 && end.is_null(); ++task) {
      const auto answer = engine.RunTask(handler);
      for (const Command& command : answer.commands()) {
        if (command.has_complete_workflow_execution_command_attributes()) {
          end = core::DecodePayloads(command.complete_workflow_execution_command_attributes().result()).value();
        } else if (command.has_fail_workflow_execution_command_attributes()) {
          end = {{"failure", command.fail_workflow_execution_command_attributes().failure().message()}};
        } else if (command.has_start_timer_command_attributes()) {
          calls_.emplace_back("a timer");
          engine.FireTimer(command.start_timer_command_attributes().timer_id());
        } else {
          Serve(engine, command.schedule_activity_task_command_attributes());
        }
      }
    }
    ExpectEveryPrefixReplays(engine, registry_);
    return end;
  }

  template <class Scheduled>
  void Serve(FakeEngine& engine, const Scheduled& activity) {
    const std::string& type = activity.activity_type().name();
    json given = core::DecodePayloads(activity.input()).value();
    calls_.push_back(type);
    given_[type].push_back(given);
    if (const auto failure = failures_.find(type); failure != failures_.end()) {
      return engine.FailActivity(activity.activity_id(), failure->second);
    }
    engine.CompleteActivity(activity.activity_id(), Answer(type, given));
  }

  json Answer(const std::string& type, const json& given) {
    generation::CallCost cost{.model = "a-model", .tokens = 100, .cost_usd = Money::Nanos(1'000'000)};
    cost.budget_exhausted = type == broke_at_;
    if (type == "triageTask") {
      generation::Triage triage{.task_type = "aggregate",
                                .strategy = "small",
                                .reason = "it says \"count\"",
                                .node_id = "count-words",
                                .template_id = "generation-python"};
      triage.tool_id = tool_code_.empty() ? "" : "a-tool";
      triage.tool_code = tool_code_;
      return triage;
    }
    if (type == "chooseTemplate") {
      return learning::ChooseTemplateResult{.template_id = "generation-python",
                                            .template_version = 3,
                                            .assignment = {.experiment_id = "e1", .arm = "variant", .value = "3"}};
    }
    if (type == "preflightQuota") return preflight_;
    if (type == "planGeneration") return generation::GenerationPlan{.plan = "the plan", .fault = {}, .cost = cost};
    if (type == "generateCode" || type == "escalateGeneration") {
      const Round& round = rounds_[type == "generateCode" ? 0 : 1];
      return generation::GeneratedCode{
          .code = type == "generateCode" ? "first" : "second", .fault = round.fault, .cost = cost};
    }
    const bool second = given.contains("source") && given["source"].get<std::string>().starts_with("second");
    if (type == "analyzeStatic") {
      nodes::AnalyzeStaticResult analyzed;
      analyzed.report.report_id = second ? "report-2" : "report-1";
      analyzed.report.node_id = "count-words";
      analyzed.report.workflow_run_id = "run-1";
      analyzed.report.created_at = "2026-11-26T00:00:00.000Z";
      analyzed.report.overall_score = rounds_[second ? 1 : 0].score;
      analyzed.report.grade = "X";
      analyzed.report.checks = {{.name = "import_order", .status = "pass", .score = 1, .auto_fixed = true}};
      analyzed.passes_gate = analyzed.report.PassesGate();
      analyzed.feedback = analyzed.passes_gate ? "" : "line 3: no such name";
      analyzed.source = given["source"].get<std::string>() + ", repaired";
      return analyzed;
    }
    if (type == "runNodeTests") {
      const bool passed = rounds_[second ? 1 : 0].tests_pass;
      return nodes::NodeTestReport{
          .passed = passed, .total = 2, .failed = passed ? 0 : 1, .message = passed ? "" : "case 1: 3 is not 4"};
    }
    return json::object({{"artifact_id", "a"}, {"artifact_type", "REPORT"}, {"tags", json::array()}, {"is_new", true}});
  }

  sdk::WorkflowRegistry registry_;
  Round rounds_[2];
  std::map<std::string, sdk::ApplicationFailure> failures_;
  std::string broke_at_;
  std::string tool_code_;  // what a registered tool makes of the task; empty: there is none
  quota::PreflightDecision preflight_;
  std::vector<std::string> calls_;
  std::map<std::string, std::vector<json>> given_;
};

TEST_F(GenerationWorkflowTest, OneGoodGenerationIsExaminedSavedAndTestedAndThatIsAll) {  // SG-1, SG-5, SG-6
  const json result = Run();
  EXPECT_EQ(result.at("state"), kSuccessFirstPass);
  EXPECT_THAT(calls_, ElementsAre("triageTask", "chooseTemplate", "planGeneration", "generateCode", "analyzeStatic",
                                  "saveGeneration", "runNodeTests", "saveTestResult", "recordUsage"));
  EXPECT_EQ(result.at("code"), "first, repaired");
  EXPECT_EQ(result.at("repaired"), json({"import_order"}));
  EXPECT_EQ(result.at("model_calls"), 2);
  EXPECT_DOUBLE_EQ(result.at("cost_usd").get<double>(), 0.002);
  EXPECT_EQ(result.at("tokens"), 200);
  EXPECT_EQ(result.at("template_version"), 3);
  EXPECT_EQ(result.at("arm"), "variant");
  // Each model is asked at the size that its step is for.
  EXPECT_EQ(given_["planGeneration"][0]["use"]["model"], "small");
  EXPECT_EQ(given_["generateCode"][0]["use"]["model"], "small");
  EXPECT_EQ(given_["generateCode"][0]["template_version"], 3);
  EXPECT_EQ(given_["runNodeTests"][0]["source"], "first, repaired");
  EXPECT_EQ(given_["saveTestResult"][0]["test_result"], "passed");
  const json usage = given_["recordUsage"][0];
  EXPECT_EQ(usage["outcome"], kSuccessFirstPass);
  EXPECT_EQ(usage["success"], true);
  EXPECT_EQ(usage["total_tokens"], 200);
}

TEST_F(GenerationWorkflowTest, CodeBelowTheGateIsSavedAndEscalatedWithWhatIsWrong) {  // SG-2, SG-5
  rounds_[0] = {.score = 0.49};
  const json result = Run();
  EXPECT_EQ(result.at("state"), kSuccessAfterEscalation);
  EXPECT_THAT(calls_, ElementsAre("triageTask", "chooseTemplate", "planGeneration", "generateCode", "analyzeStatic",
                                  "saveGeneration", "escalateGeneration", "analyzeStatic", "saveGeneration",
                                  "runNodeTests", "saveTestResult", "recordUsage"));
  const json escalated = given_["escalateGeneration"][0];
  EXPECT_EQ(escalated["code"], "first, repaired");
  EXPECT_EQ(escalated["feedback"], "line 3: no such name");
  EXPECT_EQ(escalated["use"]["model"], "large");
  EXPECT_EQ(result.at("code"), "second, repaired");
  EXPECT_EQ(result.at("model_calls"), 3);
}

TEST_F(GenerationWorkflowTest, TheGateLetsItsOwnScorePass) {  // SG-2: equality passes
  rounds_[0] = {.score = 0.5};
  EXPECT_EQ(Run().at("state"), kSuccessFirstPass);
}

TEST_F(GenerationWorkflowTest, FailedTestsEscalateOnceAndThenNoMore) {  // SG-1
  rounds_[0] = {.tests_pass = false};
  rounds_[1] = {.tests_pass = false};
  const json result = Run();
  EXPECT_EQ(result.at("state"), kGenerationFailed);
  EXPECT_EQ(result.at("message"), "after one escalation: its tests failed: case 1: 3 is not 4");
  EXPECT_EQ(std::ranges::count(calls_, "generateCode"), 1);
  EXPECT_EQ(std::ranges::count(calls_, "escalateGeneration"), 1);
  EXPECT_EQ(given_["escalateGeneration"][0]["feedback"], "its tests failed: case 1: 3 is not 4");
  EXPECT_EQ(given_["saveTestResult"][1]["report_id"], "report-2");
  EXPECT_EQ(given_["recordUsage"][0]["success"], false);
}

TEST_F(GenerationWorkflowTest, ProseInsteadOfAProgramIsFeedbackToo) {
  rounds_[0] = {.score = 0.0, .tests_pass = true, .fault = "the answer has no fenced block of code"};
  EXPECT_EQ(Run().at("state"), kSuccessAfterEscalation);
  EXPECT_EQ(given_["escalateGeneration"][0]["feedback"],
            "the answer has no fenced block of code\nline 3: no such name");
}

TEST_F(GenerationWorkflowTest, AModelThatRefusesEndsInAStateAndIsRecorded) {  // SG-7
  for (const char* const type : {"AGENT_ERROR", "MODEL_UNAVAILABLE", "BUDGET_EXCEEDED"}) {
    for (const char* const step : {"planGeneration", "generateCode"}) {
      calls_.clear();
      given_.clear();
      failures_ = {{step, {.message = "no key", .type = type, .non_retryable = true}}};
      const json result = Run();
      EXPECT_EQ(result.at("state"), kGenerationFailed) << step;
      EXPECT_EQ(result.at("message"), "no key");
      EXPECT_EQ(given_["recordUsage"][0]["outcome"], kGenerationFailed);
      EXPECT_THAT(calls_, Not(Contains("escalateGeneration"))) << "no other model is asked";
    }
  }
}

TEST_F(GenerationWorkflowTest, AUsedUpBudgetMakesNoFurtherCall) {
  broke_at_ = "generateCode";
  const json result = Run({{"task", "count words"}, {"max_cost_usd", 0.0015}});
  EXPECT_EQ(result.at("state"), kGenerationFailed);
  EXPECT_THAT(result.at("message").get<std::string>(), HasSubstr("budget is used up"));
  EXPECT_DOUBLE_EQ(given_["generateCode"][0]["use"]["max_cost_usd"].get<double>(), 0.0005);
  EXPECT_EQ(result.at("model_calls"), 1);
  EXPECT_THAT(calls_, Not(Contains("analyzeStatic")));
}

TEST_F(GenerationWorkflowTest, WhatAToolMadeIsExaminedAndTestedAndNoModelIsAsked) {  // SG-8, PD-6
  tool_code_ = "first";
  const json result = Run();
  EXPECT_EQ(result.at("state"), kSuccessFirstPass);
  EXPECT_THAT(calls_, ElementsAre("triageTask", "chooseTemplate", "analyzeStatic", "saveGeneration", "runNodeTests",
                                  "saveTestResult", "recordUsage"));
  EXPECT_EQ(result.at("tool_id"), "a-tool");
  EXPECT_EQ(result.at("model"), "tool/a-tool");
  EXPECT_EQ(result.at("model_calls"), 0);
  EXPECT_EQ(given_["recordUsage"][0]["tool_id"], "a-tool");
}

TEST_F(GenerationWorkflowTest, WhatAToolMadeAndTheTestsRefuseIsTheModelsToMake) {  // PD-6
  tool_code_ = "second";
  rounds_[1].tests_pass = false;
  const json result = Run();
  EXPECT_EQ(result.at("state"), kSuccessFirstPass);
  EXPECT_THAT(calls_, Contains("generateCode"));
  EXPECT_FALSE(result.contains("tool_id"));
  EXPECT_EQ(result.at("model"), "a-model");
  EXPECT_EQ(result.at("model_calls"), 2);
}

TEST_F(GenerationWorkflowTest, PreflightThatDeniesEndsTheRunBeforeAnyCallOfAModel) {  // QF-5
  preflight_.decision = quota::kDeny;
  preflight_.reason = "the quota is 0: it buys nothing";
  const json result = Run({{"task", "count words"}, {"preflight", true}});
  EXPECT_EQ(result.at("state"), kGenerationFailed);
  EXPECT_EQ(result.at("message"), "the month's quota does not allow it: the quota is 0: it buys nothing");
  EXPECT_THAT(calls_, ElementsAre("triageTask", "chooseTemplate", "preflightQuota", "recordUsage"));
  EXPECT_EQ(given_["preflightQuota"][0]["workflow_type"], kStreamlinedGenerationWorkflow);
}

TEST_F(GenerationWorkflowTest, PreflightThatThrottlesDelaysTheRunOnceAndAWarningDoesNot) {  // QF-5
  preflight_.decision = quota::kThrottle;
  preflight_.delay_s = 600;
  EXPECT_EQ(Run({{"task", "count words"}, {"preflight", true}}).at("state"), kSuccessFirstPass);
  EXPECT_EQ(std::ranges::count(calls_, "a timer"), 1);
  calls_.clear();
  preflight_.decision = quota::kWarn;
  EXPECT_EQ(Run({{"task", "count words"}, {"preflight", true}}).at("state"), kSuccessFirstPass);
  EXPECT_THAT(calls_, Not(Contains("a timer")));
}

TEST_F(GenerationWorkflowTest, AMachineThatCannotDoItsWorkFailsTheRun) {
  failures_ = {{"analyzeStatic", {.message = "no Python", .type = "MISSING_TOOL", .non_retryable = true}}};
  EXPECT_EQ(Run().at("failure"), "analyzeStatic: no Python");
}

TEST_F(GenerationWorkflowTest, AVersionThatWasAskedForTakesPartInNoExperiment) {  // XB-1
  const json result = Run({{"task", "count words"}, {"template_version", 2}});
  EXPECT_THAT(calls_, Not(Contains("chooseTemplate")));
  EXPECT_EQ(result.at("template_version"), 2);
  EXPECT_FALSE(result.contains("arm"));
}

TEST_F(GenerationWorkflowTest, BadInputFailsTheRunAndNamesTheField) {
  const std::pair<json, std::string> cases[] = {
      {json::object(), "task"},
      {{{"task", "x"}, {"langage", "python"}}, "langage"},
      {{{"task", "x"}, {"language", "perl"}}, "input.language must be python or cpp"},
      {{{"task", std::string(70'000, 'x')}}, "input.task has 70000 bytes"},
      {{{"task", "x"}, {"node_id", "A B"}}, "input.node_id"},
      {{{"task", "x"}, {"max_cost_usd", -1}}, "input.max_cost_usd must not be negative"},
      {{{"task", "x"}, {"tests", {{{"expect", {{{"kind", "nearly"}}}}}}}}, "nearly"},
  };
  for (const auto& [input, sentence] : cases) {
    EXPECT_THAT(Run(input).value("failure", ""), HasSubstr(sentence)) << input.dump().substr(0, 80);
  }
  EXPECT_THAT(calls_, IsEmpty());
}

}  // namespace
}  // namespace wfe::workflows
