#include "tools/bench/traces.h"

#include <fmt/core.h>

#include <chrono>
#include <fstream>
#include <random>

#include "activities/analytics/ingest/fold.h"
#include "activities/analytics/ingest/trace_parser.h"
#include "activities/trace/log_entry.h"
#include "engine/base/hash.h"
#include "engine/base/time.h"
#include "tools/bench/clock.h"

namespace wfe::bench {
namespace {

using analytics::TraceTable;
using trace::LogEntry;

/// The entries of audited builds with everything they usually have.  Every build has a run id, a context and
/// instructions of its own, so that no dictionary stays small by luck.
class BuildMaker {
 public:
  std::vector<LogEntry> Next() {
    ++number_;
    run_ = fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", random_() & 0xffffffff, random_() & 0xffff,
                       random_() & 0xfff, random_() & 0xfff, random_() & 0xffffffffffff);
    context_ = Hash();
    entries_.clear();
    Event("workflow_started", {{"profile", "typescript"}});
    Agent("scaffold");
    Agent("implement_v1");
    const bool passed = random_() % 10 < 4;
    Verify("initial_verification", passed);
    if (!passed) {
      LogEntry& fix = Agent("fix_attempt_1");
      fix.validation_error_type = "TSC_ERROR_TS2322";
      fix.error_log_size_chars = 1800;
      trace::SetReworkCostFactor(fix);
      Verify("fix_attempt_1", true);
    }
    Event("workflow_completed", {{"status", "passed"}, {"fix_attempts", passed ? 0 : 1}, {"total_tokens", 60'000}});
    trace::TraceChain chain;
    for (LogEntry& entry : entries_) {
      trace::SealEntry(entry, chain);
      entry.ext["logged_at"] = entry.timestamp;
    }
    return entries_;
  }
  const std::string& run() const { return run_; }

 private:
  std::string Hash() {
    std::string hash;
    for (int i = 0; i < 4; ++i) hash += fmt::format("{:016x}", random_());
    return hash;
  }

  LogEntry& Add(const char* step, std::string_view kind) {
    now_ += std::chrono::milliseconds(1 + random_() % 20'000);
    LogEntry entry;
    entry.workflow_run_id = run_;
    entry.step_name = step;
    entry.timestamp = FormatIso8601Millis(now_);
    entry.validation_status = trace::kValidationNotApplicable;
    entry.ext["kind"] = kind;
    entry.ext["workflow_id"] = fmt::format("build-{}", number_);
    entry.ext["workflow_type"] = "AuditedBuildWorkflow";
    entry.ext["template_id"] = "typescript-package";
    entry.ext["template_version"] = 3;
    entries_.push_back(std::move(entry));
    return entries_.back();
  }

  void Event(const char* name, const nlohmann::json& ext) { Add(name, trace::kKindWorkflowEvent).ext.update(ext); }

  LogEntry& Agent(const char* step) {
    LogEntry& entry = Add(step, trace::kKindAgent);
    trace::SetTokenCounts(entry, static_cast<int64_t>(2000 + random_() % 120'000),
                          static_cast<int64_t>(100 + random_() % 9000));
    entry.context_file_hash = context_;
    entry.files_touched = {"package.json", "src/index.ts", "src/leap.ts", "test/leap.test.ts"};
    entry.ext["backend"] = "http";
    entry.ext["model"] = "gemini-2.5-pro";
    entry.ext["attempt"] = 1;
    entry.ext["instruction_hash"] = Hash();
    entry.ext["instruction_token_count"] = static_cast<int64_t>(100 + random_() % 5000);
    entry.ext["context_token_count"] = static_cast<int64_t>(800 + random_() % 3000);
    entry.ext["token_count_source"] = "reported";
    entry.ext["cost_usd"] = static_cast<double>(random_() % 1'000'000) / 1e6;
    entry.ext["price_version"] = "2026-01";
    entry.ext["duration_ms"] = static_cast<int64_t>(random_() % 90'000);
    entry.ext["snapshot_blob_hash"] = Hash();
    for (const char* section :
         {"PROJECT", "STRICT CONSTRAINTS", "IMPLEMENTATION PROMPT", "VERIFICATION PROTOCOL", "STYLE"}) {
      entry.ext["section_hashes"][section] = std::string_view(section) == "PROJECT" ? context_ : ToHex(Sha256(section));
    }
    return entry;
  }

  void Verify(const char* step, bool passed) {
    LogEntry& entry = Add(step, trace::kKindVerification);
    entry.context_file_hash = context_;
    entry.commands_attempted = {"npx tsc --noEmit", "npx eslint .", "npx jest --ci"};
    entry.validation_status = passed ? trace::kValidationPass : trace::kValidationFail;
    entry.ext["sandbox"] = "bubblewrap";
    entry.ext["duration_ms"] = static_cast<int64_t>(random_() % 30'000);
    if (passed) return;
    entry.validation_error_type = "TSC_ERROR_TS2322";
    std::string log;
    while (log.size() < 1800)
      log += "src/leap.ts(3,5): error TS2322: Type 'string' is not assignable to type 'number'.\n";
    entry.error_log_size_chars = static_cast<int64_t>(log.size());
    entry.error_full = log;
    entry.ext["error_log_hash"] = Hash();
    entry.ext["error_truncated"] = false;
    entry.ext["validation_error_counts"] = {{"TSC_ERROR_TS2322", 21}};
  }

  std::mt19937_64 random_{1};
  Instant now_ = *ParseIso8601("2026-01-01T00:00:00.000Z");
  int number_ = 0;
  std::string run_;
  std::string context_;
  std::vector<LogEntry> entries_;
};

struct Parsed {
  TraceTable table;
  double seconds = 0;
};

Result<Parsed> ParseTimed(const std::string& path, bool verify_chain) {
  Parsed parsed;
  analytics::ParseReport report;
  analytics::ParseOptions options;
  options.verify_chain = verify_chain;
  const Clock::time_point begin = Clock::now();
  WFE_RETURN_IF_ERROR(analytics::ParseTraceFile(path, parsed.table, report, options));
  parsed.seconds = SecondsSince(begin);
  if (report.problem_count() > 0)
    return Internal("the trace of the benchmark is unsound: " + report.problems[0].message);
  return parsed;
}

/// Fills `table` up to `target` entries with copies of the builds in `sample` under ids of their own.
void Fill(TraceTable& table, const TraceTable& sample, size_t target) {
  std::mt19937_64 random(2);
  const auto fresh = [&](size_t digits) {
    std::string hex;
    while (hex.size() < digits) hex += fmt::format("{:016x}", random());
    return hex.substr(0, digits);
  };
  std::string run;
  std::string workflow_id;
  std::string context;
  size_t build = 0;
  std::vector<std::pair<std::string, std::string>> sections;
  for (size_t i = 0; table.size() < target; ++i) {
    const size_t row = i % sample.size();
    if (row == 0 || sample.run(row) != sample.run(row - 1)) {
      run = fmt::format("{}-{}-{}-{}-{}", fresh(8), fresh(4), fresh(4), fresh(4), fresh(12));
      workflow_id = fmt::format("build-{}", ++build);
      context = fresh(64);
      sections.clear();
    }
    analytics::TraceEntry entry;
    const std::string id = fresh(32);
    const std::string instruction = sample.instruction_hash(row) == analytics::kNoId ? "" : fresh(64);
    const std::string file = "/var/lib/wfe/work/builds/" + run + "/audit_trace.jsonl";
    entry.entry_id = analytics::EntryIdOf(id);
    entry.run = run;
    entry.step = sample.StepText(sample.step(row));
    entry.kind = sample.kind(row);
    entry.status = sample.status(row);
    entry.token_source = sample.token_source(row);
    entry.timestamp_ms = sample.timestamp_ms(row) + static_cast<int64_t>(i);
    entry.seq = sample.seq(row);
    entry.prompt_tokens = sample.prompt_tokens(row);
    entry.completion_tokens = sample.completion_tokens(row);
    entry.context_tokens = sample.context_tokens(row);
    entry.instruction_tokens = sample.instruction_tokens(row);
    entry.error_chars = sample.error_chars(row);
    entry.duration_ms = sample.duration_ms(row);
    entry.attempt = sample.attempt(row);
    entry.cost_usd = sample.cost_usd(row);
    entry.error_type = sample.ErrorTypeText(sample.error_type(row));
    if (sample.context_hash(row) != analytics::kNoId) entry.context_hash = context;
    entry.instruction_hash = instruction;
    entry.template_name = sample.TemplateText(sample.template_name(row));
    entry.model = sample.ModelText(sample.model(row));
    entry.workflow_id = workflow_id;
    entry.workflow_type = "AuditedBuildWorkflow";
    entry.end_status = sample.EndStatusText(sample.end_status(row));
    entry.source_file = file;
    entry.source_line = sample.seq(row);
    table.Add(entry);
    if (!entry.context_hash.empty() && sections.empty()) {
      for (const auto& [name, hash] : sample.Sections(sample.context_hash(row))) {
        sections.emplace_back(name, name == "PROJECT" ? context : hash);
      }
      table.SetSections(context, {sections.begin(), sections.end()});
    }
  }
}

Status Memory(const TraceTable& sample, size_t entries, std::vector<Figure>& figures) {
  TraceTable table;
  Fill(table, sample, entries);
  table.ShrinkToFit();
  figures.push_back({.scenario = "traces",
                     .name = fmt::format("memory_{}m_entries", entries / 1'000'000),
                     .value = static_cast<double>(table.MemoryBytes()) / static_cast<double>(table.size()),
                     .unit = "B/entry",
                     .samples = static_cast<int64_t>(table.size()),
                     .aim = 100,
                     .aim_is_upper = true});
  if (entries > 1'000'000) return Ok();
  Clock::time_point begin = Clock::now();
  const std::string bytes = analytics::SerializeTable(table);
  WFE_ASSIGN_OR_RETURN(const TraceTable again, analytics::DeserializeTable(bytes));
  TraceTable merged;
  merged.Append(again);
  const auto per_second = [&](double seconds) { return static_cast<double>(table.size()) / seconds; };
  figures.push_back({.scenario = "traces",
                     .name = "stored_and_merged",
                     .value = per_second(SecondsSince(begin)),
                     .unit = "entries/s",
                     .samples = static_cast<int64_t>(table.size())});
  begin = Clock::now();
  const size_t rows = analytics::FoldSteps(table).size() + analytics::Builds(table).size();
  figures.push_back({.scenario = "traces",
                     .name = "folded",
                     .value = per_second(SecondsSince(begin)),
                     .unit = "entries/s",
                     .samples = static_cast<int64_t>(rows)});
  return Ok();
}

}  // namespace

Status MeasureTraces(const std::string& directory, int64_t file_bytes,
                     const std::function<void(const std::string&)>& progress, std::vector<Figure>& figures) {
  const std::string path = directory + "/audit_trace.jsonl";
  progress(fmt::format("traces: writing {} MB", file_bytes / 1'000'000));
  int64_t written = 0;
  {
    std::ofstream out(path, std::ios::binary);
    for (BuildMaker maker; written < file_bytes;) {
      for (const LogEntry& entry : maker.Next()) {
        const std::string line = trace::SerializeLogEntry(entry) + "\n";
        out << line;
        written += static_cast<int64_t>(line.size());
      }
    }
    out.close();
    if (!out) return Unavailable("cannot write " + path);
  }
  progress("traces: reading");
  TraceTable sample;
  for (const bool chain : {true, false}) {
    Parsed best;
    for (int i = 0; i < 3; ++i) {  // the best of three: the first one also waits for the disk
      WFE_ASSIGN_OR_RETURN(Parsed parsed, ParseTimed(path, chain));
      if (best.table.empty() || parsed.seconds < best.seconds) best = std::move(parsed);
    }
    const auto entries = static_cast<int64_t>(best.table.size());
    figures.push_back({.scenario = "traces",
                       .name = chain ? "parsed_with_chain" : "parsed",
                       .value = static_cast<double>(written) / best.seconds / 1e6,
                       .unit = "MB/s",
                       .samples = entries,
                       .aim = 300});
    figures.push_back({.scenario = "traces",
                       .name = chain ? "entries_with_chain" : "entries",
                       .value = static_cast<double>(entries) / best.seconds,
                       .unit = "entries/s",
                       .samples = entries});
    sample = std::move(best.table);
  }
  progress("traces: a table of a million entries, and one of ten");
  WFE_RETURN_IF_ERROR(Memory(sample, 1'000'000, figures));
  return Memory(sample, 10'000'000, figures);
}

}  // namespace wfe::bench
