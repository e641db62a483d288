// Reading traces into a table: everything that can be wrong with a line, by file and line, and nothing else lost (OP-2,
// OP-3, TR-4, TR-9).
#include "activities/analytics/ingest/trace_parser.h"

#include <gmock/gmock.h>

#include <fstream>

#include "activities/trace/trace_file.h"
#include "tests/activities/agent/agent_test_support.h"
#include "tests/activities/analytics/trace_corpus.h"

namespace wfe::analytics {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

struct Parsed {
  TraceTable table;
  ParseReport report;
};

void ParseInto(Parsed& parsed, const std::string& path, const ParseOptions& options = {}) {
  const Status status = ParseTraceFile(path, parsed.table, parsed.report, options);
  EXPECT_TRUE(status.has_value()) << status.error().message;
}

Parsed Parse(const std::string& text, const ParseOptions& options = {}) {
  const TempDir dir;
  WriteAll(dir / "audit_trace.jsonl", text);
  Parsed parsed;
  ParseInto(parsed, dir / "audit_trace.jsonl", options);
  return parsed;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

auto Problem(int64_t line, const char* kind, const std::string& part) {
  return AllOf(Field(&ParseProblem::line, line), Field(&ParseProblem::kind, std::string(kind)),
               Field(&ParseProblem::message, HasSubstr(part)));
}

/// One good line with a changed or added key.
std::string LineWith(const std::function<void(nlohmann::json&)>& change) {
  trace::LogEntry entry = RepairedRun("r").Sealed()[2];
  entry.ext.erase("seq");
  entry.ext.erase("entry_hash");
  nlohmann::json json = entry;
  change(json);
  return json.dump() + "\n";
}

TEST(TraceParser, ReadsEveryColumnOfAnEntry) {
  const Parsed parsed = Parse(RepairedRun("run-1").Lines());
  EXPECT_THAT(parsed.report.problems, IsEmpty());
  const TraceTable& table = parsed.table;
  ASSERT_EQ(table.size(), 7U);
  const size_t fix = 4;
  EXPECT_EQ(table.RunText(table.run(fix)), "run-1");
  EXPECT_EQ(table.StepText(table.step(fix)), "fix_attempt_1");
  EXPECT_EQ(table.kind(fix), EntryKind::kAgent);
  EXPECT_EQ(table.status(fix), EntryStatus::kNotApplicable);
  EXPECT_EQ(table.token_source(fix), TokenSource::kReported);
  EXPECT_EQ(FormatIso8601Millis(Instant(std::chrono::milliseconds(table.timestamp_ms(fix)))),
            "2026-11-21T05:00:04.000Z");
  EXPECT_EQ(table.seq(fix), 5);
  EXPECT_EQ(table.prompt_tokens(fix), 1500);
  EXPECT_EQ(table.completion_tokens(fix), 100);
  EXPECT_EQ(table.total_tokens(fix), 1600);
  EXPECT_EQ(table.context_tokens(fix), 400);
  EXPECT_EQ(table.instruction_tokens(fix), 100);
  EXPECT_EQ(table.error_chars(fix), 200);
  EXPECT_DOUBLE_EQ(table.rework_cost_factor(fix), 0.5);
  EXPECT_EQ(table.duration_ms(fix), 1500);
  EXPECT_EQ(table.attempt(fix), -1);
  EXPECT_TRUE(std::isnan(table.cost_usd(fix)));
  EXPECT_EQ(table.ErrorTypeText(table.error_type(fix)), "TSC_ERROR");
  EXPECT_EQ(table.ContextHashText(table.context_hash(fix)), ToHex(Sha256("context")));
  EXPECT_EQ(table.InstructionHashText(table.instruction_hash(fix)), ToHex(Sha256("fix_attempt_1")));
  EXPECT_EQ(table.TemplateText(table.template_name(fix)), "typescript-package@2");
  EXPECT_EQ(table.ModelText(table.model(fix)), "gemini-2.5-pro");
  EXPECT_EQ(table.experiment_arm(fix), kNoId);
  EXPECT_EQ(table.WorkflowIdText(table.workflow_id(table.run(fix))), "build-run-1");
  EXPECT_EQ(table.WorkflowTypeText(table.workflow_type(table.run(fix))), "AuditedBuildWorkflow");
  EXPECT_THAT(table.SourceFile(fix), HasSubstr("/audit_trace.jsonl"));
  EXPECT_EQ(table.source_line(fix), 5);
  EXPECT_EQ(table.EndStatusText(table.end_status(6)), "passed");
  EXPECT_EQ(table.prompt_tokens(0), -1);
  EXPECT_EQ(table.Sections(table.context_hash(fix)).at("STRICT CONSTRAINTS"), ToHex(Sha256("strict")));
  EXPECT_EQ(parsed.report.entries, 7);
  EXPECT_EQ(parsed.report.lines, 7);
}

TEST(TraceParser, PathWithTheRunIdInsideComesBackWhole) {
  const TempDir dir;
  const std::string path = dir / "builds/run-77/audit_trace.jsonl";
  WriteAll(path, RepairedRun("run-77").Lines());
  Parsed parsed;
  ParseInto(parsed, path);
  EXPECT_EQ(parsed.table.SourceFile(3), path);
}

TEST(TraceParser, SameEntryThroughTwoFilesCountsOnce) {  // OP-2
  const TempDir dir;
  WriteAll(dir / "a/audit_trace.jsonl", RepairedRun("run-1").Lines());
  WriteAll(dir / "b/audit_trace.jsonl", RepairedRun("run-1").Lines() + RepairedRun("run-2").Lines());
  Parsed parsed;
  ParseInto(parsed, dir / "a/audit_trace.jsonl");
  ParseInto(parsed, dir / "b/audit_trace.jsonl");
  EXPECT_EQ(parsed.table.size(), 14U);
  EXPECT_EQ(parsed.report.duplicates, 7);
  EXPECT_THAT(parsed.report.problems, IsEmpty());
}

TEST(TraceParser, EntryWithoutIdIsTheSameWhereTheWholeLineIs) {
  const std::string line = LineWith([](nlohmann::json& j) { j["ext"].erase("entry_id"); });
  const std::string other = LineWith([](nlohmann::json& j) {
    j["ext"].erase("entry_id");
    j["completion_token_count"] = 301;
    j["total_token_cost"] = 2301;
  });
  const Parsed parsed = Parse(line + other + line);
  EXPECT_EQ(parsed.table.size(), 2U);
  EXPECT_EQ(parsed.report.duplicates, 1);
}

TEST(TraceParser, BadLinesAreNamedAndTheOthersAreKept) {  // TR-4
  std::vector<std::string> lines = Lines(RepairedRun("run-1").Lines());
  std::string text;
  text += lines[0] + "\n";
  text += "this is no JSON\n";
  text += lines[1] + "\n";
  text += "\n";
  text += "[1,2]\n";
  text += "{\"workflow_run_id\":\"r\"\n";
  text += lines[2] + " trailing\n";
  text += "{\"a\":1}{\"b\":2}\n";
  text += "{\"a\":{\"b\":1}\n";
  text += lines[2] + "\n";
  text += std::string("{\"step_name\":\"\xff\xfe\"}\n");
  text += lines[3].substr(0, 40);
  const Parsed parsed = Parse(text);
  EXPECT_EQ(parsed.table.size(), 3U);
  EXPECT_THAT(parsed.report.problems,
              ElementsAre(Problem(2, kProblemMalformed, "not a log entry"), Problem(4, kProblemMalformed, "empty"),
                          Problem(5, kProblemMalformed, ""), Problem(6, kProblemMalformed, ""),
                          Problem(7, kProblemMalformed, ""), Problem(8, kProblemMalformed, ""),
                          Problem(9, kProblemMalformed, ""), Problem(11, kProblemMalformed, ""),
                          Problem(12, kProblemMalformed, "torn")));
  EXPECT_EQ(parsed.report.rejected, 9);
  EXPECT_EQ(parsed.report.lines, 12);
  EXPECT_THAT(parsed.report.problems[0].file, HasSubstr("audit_trace.jsonl"));
}

TEST(TraceParser, LineThatIsTooLongIsNamedAndSkipped) {
  const std::string good = RepairedRun("run-1").Lines();
  const Parsed parsed = Parse(std::string(trace::kMaxTraceLineBytes + 5, 'x') + "\n" + good +
                              std::string(trace::kMaxTraceLineBytes + 1, 'y'));
  EXPECT_EQ(parsed.table.size(), 7U);
  EXPECT_THAT(parsed.report.problems,
              ElementsAre(Problem(1, kProblemMalformed, "longer than"), Problem(9, kProblemMalformed, "longer than")));
}

TEST(TraceParser, EntryWithoutRunStepOrTimeGivesNoRow) {
  const Parsed parsed = Parse(LineWith([](nlohmann::json& j) { j.erase("workflow_run_id"); }) +
                              LineWith([](nlohmann::json& j) { j["step_name"] = 7; }) +
                              LineWith([](nlohmann::json& j) { j.erase("timestamp"); }) +
                              LineWith([](nlohmann::json& j) { j["timestamp"] = "yesterday"; }));
  EXPECT_TRUE(parsed.table.empty());
  EXPECT_THAT(parsed.report.problems,
              ElementsAre(Problem(1, kProblemSchema, "LG-1"), Problem(2, kProblemSchema, "step_name is not a string"),
                          Problem(3, kProblemSchema, "LG-3"),
                          Problem(4, kProblemSchema, "yesterday")));
}

TEST(TraceParser, IllFormedFieldIsNamedAndLeftOut) {
  struct Case {
    std::function<void(nlohmann::json&)> change;
    std::string message;
  };
  const std::vector<Case> cases = {
      {[](nlohmann::json& j) { j["validation_status"] = "ok"; }, "none of pass, fail, N/A"},
      {[](nlohmann::json& j) { j.erase("validation_status"); }, "LG-8"},
      {[](nlohmann::json& j) { j["error_log_size_chars"] = -1; }, "error_log_size_chars is not a count"},
      {[](nlohmann::json& j) { j["error_log_size_chars"] = nullptr; }, "error_log_size_chars is not a count"},
      {[](nlohmann::json& j) { j["context_file_hash"] = "abc"; }, "context_file_hash is not a SHA-256"},
      {[](nlohmann::json& j) { j["validation_error_type"] = "tsc"; }, "no class of error"},
      {[](nlohmann::json& j) { j["timestamp"] = "2026-11-21T05:15:02Z"; }, "milliseconds"},
      {[](nlohmann::json& j) { j["ext"]["kind"] = "robot"; }, "ext.kind \"robot\" is unknown"},
      {[](nlohmann::json& j) { j["ext"]["token_count_source"] = "guessed"; }, "guessed"},
      {[](nlohmann::json& j) { j["ext"]["cost_usd"] = -0.5; }, "ext.cost_usd is not an amount"},
      {[](nlohmann::json& j) { j["ext"]["cost_usd"] = "free"; }, "ext.cost_usd is not an amount"},
      {[](nlohmann::json& j) { j["ext"]["instruction_hash"] = 5; }, "ext.instruction_hash is not a string"},
      {[](nlohmann::json& j) { j["ext"]["section_hashes"] = 5; }, "ext.section_hashes is not an object"},
      {[](nlohmann::json& j) { j["ext"]["section_hashes"]["X"] = {1, 2}; }, "section_hashes is not a string"},
      {[](nlohmann::json& j) { j["ext"]["logged_at"] = "now"; }, "ext.logged_at"},
  };
  for (const Case& c : cases) {
    const Parsed parsed = Parse(LineWith(c.change));
    EXPECT_EQ(parsed.table.size(), 1U) << c.message;
    EXPECT_THAT(parsed.report.problems, ElementsAre(Problem(1, kProblemSchema, c.message)));
  }
}

TEST(TraceParser, KnownFieldOfAnotherTypeGivesNoRow) {  // as for the validator
  const std::vector<std::pair<std::function<void(nlohmann::json&)>, std::string>> cases = {
      {[](nlohmann::json& j) { j["error_log_size_chars"] = 1.5; }, "error_log_size_chars is not a count"},
      {[](nlohmann::json& j) { j["files_touched"] = "src/a.ts"; }, "files_touched is not a list"},
      {[](nlohmann::json& j) { j["error_full"] = 1; }, "error_full is not a string"},
      {[](nlohmann::json& j) { j["ext"] = "none"; }, "ext is not an object"}};
  for (const auto& [change, message] : cases) {
    const Parsed parsed = Parse(LineWith(change));
    EXPECT_TRUE(parsed.table.empty()) << message;
    EXPECT_THAT(parsed.report.problems, ElementsAre(Problem(1, kProblemSchema, message)));
  }
}

TEST(TraceParser, ContradictoryArithmeticIsNamed) {  // LG-6, LG-11
  const Parsed parsed =
      Parse(LineWith([](nlohmann::json& j) { j["total_token_cost"] = 2301; }) +
            LineWith([](nlohmann::json& j) { j.erase("total_token_cost"); }) +
            LineWith([](nlohmann::json& j) { j["rework_cost_factor"] = 0.5; }) + LineWith([](nlohmann::json& j) {
              j["error_log_size_chars"] = 3;
              j["rework_cost_factor"] = 100.5;
            }));
  EXPECT_THAT(parsed.report.problems,
              ElementsAre(Problem(1, kProblemArithmetic, "LG-6"), Problem(2, kProblemArithmetic, "LG-6"),
                          Problem(3, kProblemArithmetic, "LG-11"), Problem(4, kProblemArithmetic, "LG-11")));
}

TEST(TraceParser, TimeThatGoesBackOrLiesAheadIsNamed) {
  const auto at = [](const std::string& time, int id) {
    return LineWith([&](nlohmann::json& j) {
      j["timestamp"] = time;
      j["ext"]["entry_id"] = std::to_string(id);
    });
  };
  const std::string text = at("2026-11-21T05:00:02.000Z", 1) + at("2026-11-21T05:00:01.000Z", 2) +
                           at("2026-11-21T05:00:01.000Z", 3) + at("2026-11-21T06:00:00.000Z", 4);
  ParseOptions options;
  options.now = TestTime(60);
  const Parsed parsed = Parse(text, options);
  EXPECT_EQ(parsed.table.size(), 4U);
  EXPECT_THAT(parsed.report.problems, ElementsAre(Problem(2, kProblemClock, "goes back by 1000 ms"),
                                                  Problem(4, kProblemClock, "in the future")));
}

TEST(TraceParser, OtherSchemaVersionsAreNamedAndCounted) {
  const Parsed parsed =
      Parse(LineWith([](nlohmann::json&) {}) + LineWith([](nlohmann::json& j) { j["ext"]["schema_version"] = 2; }) +
            LineWith([](nlohmann::json& j) { j.erase("ext"); }));
  EXPECT_THAT(parsed.report.problems, ElementsAre(Problem(2, kProblemSchemaVersion, "is 2")));
  EXPECT_THAT(parsed.report.schema_versions, ElementsAre(std::pair(0, 1), std::pair(1, 1), std::pair(2, 1)));
}

TEST(TraceParser, EveryEditedByteIsFound) {  // TR-9
  const std::string text = RepairedRun("run-1").Lines();
  // Everything inside the quotes of ext.logged_at may be anything that is a time.
  const auto in_logged_at = [&](size_t at) {
    const size_t line = text.rfind('\n', at) == std::string::npos ? 0 : text.rfind('\n', at) + 1;
    const size_t value = text.find("\"logged_at\":\"", line) + 13;
    return at >= value && at < value + 24;
  };
  const std::string replacements = "x0\"\n ,";
  TraceTable table;
  for (size_t at = 0; at + 1 < text.size(); ++at) {  // without its last newline the file is torn: another test
    if (in_logged_at(at)) continue;
    std::string edited = text;
    edited[at] = replacements[at % replacements.size()];
    if (edited == text) edited[at] = '#';
    ParseReport report;
    TraceParser parser(table, report, {});
    parser.BeginFile("edited");
    int64_t number = 0;
    for (const std::string& line : Lines(edited)) parser.ParseLine(line, ++number);
    EXPECT_GT(report.problem_count(), 0) << "byte " << at << " of " << text.substr(at, 40);
  }
}

TEST(TraceParser, ChainOfEachRunIsFollowedThroughAMixedFile) {
  const std::vector<std::string> one = Lines(RepairedRun("run-1").Lines());
  const std::vector<std::string> two = Lines(RepairedRun("run-2").Lines());
  std::string mixed;
  for (size_t i = 0; i < one.size(); ++i) mixed += one[i] + "\n" + two[i] + "\n";
  EXPECT_THAT(Parse(mixed).report.problems, IsEmpty());

  std::string without_third;
  for (size_t i = 0; i < one.size(); ++i) {
    if (i != 2) without_third += one[i] + "\n";
  }
  EXPECT_THAT(Parse(without_third).report.problems, ElementsAre(Problem(3, kProblemChain, "continues with 3")));
  ParseOptions options;
  options.verify_chain = false;
  EXPECT_THAT(Parse(without_third, options).report.problems, IsEmpty());
}

TEST(TraceParser, SameMeaningInOtherBytesIsNamed) {
  std::string text = RepairedRun("run-1").Lines();
  text.replace(text.find(",\"ext\""), 1, " ,");
  EXPECT_THAT(Parse(text).report.problems, ElementsAre(Problem(1, kProblemChain, "its bytes were changed")));
}

TEST(TraceParser, KindIsGuessedWhereItIsNotStated) {  // LG-16
  std::string text;
  for (const char* step : {"implement_v1", "initial_verification", "workflow_completed"}) {
    trace::LogEntry entry;
    entry.workflow_run_id = "r";
    entry.step_name = step;
    entry.timestamp = "2026-11-21T05:00:00.000Z";
    entry.validation_status = trace::kValidationNotApplicable;
    if (entry.step_name == "initial_verification") entry.commands_attempted = {"tsc"};
    text += trace::SerializeLogEntry(entry) + "\n";
  }
  const Parsed parsed = Parse(text);
  ASSERT_EQ(parsed.table.size(), 3U);
  EXPECT_EQ(parsed.table.kind(0), EntryKind::kAgent);
  EXPECT_EQ(parsed.table.kind(1), EntryKind::kVerification);
  EXPECT_EQ(parsed.table.kind(2), EntryKind::kWorkflowEvent);
}

TEST(TraceParser, UnknownFieldsAreIgnored) {
  const Parsed parsed = Parse(LineWith([](nlohmann::json& j) {
    j["reviewer"] = {{"name", "x"}, {"scores", {1, 2, {{"a", "}]"}}}}};
    j["ext"]["later"] = {{"deep", {{"seq", 99}}}};
  }));
  EXPECT_EQ(parsed.table.size(), 1U);
  EXPECT_EQ(parsed.table.seq(0), -1);
  EXPECT_THAT(parsed.report.problems, IsEmpty());
}

TEST(TraceParser, FileThatIsNotThereIsAnError) {
  Parsed parsed;
  const Status status = ParseTraceFile("/nonexistent/audit_trace.jsonl", parsed.table, parsed.report);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, StatusCode::kNotFound);
}

TEST(TraceParser, LinesAcrossBlocksAreReadWhole) {
  std::string text;
  for (int run = 0; run < 600; ++run) text += RepairedRun("run-" + std::to_string(run)).Lines();
  ASSERT_GT(text.size(), 2U << 20);  // several blocks
  const Parsed parsed = Parse(text);
  EXPECT_EQ(parsed.table.size(), 4200U);
  EXPECT_THAT(parsed.report.problems, IsEmpty());
  EXPECT_EQ(parsed.report.bytes, static_cast<int64_t>(text.size()));
}

TEST(ParseReport, ListsAThousandProblemsAndCountsTheRest) {
  ParseReport first;
  ParseReport second;
  for (int i = 0; i < 800; ++i) first.Add("a", i, kProblemChain, "x");
  for (int i = 0; i < 800; ++i) second.Add("b", i, kProblemSchema, "y");
  first.Merge(second);
  EXPECT_EQ(first.problems.size(), kMaxListedProblems);
  EXPECT_EQ(first.problem_count(), 1600);
  const ParseReport again = nlohmann::json::parse(nlohmann::json(first).dump()).get<ParseReport>();
  EXPECT_EQ(again, first);
}

}  // namespace
}  // namespace wfe::analytics
