// The activities of learning as functions: what a generation leaves, what is taken from the best, what stays as it is
// when a step is tried again (PO-1, PO-3, PO-5, PO-8, RC-2, RC-3, SG-5, AB-10).
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "activities/learning/cycle/deploy.h"
#include "activities/learning/records/build_usage.h"
#include "activities/learning/records/generations.h"
#include "activities/learning/records/node_registry.h"
#include "tests/activities/learning/population.h"

namespace wfe::learning {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const char* const kNode =
    "import json\nimport sys\n# counts\n\n\ndef main() -> None:\n    value = json.load(sys.stdin)\n"
    "    json.dump(len(value), sys.stdout)\n\n\nif __name__ == \"__main__\":\n    main()\n";

class LearningSteps : public ::testing::Test {
 protected:
  SaveGenerationInput Generation(int i, double score) {
    SaveGenerationInput input;
    input.report.report_id = "p" + std::to_string(i);
    input.report.node_id = "counter";
    input.report.workflow_run_id = "run-" + std::to_string(i);
    input.report.overall_score = score;
    input.report.template_id = kPopulationTemplate;
    input.report.template_version = 1;
    input.report.created_at = Now();
    input.report.checks = {
        {.name = "stdin_use", .status = score < 1 ? "fail" : "pass", .message = "no stdin", .line = 4}};
    input.source = kNode;
    input.description = "count things, number " + std::to_string(i);
    input.task_type = "text";
    return input;
  }
  std::string Now() { return FormatIso8601Millis(world_.clock().Now()); }
  template <class T>
  T Must(Result<T> result) {
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().ToString());
    return result ? *std::move(result) : T();
  }
  size_t Rows() {
    size_t rows = 0;
    for (const auto& [table, of_table] : world_.records().tables) rows += of_table.size();
    return rows;
  }

  Population world_{1, Causes{}, CycleOptions{}};
  const LearningConfig& config_ = world_.config();
};

TEST_F(LearningSteps, GenerationIsInReportsRegistryAndMemoryOnceHoweverOftenItIsSaved) {  // SG-5, RC-1, RC-2, RC-3
  const SaveGenerationInput failing = Generation(1, 0.31);
  const SaveGenerationResult saved = Must(SaveGeneration(config_, failing));
  EXPECT_TRUE(saved.is_new);
  EXPECT_EQ(saved.artifact_type, "FAILURE") << "failures teach as well";
  EXPECT_THAT(saved.tags, ElementsAre("static-analysis", "score-30", "task-text"));
  const size_t rows = Rows();
  EXPECT_FALSE(Must(SaveGeneration(config_, failing)).is_new);
  EXPECT_EQ(Rows(), rows);
  const Artifact artifact = Must(config_.memory->Get(saved.artifact_id));
  EXPECT_EQ(artifact.content, kNode);
  EXPECT_EQ(artifact.extra["findings"][0]["class"], "stdin_use");
  EXPECT_EQ(Must(NodeRegistry(*config_.records).Get("counter")).versions.size(), 1U);
  EXPECT_EQ(Must(SaveGeneration(config_, Generation(2, 0.5))).artifact_type, "REPORT");
  EXPECT_EQ(Must(SaveGeneration(config_, Generation(3, 0.9))).artifact_type, "EXAMPLE");
}

TEST_F(LearningSteps, RunWithoutAnExperimentGetsTheActiveVersionAndNoArm) {  // AB-10
  const ChooseTemplateResult chosen =
      Must(ChooseTemplate(config_, {.template_id = kPopulationTemplate, .run_id = "r", .now = Now()}));
  EXPECT_EQ(chosen.template_version, 1);
  EXPECT_THAT(chosen.assignment.experiment_id, IsEmpty());
  EXPECT_EQ(ChooseTemplate(config_, {.template_id = "generation-rust", .run_id = "r", .now = Now()}).error().code,
            StatusCode::kNotFound);
}

