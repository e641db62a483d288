// What builds, generations and batches leave becomes patterns, once however often it is read; what a tool would return;
// drafts (PD-1, PD-2, PD-4, PD-5, PD-7, PD-8, RC-8, RC-9).
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "activities/batch/document_list.h"
#include "activities/batch/steps.h"
#include "activities/learning/records/generations.h"
#include "activities/patterns/steps/register.h"
#include "engine/base/hash.h"
#include "tests/activities/agent/agent_test_support.h"
#include "tools/demo/memory_records.h"

namespace wfe::patterns {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Instant kNow = *ParseIso8601("2026-11-21T12:00:00Z");

json Line(const std::string& run, const std::string& step, int second, const json& fields, const json& ext) {
  char at[40];
  std::snprintf(at, sizeof at, "2026-11-20T10:00:%02d.000Z", second);
  json line = {{"workflow_run_id", run}, {"step_name", step}, {"timestamp", at}, {"ext", ext}};
  line.update(fields);
  return line;
}

class PatternRecords : public ::testing::Test {
 protected:
  std::vector<std::string> TraceOf(const std::string& run, const std::string& task, bool first_passes) {
    const std::string instruction = "Make the change.\n\nChange:\n" + task;
    const std::string hash = *records_->Put(instruction);
    const auto agent = [&](const std::string& step, int second, int64_t tokens, const json& more = json::object()) {
      json fields = {{"total_token_cost", tokens}, {"files_touched", {"src/a.py", "src/b.py", "README"}}};
      fields.update(more);
      return Line(run, step, second, fields, {{"kind", "agent"}, {"instruction_hash", hash}, {"cost_usd", 0.25}});
    };
    const auto check = [&](const std::string& step, int second, bool passes) {
      return Line(run, step, second,
                  {{"validation_status", passes ? "pass" : "fail"}, {"commands_attempted", {"pytest -q"}}},
                  {{"kind", "verification"}});
    };
    std::vector<json> lines = {agent("scaffold", 1, 500), agent("implement_v1", 2, 1000),
                               check("initial_verification", 3, first_passes)};
    if (!first_passes) {
      lines.push_back(agent("fix_attempt_1", 4, 700, {{"validation_error_type", "ESLINT_ERROR"}}));
      lines.push_back(check("fix_attempt_1", 5, true));
    }
    lines.push_back(Line(run, "workflow_completed", 6, json::object(), {{"kind", "workflow_event"}}));
    std::vector<std::string> texts;
    for (const json& line : lines) texts.push_back(line.dump());
    return texts;
  }
  void KeepTrace(const std::string& run, const std::vector<std::string>& lines) {
    int number = 0;
    for (const std::string& line : lines) {
      ASSERT_TRUE(records_->AppendRow("traces", run + "/" + std::to_string(number++), line).has_value());
    }
  }
  std::string KeepBatch(const std::string& workflow_id) {
    batch::DocumentList documents;
    for (int i = 0; i < 6; ++i) {
      documents.push_back({.name = std::to_string(i), .text = "text", .task = i < 4 ? "" : "List the headings"});
    }
    batch::StepSpec step;
    step.task = "Extract emails";
    const std::string blob = *batch::StoreDocumentList(*records_, documents);
    const json input = {{"documents_blob", blob}, {"step", step}};
    EXPECT_TRUE(records_->PutRow(std::string(batch::kBatchJobsTable), workflow_id, input.dump(), std::nullopt).has_value());
    const std::string job = batch::JobIdOf(workflow_id, blob, step);
    batch::ResultStore results(*records_, *records_, *records_);
    for (int i = 0; i < 6; ++i) {
      batch::ResultRow row{.index = i, .name = std::to_string(i), .status = std::string(batch::kDocumentDone)};
      row.tokens = 100;
      row.called = true;
      row.model = i == 1 ? "tool/grep" : "gemini-2.5-flash";
      row.cached = i == 0;
      if (i == 2) row.status = std::string(batch::kDocumentFailed);
      EXPECT_TRUE(results.Put(job, row, "answer", std::nullopt).has_value());
    }
    return job;
  }
  OperationPattern Pattern(const std::string& signature) {
    const auto found = PatternStore(*records_).Find(signature);
    EXPECT_TRUE(found && *found) << signature;
    return found && *found ? **found : OperationPattern();
  }

