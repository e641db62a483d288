// LogEntry: its JSON, its arithmetic, its chain (LG-1 to LG-18, TR-9).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "activities/trace/log_entry.h"

namespace wfe::trace {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

LogEntry FullEntry() {
  LogEntry entry;
  entry.workflow_run_id = "r1";
  entry.step_name = "fix_attempt_1";
  entry.timestamp = "2026-11-21T05:15:02.123Z";
  SetTokenCounts(entry, 1500, 250);
  entry.context_file_hash = std::string(64, 'a');
  entry.validation_status = "N/A";
  entry.validation_error_type = "JEST_FAILURE";
  entry.error_log_size_chars = 1000;
  SetReworkCostFactor(entry);
  entry.files_touched = {"src/a.ts", "src/b.ts"};
  entry.error_full = "line \"1\"\nüml";
  entry.commands_attempted = {"tsc --noEmit"};
  entry.ext = {{"kind", "agent"}, {"attempt", 1}};
  return entry;
}

TEST(AuditLogEntry, AbsentFieldsAreOmittedAndNeverNull) {  // LG-1..LG-14
  LogEntry entry;
  entry.workflow_run_id = "r1";
  entry.step_name = "scaffold";
  EXPECT_EQ(SerializeLogEntry(entry), R"({"workflow_run_id":"r1","step_name":"scaffold"})");
}

TEST(AuditLogEntry, SerializedEntryKeepsTheOrderOfTheSchema) {
  EXPECT_EQ(SerializeLogEntry(FullEntry()),
            R"({"workflow_run_id":"r1","step_name":"fix_attempt_1","timestamp":"2026-11-21T05:15:02.123Z",)"
            R"("prompt_token_count":1500,"completion_token_count":250,"total_token_cost":1750,"context_file_hash":")" +
                std::string(64, 'a') +
                R"(","validation_status":"N/A","validation_error_type":"JEST_FAILURE","error_log_size_chars":1000,)"
                R"("rework_cost_factor":0.25,"files_touched":["src/a.ts","src/b.ts"],"error_full":"line \"1\"\nüml",)"
                R"("commands_attempted":["tsc --noEmit"],"ext":{"attempt":1,"kind":"agent"}})");
}

TEST(AuditLogEntry, UnknownKeysSurviveAReadAndAWrite) {
  LogEntry entry = FullEntry();
  entry.unknown = {{"zeta", {1, 2}}, {"alpha", nullptr}};
  entry.ext["unheard_of"] = {{"deep", true}};
  const Result<LogEntry> again = ParseLogEntry(SerializeLogEntry(entry));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(*again, entry);
  EXPECT_EQ(json(entry).get<LogEntry>(), entry);
  EXPECT_EQ(SerializeLogEntry(*again), SerializeLogEntry(entry));
}

TEST(AuditLogEntry, WrongTypeIsRefusedByName) {
  for (const char* line : {R"({"prompt_token_count":1.5})", R"({"step_name":7})", R"({"ext":[]})",
                           R"({"files_touched":["a",1]})", "[]", "x"}) {
    EXPECT_FALSE(ParseLogEntry(line).has_value()) << line;
  }
  EXPECT_THAT(ParseLogEntry(R"({"prompt_token_count":"1"})").error().message,
              ::testing::HasSubstr("prompt_token_count is not a whole number"));
  EXPECT_FALSE(ParseLogEntry(R"({"prompt_token_count":9223372036854775808})").has_value());
}

TEST(AuditLogEntry, NullOfAnotherWriterIsAbsent) {
  const Result<LogEntry> entry = ParseLogEntry(R"({"workflow_run_id":"r","prompt_token_count":null,"ext":null})");
  ASSERT_TRUE(entry.has_value()) << entry.error().message;
  EXPECT_FALSE(entry->prompt_token_count.has_value());
  EXPECT_EQ(SerializeLogEntry(*entry), R"({"workflow_run_id":"r"})");
}

TEST(AuditLogEntry, ReworkFactorIsOmittedWithoutADivisor) {  // LG-11
  LogEntry entry = FullEntry();
  entry.error_log_size_chars = 0;
  SetReworkCostFactor(entry);
  EXPECT_FALSE(entry.rework_cost_factor.has_value());
  entry.error_log_size_chars.reset();
  SetReworkCostFactor(entry);
  EXPECT_FALSE(entry.rework_cost_factor.has_value());
}