TEST_F(LearningSteps, TemplateOfBuildsIsTriedByAPersonAndJudgedByWhatBuildsLeft) {  // AB-10, XB-2, XB-5
  const std::string id = "python-package";
  for (const char* const rule : {"- one\n", "- two\n"}) {
    std::string text;
    for (const char* const section :
         {"STRICT CONSTRAINTS", "Implementation Prompt", "VERIFICATION PROTOCOL", "Core Package Specifics"}) {
      text += std::string("## ") + section + "\n\n" + rule + "\n";
    }
    Must(config_.templates->CreateDraft({.template_id = id, .text = text, .author = "anna", .reason = "r"}));
  }
  ASSERT_TRUE(config_.templates->Activate(id, 1, "anna", "first").has_value());
  ExperimentStore experiments(*config_.records);
  CycleOptions options;
  options.variant_share = 0.5;
  options.min_samples = 40;
  RowProblems problems;
  const Deployment tried = Must(Deploy(*config_.templates, experiments, id, 2, 1, "anna", "shorter", options,
                                       world_.clock().Now(), problems));
  ASSERT_EQ(tried.mode, kDeployedExperiment);
  EXPECT_EQ(Must(experiments.Get(tried.experiment_id)).experiment.author, "anna");
  EXPECT_THAT(Must(ListPromptTemplates(config_, {.prefix = "generation-"})).template_ids, Contains(id))
      << "while it is tried, the optimizer looks at it";

  const std::string start = Now();
  const auto measure = [&] {
    return Must(MeasureTemplate(config_, {.template_id = id, .cycle_id = "c", .options = options, .now = Now()}));
  };
  int variants = 0;
  for (int i = 0; i < 120; ++i) {
    const std::string run = "build-" + std::to_string(i);
    const ChooseTemplateResult chosen = Must(ChooseTemplate(config_, {.template_id = id, .run_id = run, .now = start}));
    const bool variant = chosen.template_version == 2;
    variants += variant ? 1 : 0;
    if (i == 119) break;  // it has not ended
    UsageRow build{.workflow_run_id = run, .workflow_type = "AuditedBuildWorkflow", .created_at = start};
    build.duration_ms = 600'000 + (i * 37 % 100) * 1000;
    build.cost_usd = Money::Nanos((variant ? 30'000'000 : 60'000'000) + (i * 13 % 50) * 100'000);
    build.success = i % 10 != 0;
    build.outcome = build.success ? "passed" : "not_passed";
    if (i == 0) build.outcome = "cancelled";
    Must(SaveUsage(*config_.records, build));
    if (i == 20) {
      EXPECT_TRUE(measure().experiment_runs) << "too few to be compared";
    }
  }
  EXPECT_GT(variants, 40);
  const Measurement measured = measure();
  EXPECT_EQ(measured.action, kMeasuredActivated) << measured.reason;
  EXPECT_EQ(measured.active_version, 2);
  ASSERT_TRUE(measured.experiment.has_value());
  EXPECT_EQ(measured.experiment->control.samples + measured.experiment->variant.samples, 118)
      << "neither the run that goes on nor the one that a person cancelled";
  EXPECT_EQ(Must(config_.templates->State(id)).active, 2);
}

TEST_F(LearningSteps, BuildsLeaveARowOfUsageOnceTheyHaveEnded) {  // RC-14
  const auto line = [](const std::string& step, const std::string& at, const nlohmann::json& ext, int64_t tokens = 0) {
    nlohmann::json entry = {{"workflow_run_id", "b1"}, {"step_name", step}, {"timestamp", at}, {"ext", ext}};
    entry["ext"]["workflow_type"] = "AuditedBuildWorkflow";
    if (tokens > 0) entry["total_token_cost"] = tokens;
    return entry.dump();
  };
  std::vector<std::string> lines = {
      line("workflow_started", "2026-03-02T00:00:00.000Z", {{"kind", "workflow_event"}}),
      line("scaffold", "2026-03-02T00:00:10.000Z", {{"kind", "agent"}, {"cost_usd", 0.01}}, 1000),
      line("fix_attempt_1", "2026-03-02T00:00:20.000Z", {{"kind", "agent"}}, 500),
      line("initial_verification", "2026-03-02T00:00:30.000Z", {{"kind", "verification"}}),
      "not a line"};
  EXPECT_FALSE(UsageOfBuild(lines).has_value()) << "it goes on";
  for (const std::string& each : lines) EXPECT_FALSE(EndsBuild(each));
  const std::string last = line("workflow_completed", "2026-03-02T00:01:00.500Z",
                                {{"kind", "workflow_event"}, {"status", "not_passed"}});
  EXPECT_TRUE(EndsBuild(last));
  lines.insert(lines.begin(), last);
  for (size_t i = 0; i < lines.size(); ++i) {
    Must(config_.records->AppendRow("traces", "b1/" + std::to_string(i), lines[i]));
  }
  Must(config_.records->AppendRow("traces", "b10/0", lines[1]));
  for (int attempt = 0; attempt < 2; ++attempt) {
    ASSERT_TRUE(SaveBuildUsage(*config_.records, "traces", "b1").has_value());
  }
  RowProblems problems;
  const Instant from = *ParseIso8601("2026-03-02T00:00:00Z");
  const auto rows = Must(LoadUsage(*config_.records, from, world_.clock().Now(), problems));
  ASSERT_THAT(rows, SizeIs(1));
  const UsageRow& row = rows[0];
  EXPECT_EQ(row.workflow_run_id, "b1");
  EXPECT_EQ(row.workflow_type, "AuditedBuildWorkflow");
  EXPECT_EQ(row.created_at, "2026-03-02T00:00:00.000Z");
  EXPECT_EQ(row.duration_ms, 60'500);
  EXPECT_EQ(row.total_tokens, 1500);
  EXPECT_EQ(row.cost_usd, Money::Nanos(10'000'000));
  EXPECT_EQ(row.unpriced_calls, 1);
  EXPECT_EQ(row.step_count, 3);
  EXPECT_FALSE(row.success);
  EXPECT_EQ(row.outcome, "not_passed");
}

TEST_F(LearningSteps, PatternsComeFromTheBestExamplesAndAreStoredOnce) {  // PO-3, PO-5
  for (int i = 0; i < 6; ++i) {
    Must(SaveGeneration(config_, Generation(i, i == 0 ? 0.95 : 1)));
    Must(SaveGeneration(config_, Generation(100 + i, 0.7)));
  }
  const AnalyzePatternsResult analyzed = Must(AnalyzePatterns(config_, {.min_score = 0.9, .limit = 20}));
  EXPECT_EQ(analyzed.examples, 6);
  std::vector<std::string> names;
  for (const Pattern& pattern : analyzed.patterns) names.push_back(pattern.name);
  EXPECT_THAT(names, ElementsAre("imports", "input", "output", "entry point"));
  EXPECT_EQ(analyzed.patterns[0].content, "import json\nimport sys\n");
  EXPECT_EQ(analyzed.patterns[3].content, "def main() -> None:\nif __name__ == \"__main__\":\n    main()\n");
  EXPECT_EQ(analyzed.patterns[0].support, 6);
  EXPECT_NEAR(analyzed.patterns[0].quality_score, (0.95 + 5) / 6, 1e-12);

  const UpdateMemoryInput update{.patterns = analyzed.patterns, .now = Now(), .source_run = "cycle"};
  EXPECT_THAT(Must(UpdateMemory(config_, update)).stored, SizeIs(4));
  world_.clock().Advance(std::chrono::hours(1));
  const UpdateMemoryInput later{.patterns = analyzed.patterns, .now = Now(), .source_run = "next"};
  EXPECT_THAT(Must(UpdateMemory(config_, later)).stored, IsEmpty()) << "an hour without news writes nothing";
  const auto patterns = Must(config_.memory->Find({.all_tags = {"best-practice", "proven"}, .type = "PATTERN"}));
  EXPECT_THAT(patterns, SizeIs(4));
}

TEST(Patterns, LinesThatAreNeverTogetherOrTooSeldomAreNone) {  // PO-3
  std::vector<PatternExample> examples;
  for (int i = 0; i < 4; ++i) examples.push_back({.id = "x", .text = kNode, .score = 1});
  EXPECT_THAT(ExtractPatterns(examples), IsEmpty()) << "four examples are too few";
  examples.push_back({.id = "y", .text = "import os\n", .score = 1});
  const std::vector<Pattern> patterns = ExtractPatterns(examples);
  ASSERT_THAT(patterns, SizeIs(4));
  EXPECT_EQ(patterns[0].content, "import json\nimport sys\n");
  EXPECT_EQ(patterns[0].support, 4);
}

TEST_F(LearningSteps, BestExamplesAreTaggedOnceAndKnowWhenTheyWereMade) {  // PO-5, PO-8
  for (int i = 0; i < 25; ++i) Must(SaveGeneration(config_, Generation(i, i < 10 ? 0.96 : 0.7)));
  const std::string made = Now();
  world_.clock().Advance(std::chrono::hours(1));
  const RefreshBestPracticesInput refresh{
      .template_id = kPopulationTemplate, .example_score = 0.9, .limit = 5, .now = Now()};
  const RefreshBestPracticesResult first = Must(RefreshBestPractices(config_, refresh));
  EXPECT_NEAR(first.example_score, 0.96, 1e-9) << "the best quarter begins there";
  EXPECT_THAT(first.best, SizeIs(5));
  EXPECT_THAT(first.newly_tagged, SizeIs(5));
  EXPECT_THAT(Must(RefreshBestPractices(config_, refresh)).newly_tagged, IsEmpty());
  const Artifact best = Must(config_.memory->Get(first.best.front()));
  EXPECT_THAT(best.tags, Contains("best-practice"));
  EXPECT_EQ(best.extra["made_at"], made);
}

TEST_F(LearningSteps, TrendIsOfWeeksAndClaimsNothingOfFewRows) {  // PO-8
  for (int week = 0; week < 3; ++week) {
    for (int i = 0; i < 20; ++i) {
      world_.clock().Advance(std::chrono::hours(7));
      Must(SaveReport(*config_.records,
                      Generation(week * 100 + i, week == 2 ? 0.9 + 0.001 * i : 0.7 + 0.001 * i).report));
    }
    world_.clock().Advance(std::chrono::hours(28));
  }
  const AnalyzeTrendInput input{.template_id = kPopulationTemplate, .alpha = 0.05, .now = Now()};
  const QualityTrend trend = Must(AnalyzeQualityTrend(config_, input));
  EXPECT_EQ(trend.direction, "rising");
  EXPECT_NEAR(trend.change, 0.2, 1e-9);
  EXPECT_THAT(trend.weeks, SizeIs(kTrendWeeks));
  EXPECT_EQ(trend.weeks[0].generations, 0);
  EXPECT_EQ(trend.weeks[3].generations, 20);
  const AnalyzeTrendInput other{.template_id = "generation-cpp", .alpha = 0.05, .now = Now()};
  EXPECT_EQ(Must(AnalyzeQualityTrend(config_, other)).direction, "unknown");
}

TEST_F(LearningSteps, TimesThatAreNoneAreNamed) {
  EXPECT_THAT(
      CollectGenerations(config_, {.template_id = kPopulationTemplate, .last_n = 9, .now = "now"}).error().message,
      HasSubstr("\"now\" is not a time"));
  SaveGenerationInput input = Generation(1, 1);
  input.report.created_at = "";
  EXPECT_THAT(SaveGeneration(config_, input).error().message, HasSubstr("\"\" is not a time"));
}

/// The figure of docs/learning.md; only with WFE_GENERATIONS=N.
TEST_F(LearningSteps, CycleOverManyStoredGenerations) {  // PO-1
  const char* wanted = std::getenv("WFE_GENERATIONS");
  const int count = wanted != nullptr ? std::atoi(wanted) : 200;
  for (int i = 0; i < count; ++i) {
    world_.clock().Advance(Duration(std::chrono::hours(24 * 20)) / std::max(count, 480));
    world_.GenerateOne();
  }
  const std::clock_t start = std::clock();
  const CycleRow row = world_.Cycle();
  const AnalyzeTrendInput trend{.template_id = kPopulationTemplate, .alpha = 0.05, .now = Now()};
  EXPECT_EQ(Must(AnalyzeQualityTrend(config_, trend)).weeks.size(), static_cast<size_t>(kTrendWeeks));
  const double taken = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::printf("a cycle over %d stored generations: %.2f s of CPU\n", count, taken);
  EXPECT_EQ(row.window.generations, std::min(count, 100));
}

}  // namespace
}  // namespace wfe::learning