  demo::MemoryRecords service_;
  std::shared_ptr<client::RecordsClient> records_ = std::make_shared<client::RecordsClient>(service_);
};

TEST_F(PatternRecords, AStepOfABuildIsAnOperationAndTheCheckAfterItSaysWhetherItSucceeded) {
  const std::vector<std::string> lines = TraceOf("run-1", "Sort the imports of the python package", false);
  const auto text = [this](const std::string& hash) { return *records_->Get(hash); };
  const std::vector<Operation> operations = OperationsOfBuild(lines, text);
  ASSERT_THAT(operations, SizeIs(2)) << "laying out is none";
  EXPECT_EQ(operations[0].task, "Sort the imports of the python package");
  EXPECT_EQ(operations[0].successes, 0);
  EXPECT_EQ(operations[0].tokens, 1000);
  EXPECT_EQ(operations[0].cost_usd, *Money::FromNumber(0.25));
  EXPECT_EQ(operations[0].shape, ".py README");
  EXPECT_THAT(operations[0].commands, ElementsAre("pytest -q"));
  EXPECT_EQ(operations[1].task, "");
  EXPECT_THAT(operations[1].errors, ElementsAre("ESLINT_ERROR"));
  EXPECT_EQ(operations[1].successes, 1);
  EXPECT_THAT(OperationsOfBuild({"no json", "[]", "{}"}, text), IsEmpty());
}

TEST_F(PatternRecords, TheDetectorAfterABuildAddsNothingTheSecondTime) {
  KeepTrace("run-1", TraceOf("run-1", "Sort the imports of the python package", false));
  const auto first = DetectBuild(*records_, PatternRules::BuiltIn(), "traces", "run-1");
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->new_occurrences, 2);
  const std::string row = service_.tables[std::string(kPatternsTable)]["lint:imports:python"];
  const auto second = DetectBuild(*records_, PatternRules::BuiltIn(), "traces", "run-1");
  EXPECT_EQ(second->new_occurrences, 0);
  EXPECT_EQ(service_.tables[std::string(kPatternsTable)]["lint:imports:python"], row);
  EXPECT_EQ(Pattern("fix:lint_error:general").occurrence_count, 1);
}

TEST_F(PatternRecords, DocumentsThatWereToldTheSameAreOneOperationWithACount) {
  const std::string job = KeepBatch("batch-7");
  const auto operations = OperationsOfBatch(*records_, "batch-7", kNow);
  ASSERT_TRUE(operations.has_value()) << operations.error().message;
  ASSERT_THAT(*operations, SizeIs(3));
  EXPECT_EQ((*operations)[0].task, "Extract emails");
  EXPECT_EQ((*operations)[0].workflow_run_id, job);
  EXPECT_EQ((*operations)[0].count, 2) << "what came from the cache is none";
  EXPECT_EQ((*operations)[0].successes, 1);
  EXPECT_EQ((*operations)[1].tool_id, "grep");
  EXPECT_EQ((*operations)[2].count, 2);
  EXPECT_THAT(*OperationsOfBatch(*records_, "no-such-job", kNow), IsEmpty());
}

TEST_F(PatternRecords, BackfillReadsEverythingThatIsThereAndAddsNothingTwice) {
  for (int i = 0; i < 12; ++i) {
    const std::string run = "run-" + std::to_string(i);
    KeepTrace(run, TraceOf(run, i % 2 == 0 ? "Reformat the backend" : "Bump the version of the android app", true));
  }
  learning::UsageRow usage;
  usage.workflow_run_id = "generation-1";
  usage.nl_input = "Count the words of the text";
  usage.workflow_type = "StreamlinedGenerationWorkflow";
  usage.created_at = "2026-11-19T08:00:00.000Z";
  usage.total_tokens = 4000;
  usage.success = true;
  ASSERT_TRUE(learning::SaveUsage(*records_, usage).has_value());
  service_.tables[std::string(learning::kUsageTable)]["2026-11-19T09:00:00.000Z/broken"] = "{";
  KeepBatch("batch-7");
  const auto first = Backfill(*records_, PatternRules::BuiltIn(), "traces", kNow);
  ASSERT_TRUE(first.has_value()) << first.error().message;
  EXPECT_EQ(first->operations, 12 + 1 + 3);
  EXPECT_EQ(first->new_patterns, 5);
  EXPECT_THAT(first->problems, ElementsAre(HasSubstr("broken")));
  const auto tables = service_.tables;
  const auto second = Backfill(*records_, PatternRules::BuiltIn(), "traces", kNow + std::chrono::hours(1));
  EXPECT_EQ(second->new_occurrences, 0);
  EXPECT_EQ(second->new_patterns, 0);
  EXPECT_EQ(service_.tables, tables);
  const OperationPattern format = Pattern("lint:format:backend");
  EXPECT_EQ(format.occurrence_count, 6);
  EXPECT_DOUBLE_EQ(format.confidence_score, 24 + 30 + 30);
  EXPECT_EQ(format.automation_status, kDetected);
}

TEST_F(PatternRecords, TheAnalysisMarksWhatPaysAndLeavesWhatPeopleDecided) {
  for (int i = 0; i < 60; ++i) {
    const std::string run = "run-" + std::to_string(i);
    KeepTrace(run, TraceOf(run, i % 2 == 0 ? "Reformat the backend" : "Sort the imports of the python package", true));
  }
  ASSERT_TRUE(Backfill(*records_, PatternRules::BuiltIn(), "traces", kNow).has_value());
  ASSERT_TRUE(RetirePattern(*records_, "lint:imports:python", "we do not want it", kNow).has_value());
  const auto analyzed = AnalyzeOperations(*records_, PatternRules::BuiltIn(), kNow);
  ASSERT_TRUE(analyzed.has_value());
  ASSERT_THAT(analyzed->candidates, SizeIs(1));
  EXPECT_EQ(analyzed->candidates[0].pattern_signature, "lint:format:backend");
  EXPECT_EQ(Pattern("lint:format:backend").automation_status, kCandidate);
  EXPECT_EQ(Pattern("lint:imports:python").automation_status, kRetired);
  EXPECT_EQ(Pattern("lint:imports:python").reason, "we do not want it");
}

