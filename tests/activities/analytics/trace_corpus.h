// Runs as an audited build logs them, for the tests of reading and folding.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "activities/trace/log_entry.h"
#include "engine/base/hash.h"
#include "engine/base/time.h"

namespace wfe::analytics {

inline Instant TestTime(int64_t seconds) {
  return *ParseIso8601("2026-11-21T05:00:00.000Z") + std::chrono::seconds(seconds);
}

/// Builds the entries of one run, a second after each other.
class RunBuilder {
 public:
  explicit RunBuilder(std::string run, int64_t start_s = 0) : run_(std::move(run)), now_s_(start_s) {}

  trace::LogEntry& Add(const std::string& step, std::string_view kind) {
    trace::LogEntry entry;
    entry.workflow_run_id = run_;
    entry.step_name = step;
    entry.timestamp = FormatIso8601Millis(TestTime(now_s_++));
    entry.validation_status = trace::kValidationNotApplicable;
    entry.ext["kind"] = kind;
    entry.ext["workflow_id"] = "build-" + run_;
    entry.ext["workflow_type"] = "AuditedBuildWorkflow";
    entries_.push_back(entry);
    return entries_.back();
  }
  RunBuilder& Event(const std::string& name, const nlohmann::json& ext = nlohmann::json::object()) {
    Add(name, trace::kKindWorkflowEvent).ext.update(ext);
    return *this;
  }
  trace::LogEntry& Agent(const std::string& step, int64_t prompt, int64_t completion) {
    trace::LogEntry& entry = Add(step, trace::kKindAgent);
    trace::SetTokenCounts(entry, prompt, completion);
    entry.context_file_hash = ToHex(Sha256("context"));
    entry.files_touched = {"src/a.ts"};
    entry.ext["template_id"] = "typescript-package";
    entry.ext["template_version"] = 2;
    entry.ext["instruction_hash"] = ToHex(Sha256(step));
    entry.ext["token_count_source"] = "reported";
    entry.ext["context_token_count"] = 400;
    entry.ext["instruction_token_count"] = 100;
    entry.ext["section_hashes"] = {{"STRICT CONSTRAINTS", ToHex(Sha256("strict"))},
                                   {"VERIFICATION PROTOCOL", ToHex(Sha256("protocol"))}};
    entry.ext["duration_ms"] = 1500;
    entry.ext["model"] = "gemini-2.5-pro";
    return entry;
  }
  RunBuilder& Fix(int attempt, const std::string& error, int64_t prompt, int64_t completion) {
    trace::LogEntry& entry = Agent("fix_attempt_" + std::to_string(attempt), prompt, completion);
    entry.validation_error_type = error;
    entry.error_log_size_chars = 200;
    trace::SetReworkCostFactor(entry);
    return *this;
  }
  RunBuilder& Verify(const std::string& step, const std::string& error = "") {
    trace::LogEntry& entry = Add(step, trace::kKindVerification);
    entry.commands_attempted = {"npx tsc --noEmit"};
    entry.context_file_hash = ToHex(Sha256("context"));
    entry.validation_status = error.empty() ? trace::kValidationPass : trace::kValidationFail;
    if (!error.empty()) {
      entry.validation_error_type = error;
      entry.error_log_size_chars = 200;
      entry.error_full = "src/a.ts:1:1 \"" + error + "\" \u2013 said the compiler";
    }
    return *this;
  }

  std::vector<trace::LogEntry> Sealed() const {
    std::vector<trace::LogEntry> sealed = entries_;
    trace::TraceChain chain;
    for (trace::LogEntry& entry : sealed) trace::SealEntry(entry, chain);
    return sealed;
  }
  /// Its rows in the central store: key and value.
  std::map<std::string, std::string> Rows() const {
    std::map<std::string, std::string> rows;
    for (const trace::LogEntry& entry : Sealed()) {
      rows[entry.workflow_run_id + "/" + trace::ExtString(entry, "entry_id")] = trace::SerializeLogEntry(entry);
    }
    return rows;
  }
  /// The lines of its file.
  std::string Lines() const {
    std::string lines;
    for (trace::LogEntry entry : Sealed()) {
      entry.ext["logged_at"] = entry.timestamp;
      lines += trace::SerializeLogEntry(entry) + "\n";
    }
    return lines;
  }

 private:
  std::string run_;
  int64_t now_s_;
  std::vector<trace::LogEntry> entries_;
};

/// Fails once with TSC_ERROR and is repaired by the first fix.  Seven entries.
inline RunBuilder RepairedRun(const std::string& run, int64_t start_s = 0) {
  RunBuilder builder(run, start_s);
  builder.Event("workflow_started", {{"profile", "typescript"}});
  builder.Agent("scaffold", 1000, 100);
  builder.Agent("implement_v1", 2000, 300);
  builder.Verify("initial_verification", "TSC_ERROR");
  builder.Fix(1, "TSC_ERROR", 1500, 100);
  builder.Verify("fix_attempt_1");
  builder.Event("workflow_completed", {{"status", "passed"}, {"fix_attempts", 1}, {"total_tokens", 5000}});
  return builder;
}

}  // namespace wfe::analytics