TEST(AuditLogEntry, ErrorLogIsCutInCodePointsAroundAMarker) {  // LG-13
  EXPECT_EQ(CodePointCount("aü€😀"), 4);
  EXPECT_FALSE(CutErrorLog("short").truncated);
  std::string text;
  for (int i = 0; i < 500; ++i) text += "ü€";
  const CutText cut = CutErrorLog(text, 100);
  EXPECT_TRUE(cut.truncated);
  EXPECT_LE(CodePointCount(cut.text), 100);
  EXPECT_GE(CodePointCount(cut.text), 98);
  EXPECT_TRUE(cut.text.starts_with("ü€"));
  EXPECT_TRUE(cut.text.ends_with("ü€"));
  EXPECT_THAT(cut.text, ::testing::HasSubstr("characters left out"));
  EXPECT_EQ(CutErrorLog("a\xff").text, "a\xEF\xBF\xBD");
}

TEST(AuditLogEntry, ChainHashCoversEverythingButLoggedAt) {  // TR-9
  TraceChain chain;
  LogEntry first = FullEntry();
  SealEntry(first, chain);
  LogEntry second = FullEntry();
  second.step_name = "fix_attempt_2";
  SealEntry(second, chain);
  EXPECT_EQ(ExtInteger(first, "seq"), 1);
  EXPECT_EQ(ExtInteger(second, "seq"), 2);
  EXPECT_EQ(ExtString(second, "entry_id"), EntryIdFromToken("r1/audit-2"));
  EXPECT_EQ(ComputeEntryHash(first, ""), ExtString(first, "entry_hash"));
  EXPECT_EQ(ComputeEntryHash(second, ExtString(first, "entry_hash")), ExtString(second, "entry_hash"));

  LogEntry logged = second;
  logged.ext["logged_at"] = "2026-11-21T05:15:02.123Z";
  EXPECT_EQ(ComputeEntryHash(logged, ExtString(first, "entry_hash")), ExtString(second, "entry_hash"));
  logged.ext["attempt"] = 2;
  EXPECT_NE(ComputeEntryHash(logged, ExtString(first, "entry_hash")), ExtString(second, "entry_hash"));
}

TEST(AuditLogEntry, SealingIsTheSameAfterAReplay) {  // TR-9: deterministic
  TraceChain one;
  TraceChain two;
  LogEntry a = FullEntry();
  LogEntry b = json::parse(json(FullEntry()).dump()).get<LogEntry>();
  SealEntry(a, one);
  SealEntry(b, two);
  EXPECT_EQ(a, b);
  EXPECT_EQ(json(one).get<TraceChain>().last_hash, two.last_hash);
}

TEST(AuditLogEntry, JsonSchemaNamesTheFieldsOfTheStruct) {  // 2: every record has a JSON schema
  std::ifstream in(std::string(WFE_SOURCE_DIR) + "/schemas/optimization_log_entry.schema.json");
  const json schema = json::parse(in);
  json full = FullEntry();
  std::vector<std::string> in_struct;
  for (const auto& [name, value] : full.items()) in_struct.push_back(name);
  std::vector<std::string> in_schema;
  for (const auto& [name, value] : schema.at("properties").items()) in_schema.push_back(name);
  EXPECT_EQ(in_struct, in_schema);
  EXPECT_THAT(schema.at("required").get<std::vector<std::string>>(),
              ElementsAre("workflow_run_id", "step_name", "timestamp", "validation_status"));
  // LG-15: the names of ext, as the requirement lists them.
  for (const char* name : {"entry_id",
                           "seq",
                           "entry_hash",
                           "backend",
                           "sandbox",
                           "kind",
                           "schema_version",
                           "workflow_id",
                           "workflow_type",
                           "model",
                           "attempt",
                           "instruction_hash",
                           "instruction_token_count",
                           "context_token_count",
                           "template_id",
                           "template_version",
                           "section_hashes",
                           "token_count_source",
                           "thoughts_token_count",
                           "cached_token_count",
                           "cost_usd",
                           "duration_ms",
                           "validation_error_counts",
                           "error_truncated",
                           "error_log_hash",
                           "experiment_arm",
                           "logged_at"}) {
    EXPECT_TRUE(schema.at("properties").at("ext").at("properties").contains(name)) << name;
  }
}

}  // namespace
}  // namespace wfe::trace
