// The table itself: packing, merging, bytes.
#include "activities/analytics/ingest/trace_table.h"

#include <gmock/gmock.h>

#include <random>

#include "activities/analytics/ingest/trace_parser.h"
#include "engine/base/hash.h"
#include "tests/activities/agent/agent_test_support.h"
#include "tests/activities/analytics/trace_corpus.h"

namespace wfe::analytics {
namespace {

TraceTable Parse(const std::vector<std::string>& files) {
  TraceTable table;
  ParseReport report;
  TraceParser parser(table, report);
  int name = 0;
  for (const std::string& file : files) {
    parser.BeginFile("file-" + std::to_string(name++));
    std::istringstream in(file);
    int64_t number = 0;
    for (std::string line; std::getline(in, line);) parser.ParseLine(line, ++number);
  }
  EXPECT_EQ(report.problem_count(), 0);
  return table;
}

/// Everything of a row in words, so that tables with other numbers for the same strings compare equal.
std::string Row(const TraceTable& t, size_t row, bool with_file = true) {
  std::string text;
  const auto add = [&](const auto& value) {
    std::ostringstream out;
    out << value;
    text += out.str() + "|";
  };
  add(ToHex(std::string_view(reinterpret_cast<const char*>(t.entry_id(row).data()), 16)));
  add(t.RunText(t.run(row)));
  add(t.StepText(t.step(row)));
  add(EntryKindName(t.kind(row)));
  add(EntryStatusName(t.status(row)));
  add(TokenSourceName(t.token_source(row)));
  for (const int64_t n :
       {t.timestamp_ms(row), t.seq(row), t.prompt_tokens(row), t.completion_tokens(row), t.context_tokens(row),
        t.instruction_tokens(row), t.error_chars(row), t.duration_ms(row), t.attempt(row)}) {
    add(n);
  }
  add(std::isnan(t.cost_usd(row)) ? -1 : t.cost_usd(row));
  add(t.ErrorTypeText(t.error_type(row)));
  add(t.ContextHashText(t.context_hash(row)));
  add(t.InstructionHashText(t.instruction_hash(row)));
  add(t.TemplateText(t.template_name(row)));
  add(t.ModelText(t.model(row)));
  add(t.ExperimentArmText(t.experiment_arm(row)));
  add(t.EndStatusText(t.end_status(row)));
  add(t.WorkflowIdText(t.workflow_id(t.run(row))));
  add(t.WorkflowTypeText(t.workflow_type(t.run(row))));
  for (const auto& [name, hash] : t.Sections(t.context_hash(row))) add(name + hash);
  if (with_file) {
    add(t.SourceFile(row));
    add(t.source_line(row));
  }
  return text;
}

std::vector<std::string> Rows(const TraceTable& table, bool with_file = true) {
  std::vector<std::string> rows;
  for (size_t row = 0; row < table.size(); ++row) rows.push_back(Row(table, row, with_file));
  return rows;
}

TEST(PackedColumn, GivesBackWhatWasPushedWhateverTheWidthsAndGaps) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 50; ++round) {
    PackedColumn column;
    std::vector<std::optional<uint64_t>> expected;
    const int absent_in = static_cast<int>(random() % 4);  // 0: none
    for (int i = 0; i < 700; ++i) {
      const bool absent = absent_in > 0 && static_cast<int>(random() % 4) < absent_in;
      const uint64_t value = random() >> (random() % 64);
      expected.push_back(absent ? std::nullopt : std::optional<uint64_t>(value));
      column.PushOptional(expected.back());
    }
    column.ShrinkToFit();
    for (size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(column.GetOptional(i), expected[i]) << round << " " << i;
  }
}

TEST(PackedColumn, TakesAByteForASmallNumberAndABitForNone) {
  PackedColumn small;
  PackedColumn none;
  for (int i = 0; i < 64'000; ++i) {
    small.Push(static_cast<uint64_t>(i % 200));
    none.PushAbsent();
  }
  small.ShrinkToFit();
  none.ShrinkToFit();
  EXPECT_LE(small.MemoryBytes(), 64'100U);
  EXPECT_LE(none.MemoryBytes(), 64'000U / 5);
}

TEST(Dictionary, NumbersStringsInOrderOfArrival) {
  Dictionary dictionary;
  for (uint32_t i = 0; i < 10'000; ++i) EXPECT_EQ(dictionary.Intern("string " + std::to_string(i)), i);
  for (uint32_t i = 0; i < 10'000; ++i) EXPECT_EQ(dictionary.Intern("string " + std::to_string(i)), i);
  EXPECT_EQ(dictionary.Get(0), "string 0");
  EXPECT_EQ(dictionary.Get(9'999), "string 9999");
  EXPECT_EQ(dictionary.Find("string 5000"), 5'000U);
  EXPECT_EQ(dictionary.Find("else"), std::nullopt);
}

TEST(EntryIds, AreTheDigitsThemselvesOrAHash) {
  EXPECT_EQ(EntryIdOf("000102030405060708090a0b0c0d0e0f")[15], 15);
  EXPECT_NE(EntryIdOf("a"), EntryIdOf("b"));
  EXPECT_NE(EntryIdOf("000102030405060708090a0b0c0d0e0F"), EntryIdOf("000102030405060708090a0b0c0d0e0f"));
}

TEST(TraceTable, MergeOfPartsEqualsTheWhole) {
  std::mt19937 random(7);
  std::vector<std::string> files;
  for (int i = 0; i < 30; ++i) {
    RunBuilder run("run-" + std::to_string(i), i * 100);
    run.Event("workflow_started");
    trace::LogEntry& agent = run.Agent("implement_v1", 1000 + static_cast<int64_t>(random() % 100'000), 50);
    agent.context_file_hash = ToHex(Sha256(std::to_string(random() % 3)));
    agent.ext["section_hashes"] = {{"A", ToHex(Sha256(*agent.context_file_hash))}};
    if (random() % 2 == 0) agent.ext["cost_usd"] = 0.125 * static_cast<double>(random() % 10);
    run.Verify("initial_verification", random() % 2 == 0 ? "TSC_ERROR" : "");
    files.push_back(run.Lines());
  }
  files.push_back(files[3]);  // the same run once more
  const TraceTable whole = Parse(files);
  for (int round = 0; round < 10; ++round) {
    TraceTable merged;
    size_t duplicates = 0;
    for (size_t begin = 0; begin < files.size();) {
      const size_t end = std::min(files.size(), begin + 1 + random() % 8);
      duplicates +=
          merged.Append(Parse({files.begin() + static_cast<long>(begin), files.begin() + static_cast<long>(end)}));
      begin = end;
    }
    EXPECT_LE(duplicates, 3U);
    EXPECT_EQ(Rows(merged, false), Rows(whole, false));
  }
}

TEST(TraceTable, AppendingATableToItsEqualChangesNothing) {
  TraceTable table = Parse({RepairedRun("a").Lines(), RepairedRun("b").Lines()});
  const TraceTable copy = table;
  EXPECT_EQ(table.Append(copy), 14U);
  EXPECT_EQ(Rows(table), Rows(copy));
}

TEST(TableBytes, ComeBackAsTheSameTable) {
  RunBuilder priced("priced");
  trace::LogEntry& agent = priced.Agent("implement_v1", 70'000, 3);
  agent.ext["cost_usd"] = 0.07;
  agent.ext["attempt"] = 2;
  agent.ext["experiment_arm"] = "b";
  const TraceTable table = Parse({RepairedRun("a").Lines(), priced.Lines()});
  const Result<TraceTable> again = DeserializeTable(SerializeTable(table));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(Rows(*again), Rows(table));
  EXPECT_EQ(SerializeTable(*again), SerializeTable(table));
  // It goes on as if it had never been bytes.
  TraceTable more = *again;
  EXPECT_EQ(more.Append(table), table.size());
  EXPECT_EQ(more.Append(Parse({RepairedRun("c").Lines()})), 0U);

  const Result<TraceTable> empty = DeserializeTable(SerializeTable(TraceTable()));
  ASSERT_TRUE(empty.has_value());
  EXPECT_TRUE(empty->empty());
}

TEST(TableBytes, DamageAndForeignBytesAreRefused) {
  const std::string bytes = SerializeTable(Parse({RepairedRun("a").Lines()}));
  EXPECT_FALSE(DeserializeTable("").has_value());
  EXPECT_FALSE(DeserializeTable("hello").has_value());
  EXPECT_FALSE(DeserializeTable(bytes + "x").has_value());
  for (size_t cut = 0; cut < bytes.size(); cut += 7) EXPECT_FALSE(DeserializeTable(bytes.substr(0, cut)).has_value());
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    const Result<TraceTable> read = DeserializeTable(damaged);
    ASSERT_FALSE(read.has_value()) << at;
    EXPECT_EQ(read.error().code, StatusCode::kDataLoss);
  }
}

TEST(TableBytes, ContradictionsUnderARightHashAreRefusedToo) {
  const std::string bytes = SerializeTable(Parse({RepairedRun("a").Lines()}));
  const std::string body = bytes.substr(0, bytes.size() - 32);
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = body;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    const Sha256Digest digest = Sha256(damaged);
    // Refused, or a table that can be read without harm.
    const Result<TraceTable> read = DeserializeTable(damaged + std::string(AsBytes(digest)));
    if (read) Rows(*read);
  }
}

}  // namespace
}  // namespace wfe::analytics
