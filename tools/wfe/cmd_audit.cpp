// wfe audit tail|validate|rebuild
#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "activities/audit/audit.h"
#include "activities/audit/trace_file.h"
#include "activities/audit/trace_rebuild.h"
#include "activities/audit/trace_validator.h"
#include "activities/traces/history_entries.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/history_source.h"
#include "tools/wfe/prompt_store.h"

namespace wfe::cli {
namespace {

using activities::HistoryEntry;

struct AuditOptions {
  std::string file;
  std::string run;
  std::string out;
  bool follow = false;
};

/// The file itself, or the trace inside a working directory.
std::string TracePath(const std::string& given) {
  return std::filesystem::is_directory(given) ? given + "/" + std::string(activities::kTraceFileName) : given;
}

Result<std::pair<Target, std::vector<HistoryEntry>>> ReadEntries(Globals& globals, const std::string& run) {
  WFE_ASSIGN_OR_RETURN(const Target target, Resolve(globals, {run, ""}));
  WFE_ASSIGN_OR_RETURN(const auto history, FetchHistory(globals, target));
  WFE_ASSIGN_OR_RETURN(auto entries, activities::EntriesOfHistory(history, target.run_id));
  return std::pair(target, std::move(entries));
}

Result<int> Validate(Globals& globals, const AuditOptions& options) {
  const std::string path = TracePath(options.file);
  WFE_ASSIGN_OR_RETURN(activities::TraceReport report, activities::ValidateTrace(path));
  if (!options.run.empty()) {
    WFE_ASSIGN_OR_RETURN(const auto entries, ReadEntries(globals, options.run));
    WFE_ASSIGN_OR_RETURN(const activities::TraceReport compared,
                         activities::CompareTraceWithHistory(path, entries.first.run_id, entries.second));
    report.problems.insert(report.problems.end(), compared.problems.begin(), compared.problems.end());
  }
  nlohmann::ordered_json object = {{"file", path},
                                   {"status", report.ok() ? "valid" : "invalid"},
                                   {"lines", report.lines},
                                   {"entries", report.entries},
                                   {"runs", report.entries_of_run.size()}};
  nlohmann::ordered_json problems = nlohmann::ordered_json::array();
  for (const auto& problem : report.problems) {
    problems.push_back({{"line", problem.line}, {"problem", problem.message}});
  }
  if (globals.format == OutputFormat::kText) {
    for (const auto& problem : report.problems) fmt::print("{}:{}: {}\n", path, problem.line, problem.message);
    if (report.more_problems > 0) fmt::print("… and {} more\n", report.more_problems);
    fmt::print("{}: {} entries of {} runs in {} lines\n", report.ok() ? "valid" : "invalid", report.entries,
               report.entries_of_run.size(), report.lines);
  } else {
    object["problems"] = problems;
    PrintObject(object, globals.format);
  }
  return report.ok() ? kExitOk : kExitProblemsFound;
}

Result<int> Rebuild(Globals& globals, const AuditOptions& options) {
  WFE_ASSIGN_OR_RETURN(const auto entries, ReadEntries(globals, options.run));
  WFE_ASSIGN_OR_RETURN(const std::string trace, activities::RebuildTrace(entries.second));
  if (options.out.empty() || options.out == "-") {
    std::fwrite(trace.data(), 1, trace.size(), stdout);
    return kExitOk;
  }
  if (std::filesystem::exists(options.out)) {
    return InvalidArgument(options.out + " is there already; a trace is never rewritten: name a new file");
  }
  std::ofstream out(options.out, std::ios::binary);
  out << trace;
  out.close();
  if (!out) return InvalidArgument("cannot write " + options.out);
  PrintEvent(
      fmt::format("{} entries of run {} written to {}", entries.second.size(), entries.first.run_id, options.out),
      {{"entries", entries.second.size()}, {"run_id", entries.first.run_id}, {"file", options.out}}, globals.format);
  return kExitOk;
}

void PrintEntry(const activities::LogEntry& entry, OutputFormat format) {
  if (format != OutputFormat::kText) {
    fmt::print("{}\n", activities::SerializeLogEntry(entry));
  } else {
    std::string text = fmt::format("{}  {:<22}", entry.timestamp, entry.step_name);
    if (entry.validation_status) text += fmt::format(" {:<5}", *entry.validation_status);
    if (entry.validation_error_type) text += " " + *entry.validation_error_type;
    if (entry.total_token_cost) text += fmt::format(" {} tokens", *entry.total_token_cost);
    if (entry.files_touched) text += fmt::format(" {} files", entry.files_touched->size());
    fmt::print("{}\n", text);
  }
  std::fflush(stdout);
}

Result<int> Tail(Globals& globals, const AuditOptions& options) {
  const std::string path = TracePath(options.file);
  int64_t shown = 0;
  while (true) {
    int64_t seen = 0;
    WFE_ASSIGN_OR_RETURN(const auto summary,
                         activities::ReadTrace(path, [&](int64_t, const activities::LogEntry& entry) {
                           if (++seen > shown) PrintEntry(entry, globals.format);
                         }));
    shown = std::max(shown, seen);
    if (!options.follow) {
      for (const auto& skipped : summary.skipped) {
        fmt::print(stderr, "{}:{}: skipped: {}\n", path, skipped.line, skipped.message);
      }
      return kExitOk;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
}

}  // namespace

void AddAuditCommands(CLI::App& app, Globals& globals) {
  CLI::App& audit = *app.add_subcommand("audit", "Audit traces: read, check and rebuild them, and report on many")
                         ->require_subcommand(1);
  audit.footer(
      "Examples:\n"
      "  wfe audit tail ./wfe-work/builds/* --follow\n"
      "  wfe audit validate ./wfe-work/builds/*\n"
      "  wfe audit run --traces ./wfe-work");
  AddAuditReportCommands(audit, globals);
  {
    auto options = std::make_shared<AuditOptions>();
    CLI::App& tail = *audit.add_subcommand("tail", "Print the steps of a trace");
    AddCommonOptions(tail, globals);
    tail.add_option("file", options->file, "audit_trace.jsonl, or the directory it is in")->required();
    tail.add_flag("-f,--follow", options->follow, "Go on as it grows");
    tail.footer("Example:\n  wfe audit tail ./work/build-42 --follow");
    tail.callback([&globals, options] { globals.Run([&] { return Tail(globals, *options); }); });
  }
  {
    auto options = std::make_shared<AuditOptions>();
    CLI::App& validate = *audit.add_subcommand("validate", "Check every line, the arithmetic and the hash chain");
    AddClientOptions(validate, globals);
    validate.add_option("file", options->file, "audit_trace.jsonl, or the directory it is in")->required();
    validate.add_option("--run", options->run, "Compare with this run's history too (needs the server)");
    validate.footer(
        "Examples:\n  wfe audit validate audit_trace.jsonl\n  wfe audit validate ./work/b42 --run build-42\n\n"
        "Exit code 12 when there are problems; each is named by file and line.");
    validate.callback([&globals, options] { globals.Run([&] { return Validate(globals, *options); }); });
  }
  {
    auto options = std::make_shared<AuditOptions>();
    CLI::App& rebuild = *audit.add_subcommand("rebuild", "Write a run's trace again from its history");
    AddClientOptions(rebuild, globals);
    rebuild.add_option("run", options->run, "Workflow id or run id")->required();
    rebuild.add_option("--out", options->out, "File to write (default: standard output); it must not exist yet");
    rebuild.footer("Example:\n  wfe audit rebuild build-42 --out rebuilt.jsonl");
    rebuild.callback([&globals, options] { globals.Run([&] { return Rebuild(globals, *options); }); });
  }
  AddAuditContextCommand(audit, globals);
}

}  // namespace wfe::cli
