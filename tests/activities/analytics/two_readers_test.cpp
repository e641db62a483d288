// `wfe audit validate` and `wfe audit run` read one format with two parsers.  They must agree on what an entry is
// (cases/traces-two-readers, cases/deep-json), whatever was done to a file.
#include <gmock/gmock.h>

#include <random>

#include "activities/analytics/ingest/entry_line.h"
#include "activities/analytics/ingest/fold.h"
#include "activities/analytics/ingest/trace_parser.h"
#include "activities/analytics/ingest/trace_time.h"
#include "activities/trace/line_text.h"
#include "activities/trace/trace_file.h"
#include "activities/trace/trace_validator.h"
#include "engine/base/parse_json.h"
#include "tests/activities/agent/agent_test_support.h"
#include "tests/activities/analytics/trace_corpus.h"

namespace wfe::analytics {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

/// What both readers say of one trace.
struct Both {
  trace::TraceReport validated;
  TraceTable table;
  ParseReport parsed;

  explicit Both(const std::string& path) {
    auto report = trace::ValidateTrace(path);
    EXPECT_TRUE(report.has_value()) << report.error().message;
    if (report) validated = *std::move(report);
    EXPECT_TRUE(ParseTraceFile(path, table, parsed).has_value());
  }
  void ExpectEntries(int64_t entries) const {
    EXPECT_EQ(validated.entries, entries);
    EXPECT_EQ(parsed.entries, entries);
    EXPECT_EQ(static_cast<int64_t>(table.size()), entries);
  }
};

class TwoReaders : public testing::Test {
 protected:
  Both Read(const std::string& text) {
    WriteAll(path_, text);
    return Both(path_);
  }
  std::vector<std::string> GoodLines() const {
    std::vector<std::string> lines;
    std::istringstream in(RepairedRun("run-1").Lines());
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  static std::string Joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
  }
  /// The third line, an agent's, with something put before its last brace.
  std::string WithNote(const std::string& note) const {
    std::vector<std::string> lines = GoodLines();
    lines[2] = lines[2].substr(0, lines[2].size() - 1) + ",\"note\":" + note + "}";
    return Joined(lines);
  }
  TempDir dir_;
  const std::string path_ = dir_ / "audit_trace.jsonl";
};

TEST_F(TwoReaders, TakeAFileWithAByteOrderMarkAndSayThatItsBytesWereChanged) {  // bom
  const Both both = Read("\xEF\xBB\xBF" + RepairedRun("run-1").Lines());
  both.ExpectEntries(7);
  ASSERT_EQ(both.validated.problems.size(), 1U);
  EXPECT_THAT(both.validated.problems[0].message, HasSubstr("bytes were changed"));
  ASSERT_EQ(both.parsed.problems.size(), 1U);
  EXPECT_THAT(both.parsed.problems[0].message, HasSubstr("bytes were changed"));
  EXPECT_EQ(Builds(both.table)[0].first_timestamp_ms, both.table.timestamp_ms(0));
}

TEST_F(TwoReaders, FindNoEntryInALineThatIsNotJson) {  // nan, lone-surrogate, number-beyond-double
  const char* const notes[] = {"NaN",       "Infinity", "-Infinity", "\"\\ud800\"", "\"\\udc00x\"", "1e999",
                               "-1e999",    "01",       "+1",        ".5",          "1.",           "[1 2]",
                               "{\"a\" 1}", "'x'",      "\"\\x41\"", "tru",         "[1,]",         "{\"a\":1,}",
                               "\"a\tb\"",  "[1}",      "nul",       "undefined",   "0x10",         "\"\xff\""};
  for (const char* const note : notes) {
    const Both both = Read(WithNote(note));
    both.ExpectEntries(6);
    EXPECT_EQ(both.validated.foreign_lines, 1) << note;
    EXPECT_EQ(both.parsed.rejected, 1) << note;
    EXPECT_EQ(Builds(both.table)[0].prompt_tokens, 2500) << note;  // the line's 2,000 are not there
  }
}

TEST_F(TwoReaders, TakeALineWhoseUnknownFieldIsUnusualButJson) {
  const char* const notes[] = {"1e308",      "18446744073709551616", "-9223372036854775809", "\"\\ud83d\\ude00\"",
                               "\"\\u0000\"", "[[[[[[1]]]]]]",        "1e-400"};
  for (const char* const note : notes) {
    const Both both = Read(WithNote(note));
    both.ExpectEntries(7);
  }
}

TEST_F(TwoReaders, FindNoEntryWhereAKnownFieldIsOfAnotherType) {
  std::vector<std::string> lines = GoodLines();
  const auto with = [&](const std::string& from, const std::string& to) {
    std::vector<std::string> changed = lines;
    const size_t at = changed[2].find(from);
    EXPECT_NE(at, std::string::npos) << from;
    changed[2].replace(at, from.size(), to);
    return Joined(changed);
  };
  const std::string counts = "\"prompt_token_count\":2000";
  for (const std::string& text :
       {with(counts, "\"prompt_token_count\":1e999"), with(counts, "\"prompt_token_count\":2000.0"),
        with(counts, "\"prompt_token_count\":\"2000\""), with(counts, "\"prompt_token_count\":9223372036854775808"),
        with(counts, "\"prompt_token_count\":[2000]"), with(counts, "\"prompt_token_count\":true"),
        with("[\"src/a.ts\"]", "[\"src/a.ts\",1]"), with("[\"src/a.ts\"]", "\"src/a.ts\""),
        with("\"validation_status\":\"N/A\"", "\"validation_status\":1"), with("\"ext\":{", "\"ext\":1,\"was\":{")}) {
    Read(text).ExpectEntries(6);
  }
  // Other writers say null for what is absent.
  Read(with(counts, "\"prompt_token_count\":null")).ExpectEntries(7);
}

TEST_F(TwoReaders, ReadThePartsOfARotatedTraceInTheirOrder) {  // rotated
  const std::vector<std::string> lines = GoodLines();
  WriteAll(path_ + ".2", Joined({lines[0], lines[1]}));
  WriteAll(path_ + ".1", Joined({lines[2], lines[3]}));
  const Both both = Read(Joined({lines[4], lines[5], lines[6]}));
  both.ExpectEntries(7);
  EXPECT_TRUE(both.validated.ok()) << both.validated.problems[0].message;
  EXPECT_EQ(both.parsed.problem_count(), 0);
  const BuildRow build = Builds(both.table).at(0);
  EXPECT_EQ(build.attempts, 2);
  EXPECT_FALSE(build.beginning_missing);
  EXPECT_EQ(both.table.SourceFile(0), path_ + ".2");

  // An edit in an older part is named there.
  std::string edited = lines[2];
  edited.replace(edited.find("2000"), 4, "1000");
  WriteAll(path_ + ".1", Joined({edited, lines[3]}));
  const Both found(path_);
  ASSERT_FALSE(found.validated.ok());
  EXPECT_EQ(found.validated.problems[0].file, path_ + ".1");
  EXPECT_EQ(found.validated.problems[0].line, 1);
  EXPECT_EQ(found.parsed.problems.at(0).file, path_ + ".1");
}

TEST_F(TwoReaders, SayOfARunWithoutItsBeginningThatItIsMissing) {  // rotated, the older part gone
  const std::vector<std::string> lines = GoodLines();
  const Both both = Read(Joined({lines[4], lines[5], lines[6]}));
  both.ExpectEntries(3);
  EXPECT_FALSE(both.validated.ok());
  EXPECT_TRUE(Builds(both.table).at(0).beginning_missing);
}

TEST_F(TwoReaders, SayOfARunWithoutAnEndThatItHasNone) {  // tail-cut
  std::vector<std::string> lines = GoodLines();
  lines.resize(5);
  const Both both = Read(Joined(lines));
  both.ExpectEntries(5);
  EXPECT_TRUE(both.validated.ok());
  EXPECT_THAT(both.validated.open_runs, ElementsAre("run-1"));
  EXPECT_EQ(Builds(both.table).at(0).end, BuildEnd::kOpen);
  EXPECT_THAT(Read(RepairedRun("run-1").Lines()).validated.open_runs, IsEmpty());
}

TEST_F(TwoReaders, SayOfARunWhoseChainWasTakenOutThatItHasNone) {  // chain-stripped
  std::string text;
  for (const std::string& line : GoodLines()) {
    trace::LogEntry entry = *trace::ParseLogEntry(line);
    if (entry.validation_status == trace::kValidationFail) continue;
    entry.ext.erase("entry_hash");
    entry.ext.erase("seq");
    text += trace::SerializeLogEntry(entry) + "\n";
  }
  const Both both = Read(text);
  EXPECT_FALSE(both.validated.ok());
  EXPECT_FALSE(Builds(both.table).at(0).chained);
  EXPECT_TRUE(Builds(Read(RepairedRun("run-1").Lines()).table).at(0).chained);
}

TEST_F(TwoReaders, SayOfARunWithABrokenChainThatItIsBroken) {  // SEC-M7
  std::vector<std::string> lines = GoodLines();
  lines[2].replace(lines[2].find("2000"), 4, "1000");
  EXPECT_TRUE(Builds(Read(Joined(lines)).table).at(0).chain_broken);
  EXPECT_FALSE(Builds(Read(RepairedRun("run-1").Lines()).table).at(0).chain_broken);
}

TEST_F(TwoReaders, NameALineThatIsNestedTooDeeply) {  // deep-json
  for (const std::string& bracket : {std::string("["), std::string("{\"a\":")}) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += bracket;
    std::string closed = deep + "1";
    for (int i = 0; i < 100'000; ++i) closed += bracket == "[" ? "]" : "}";
    for (const std::string& note : {deep, closed}) {
      const Both both = Read(WithNote(note));
      both.ExpectEntries(6);
      EXPECT_THAT(both.validated.problems,
                  Contains(Field(&trace::TraceProblem::message, HasSubstr("nested too deeply"))));
      EXPECT_THAT(both.parsed.problems, Contains(Field(&ParseProblem::message, HasSubstr("nested too deeply"))));
    }
  }
  EXPECT_FALSE(JsonNestsTooDeep("{\"a\":\"" + std::string(1000, '[') + "\"}"));
  EXPECT_FALSE(JsonNestsTooDeep("{\"a\":\"\\\"" + std::string(1000, '[') + "\"}"));
  EXPECT_TRUE(JsonNestsTooDeep(std::string(201, '[')));
  EXPECT_FALSE(JsonNestsTooDeep(std::string(200, '[') + std::string(200, ']') + std::string(150, '[')));
}

/// Whether each of the two takes a line for an entry.  A timestamp that cannot be read costs the table its row.
bool ValidatorTakes(const std::string& line) {
  const Result<trace::LogEntry> entry = trace::ParseLogEntry(line);
  return entry && !entry->workflow_run_id.empty() && !entry->step_name.empty();
}

TEST(TwoReadersOfOneLine, AgreeOnEveryChangedByte) {
  trace::LogEntry entry = RepairedRun("r").Sealed()[4];
  entry.unknown["note"] = {1.5, "x\u00e9\n", nullptr, {{"a", true}}};
  const std::string line = trace::SerializeLogEntry(entry);
  const std::string replacements = "\"\\{}[]:,0-.eEnutx \x01\xff/9";
  EntryLineReader reader;
  TraceTable table;
  std::mt19937 random(7);
  const auto check = [&](const std::string& changed) {
    std::string padded = changed;
    padded.append(EntryLineReader::kPadding, '\0');
    const bool parsed = reader.Read(std::string_view(padded).substr(0, changed.size()), table);
    const bool validated = ValidatorTakes(changed);
    // Without a time that can be read an entry is one, but no row.
    bool exact = false;
    const bool timestamp_only =
        !parsed && validated && !ParseTimestampMs(trace::ParseLogEntry(changed)->timestamp, exact).has_value();
    EXPECT_TRUE(parsed == validated || timestamp_only)
        << "parser " << parsed << ", validator " << validated << ": " << changed;
  };
  for (size_t at = 0; at < line.size(); ++at) {
    check(line.substr(0, at) + line.substr(at + 1));
    for (int i = 0; i < 2; ++i) {
      const char c = replacements[random() % replacements.size()];
      std::string changed = line;
      changed[at] = c;
      check(changed);
      check(line.substr(0, at) + c + line.substr(at));
    }
  }
  for (int i = 0; i < 1000; ++i) {
    std::string changed = line;
    for (int k = 0; k < 3; ++k) changed[random() % changed.size()] = replacements[random() % replacements.size()];
    check(changed);
  }
}

}  // namespace
}  // namespace wfe::analytics