TEST_F(PatternRecords, AnIssueIsDraftedOnceForEachPattern) {
  const TempDir dir;
  KeepTrace("run-1", TraceOf("run-1", "Reformat the backend; mind `the` backticks\nand lines", true));
  ASSERT_TRUE(Backfill(*records_, PatternRules::BuiltIn(), "traces", kNow).has_value());
  const auto report = ReadPatternReport(*records_, PatternRules::BuiltIn(), kNow);
  ASSERT_THAT(report->roi, SizeIs(1));
  const DraftIssueInput input{.candidate = report->roi[0], .now = FormatIso8601Millis(kNow)};
  const auto drafted = DraftIssue(*records_, dir / "drafts", input);
  ASSERT_TRUE(drafted.has_value()) << drafted.error().message;
  EXPECT_TRUE(drafted->is_new);
  const std::string text = ReadAll(drafted->file);
  EXPECT_THAT(text, HasSubstr("# Make a tool for lint:format:backend"));
  EXPECT_THAT(text, HasSubstr("`Reformat the backend; mind 'the' backticks and lines`"));
  EXPECT_THAT(text, HasSubstr("wfe patterns activate lint:format:backend --tool ID"));
  std::filesystem::remove(drafted->file);
  const auto again = DraftIssue(*records_, dir / "drafts", input);
  EXPECT_FALSE(again->is_new);
  EXPECT_FALSE(std::filesystem::exists(drafted->file)) << "who has thrown it away does not want it again";
}

TEST_F(PatternRecords, SavingsAreSummedByTypeOverTheirWindow) {
  const auto saving = [](int64_t hours_ago, const std::string& type, int64_t tokens) {
    Saving row;
    row.saved_at = FormatIso8601Millis(kNow - std::chrono::hours(hours_ago));
    row.optimization_type = type;
    row.tokens_saved = tokens;
    if (tokens != 7) row.cost_saved_usd = Money::Usd(1);
    return row;
  };
  const std::vector<Saving> savings = {saving(1, "cache", 10), saving(2, "tool_routing", 7), saving(24 * 7, "cache", 5),
                                       saving(100, "cache", 3), saving(-1, "cache", 99)};
  const std::vector<SavedByType> week = SumSavings(savings, kNow, 7);
  ASSERT_THAT(week, SizeIs(2));
  EXPECT_EQ(week[0].tokens_saved, 13);
  EXPECT_EQ(week[0].cost_saved_usd, Money::Usd(2));
  EXPECT_EQ(week[1].unpriced, 1);
  EXPECT_EQ(SumSavings(savings, kNow, 30)[0].tokens_saved, 18);
}

TEST_F(PatternRecords, AReportOfNothingIsEmptyAndRowsThatCannotBeReadAreToldOf) {
  service_.tables[std::string(kPatternsTable)]["broken"] = "{";
  const auto report = ReadPatternReport(*records_, PatternRules::BuiltIn(), kNow);
  ASSERT_TRUE(report.has_value());
  EXPECT_THAT(report->patterns, IsEmpty());
  EXPECT_THAT(report->growth, SizeIs(13));
  EXPECT_THAT(report->problems, ElementsAre(HasSubstr("row broken of table mutable_operation_patterns")));
}

TEST_F(PatternRecords, AToolIsRegisteredWithWhatIsKnownOfItsCallsAndRefusedWithAReason) {
  ToolStore tools(*records_);
  Tool tool{.tool_id = "sort"};
  EXPECT_THAT(tools.Register(tool, kNow).error().message, HasSubstr("activity_type or a command"));
  tool.command = {"sort"};
  ASSERT_TRUE(tools.Register(tool, kNow).has_value());
  ToolCall call{.workflow_run_id = "r", .step = "s", .tool = "sort", .pattern_signature = "a:b:c"};
  call.success = true;
  call.duration_ms = 40;
  ASSERT_TRUE(tools.Note("r/1", call, std::nullopt, kNow).has_value());
  ASSERT_TRUE(tools.Note("r/1", call, std::nullopt, kNow).has_value()) << "the same call again";
  tool.command = {"sort", "-u"};
  ASSERT_TRUE(tools.Register(tool, kNow).has_value());
  const Tool known = **tools.Find("sort");
  EXPECT_THAT(known.command, ElementsAre("sort", "-u"));
  EXPECT_EQ(known.calls, 1);
  EXPECT_DOUBLE_EQ(known.success_rate, 1);
  EXPECT_DOUBLE_EQ(known.avg_duration_ms, 40);
}

}  // namespace
}  // namespace wfe::patterns
