// Traces of every outcome of a build, with all that their entries may say: both readers take them as sound (RW-D10, SEC-M5, TR-8).
#include <gmock/gmock.h>

#include "activities/analytics/ingest/fold.h"
#include "activities/analytics/ingest/trace_parser.h"
#include "activities/trace/trace_validator.h"
#include "tests/activities/agent/agent_test_support.h"
#include "tests/activities/analytics/trace_corpus.h"

namespace wfe::analytics {
namespace {

using testing::IsEmpty;

/// An agent step that failed; without counts: before its first answer, so nobody knows any (RW-D10).
void FailedAgent(RunBuilder& run, const std::string& step, const std::string& finish_reason, bool counted) {
  trace::LogEntry& entry = run.Add(step, trace::kKindAgent);
  entry.validation_status = trace::kValidationFail;
  entry.validation_error_type = "AGENT_ERROR";
  entry.files_touched = std::vector<std::string>();
  entry.ext["attempt"] = 3;
  entry.ext["turns"] = counted ? 1 : 0;
  entry.ext["refused_action_count"] = 0;
  entry.ext["duration_ms"] = 0;
  entry.ext["backend"] = "gemini";
  entry.ext["agent_error"] = "the model refused";
  if (!finish_reason.empty()) entry.ext["finish_reason"] = finish_reason;
  if (!counted) {
    entry.ext["lost_calls"] = 5;
    return;
  }
  trace::SetTokenCounts(entry, 900, 30);
  entry.ext["token_count_source"] = "reported";
  entry.ext["lost_calls"] = 1;
  entry.ext["lost_prompt_token_count"] = 900;
  entry.ext["lost_completion_token_count"] = 12;
}

RunBuilder Started(const std::string& run) {
  RunBuilder builder(run);
  builder.Event("workflow_started", {{"profile", "typescript"}, {"mode", "change"}});
  return builder;
}

trace::LogEntry& Step(RunBuilder& run, const std::string& step) {
  trace::LogEntry& entry = run.Agent(step, 1000, 100);
  entry.ext["turns"] = 4;
  entry.ext["refused_action_count"] = 1;
  entry.ext["finish_reason"] = "STOP";
  entry.ext["instruction_template"] = "instruction-implement@2";
  entry.ext["commit"] = "0123456789abcdef0123456789abcdef01234567";
  return entry;
}

std::vector<std::pair<std::string, RunBuilder>> Outcomes() {
  std::vector<std::pair<std::string, RunBuilder>> runs;
  const auto add = [&](const std::string& name) -> RunBuilder& {
    runs.emplace_back(name, Started(name));
    return runs.back().second;
  };
  const auto completed = [](RunBuilder& run, const std::string& status) {
    run.Event("workflow_completed", {{"status", status}, {"fix_attempts", 0}, {"total_tokens", 1100}});
  };
  {
    RunBuilder& run = add("passed");
    Step(run, "implement_v1").ext["no_change"] = true;
    trace::LogEntry& check = run.Add("initial_verification", trace::kKindVerification);
    check.validation_status = trace::kValidationPass;
    check.commands_attempted = {"npx jest"};
    check.ext.update({{"tests_total", 12}, {"tests_skipped", 1}, {"files_examined", 30}, {"sandbox", "none"},
                      {"sandbox_reason", "no bwrap"}, {"duration_ms", 900}});
    completed(run, "passed");
  }
  {
    RunBuilder& run = add("not_passed");
    Step(run, "implement_v1");
    run.Verify("initial_verification", "POLICY_VIOLATION");
    run.Fix(1, "POLICY_VIOLATION", 900, 50);
    trace::LogEntry& check = run.Add("fix_attempt_1", trace::kKindVerification);
    check.validation_status = trace::kValidationFail;
    check.validation_error_type = "POLICY_VIOLATION";
    check.error_log_size_chars = 3;
    check.error_full = "a.b";
    check.commands_attempted = {"npx jest"};
    check.ext["policy_violations"] = {{{"kind", "test_deleted"}, {"file", "a.test.ts"}}};
    completed(run, "not_passed");
  }
  for (const char* budget : {"token_budget", "cost_budget_usd"}) {
    RunBuilder& run = add(budget);
    Step(run, "scaffold");
    run.Event("budget_blocked", {{"total_tokens", 1100}, {"budget", budget}});
    completed(run, "budget_exhausted");
  }
  {
    RunBuilder& run = add("aborted");
    Step(run, "scaffold");
    run.Event("guidance_added", {{"author", "ada"}, {"text", "Keep the public API."}});
    run.Event("aborted", {{"author", "ada"}, {"reason", "wrong branch"}});
    completed(run, "aborted");
  }
  add("cancelled").Event("workflow_cancelled");
  for (const char* reason : {"", "SAFETY", "MAX_TOKENS", "MALFORMED_FUNCTION_CALL", "unknown"}) {
    for (const bool counted : {true, false}) {
      RunBuilder& run = add(std::string("agent_error-") + reason + (counted ? "-counted" : "-before-any-answer"));
      FailedAgent(run, "implement_v1", reason, counted);
      completed(run, "agent_error");
    }
  }
  add("machinery").Event("workflow_failed", {{"failure_type", "MISSING_TOOL"}, {"failure", "no jest"}});
  {
    RunBuilder& run = add("moved");
    Step(run, "scaffold").ext["recovered_from_host"] = "host-a";
    run.Event("recovered_from_host", {{"from", "host-a"}, {"to", "host-b"}});
    completed(run, "passed");
  }
  {
    RunBuilder& run = add("resumed");
    run.Event("build_resumed", {{"from_run", "run-0"}, {"step", "fix_attempt_1"}, {"author", "ada"}});
    Step(run, "fix_attempt_1").validation_error_type = "TSC_ERROR";
    completed(run, "passed");
  }
  return runs;
}

TEST(OutcomeTraces, EveryOutcomeOfABuildIsSoundForBothReaders) {  // RW-D10, SEC-M5, TR-8
  for (const auto& [name, run] : Outcomes()) {
    const TempDir dir;
    const std::string path = dir / "audit_trace.jsonl";
    WriteAll(path, run.Lines());
    const Result<trace::TraceReport> validated = trace::ValidateTrace(path);
    ASSERT_TRUE(validated.has_value()) << name;
    EXPECT_TRUE(validated->ok()) << name << ": " << (validated->ok() ? "" : validated->problems[0].message);
    EXPECT_THAT(validated->open_runs, IsEmpty()) << name;
    TraceTable table;
    ParseReport parsed;
    ASSERT_TRUE(ParseTraceFile(path, table, parsed).has_value());
    EXPECT_THAT(parsed.problems, IsEmpty()) << name;
    EXPECT_EQ(Builds(table).size(), 1U);
    EXPECT_TRUE(Builds(table)[0].chained) << name;
  }
}

TEST(OutcomeTraces, StepWithoutCountsHasNoTokensRatherThanNone) {  // RW-D10
  RunBuilder run = Started("r");
  FailedAgent(run, "implement_v1", "", false);
  const TempDir dir;
  WriteAll(dir / "audit_trace.jsonl", run.Lines());
  TraceTable table;
  ParseReport parsed;
  ASSERT_TRUE(ParseTraceFile(dir / "audit_trace.jsonl", table, parsed).has_value());
  EXPECT_EQ(table.total_tokens(1), -1);
  EXPECT_EQ(table.token_source(1), TokenSource::kAbsent);
  EXPECT_EQ(table.turns(1), 0);
}

}  // namespace
}  // namespace wfe::analytics
