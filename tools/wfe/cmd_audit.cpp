// wfe audit tail|validate|rebuild
#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "activities/analytics/ingest/find_files.h"
#include "activities/analytics/ingest/history_entries.h"
#include "activities/trace/audit.h"
#include "activities/trace/trace_file.h"
#include "activities/trace/trace_rebuild.h"
#include "activities/trace/trace_validator.h"
#include "engine/base/counted.h"
#include "engine/base/printable.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/entry_text.h"
#include "tools/wfe/history_source.h"
#include "tools/wfe/prompt_store.h"

namespace wfe::cli {
namespace {

using trace::HistoryEntry;

struct AuditOptions {
  std::vector<std::string> files;
  std::string run;
  std::string out;
  bool follow = false;
};

/// The file itself, the trace in a directory, or those below it: a build of a project in a sub-directory has its trace there.
std::vector<std::string> TracePaths(const std::vector<std::string>& given) {
  std::vector<std::string> paths;
  for (const std::string& name : given) {
    std::error_code error;
    const std::string inside = name + "/" + std::string(trace::kTraceFileName);
    if (!std::filesystem::is_directory(name, error)) {
      paths.push_back(name);
      continue;
    }
    const size_t before = paths.size();
    if (!std::filesystem::exists(inside, error)) {
      analytics::ParseReport unreadable;
      const auto found = analytics::FindTraceFiles(name, unreadable, {});
      if (found) {
        for (const analytics::FoundFile& file : *found) paths.push_back(file.path);
      }
    }
    if (paths.size() == before) paths.push_back(inside);  // a build that has not begun to log yet
  }
  return paths;
}

Result<std::pair<Target, std::vector<HistoryEntry>>> ReadEntries(Globals& globals, const std::string& run) {
  WFE_ASSIGN_OR_RETURN(const Target target, Resolve(globals, {run, ""}));
  WFE_ASSIGN_OR_RETURN(const auto history, FetchHistory(globals, target));
  WFE_ASSIGN_OR_RETURN(auto entries, analytics::EntriesOfHistory(history, target.run_id));
  return std::pair(target, std::move(entries));
}

std::string Runs(size_t count) { return fmt::format("{} {}", count, count == 1 ? "run" : "runs"); }

/// What a file cannot tell by itself of the runs that have no end in it.
std::string OpenRunsNote(const trace::TraceReport& report, bool compared) {
  if (report.open_runs.empty()) return "";
  return fmt::format("{} without an end{}: {}", Runs(report.open_runs.size()),
                     report.open_runs.size() == 1 ? " (" + report.open_runs[0] + ")" : "",
                     compared ? "it still runs"
                              : "it still runs, or the end of the file was cut off; --run compares with its history");
}

/// A trace that says nothing proves nothing.
bool Holds(const trace::TraceReport& report) { return report.ok() && report.entries > 0; }
const char* StatusOf(const trace::TraceReport& report) {
  return !report.ok() ? "invalid" : report.entries == 0 ? "empty" : "valid";
}

nlohmann::ordered_json ValidationObject(const std::string& path, const trace::TraceReport& report) {
  nlohmann::ordered_json problems = nlohmann::ordered_json::array();
  for (const auto& problem : report.problems) {
    nlohmann::ordered_json item = {{"line", problem.line}, {"problem", problem.message}};
    if (!problem.file.empty()) item["file"] = problem.file;
    problems.push_back(std::move(item));
  }
  return {{"file", path},
          {"status", StatusOf(report)},
          {"lines", report.lines},
          {"entries", report.entries},
          {"runs", report.entries_of_run.size()},
          {"open_runs", report.open_runs},
          {"problems", problems},
          {"more_problems", report.more_problems}};
}

/// `document`: of several files together, which are one JSON document.
void PrintValidation(const std::string& path, const trace::TraceReport& report, bool compared, bool one_of_many,
                     OutputFormat format, nlohmann::ordered_json& document) {
  const std::string note = OpenRunsNote(report, compared);
  if (format != OutputFormat::kText) {
    if (one_of_many && format == OutputFormat::kJson) {
      document.push_back(ValidationObject(path, report));
    } else {
      PrintObject(ValidationObject(path, report), format);
    }
    return;
  }
  std::string text;
  for (const auto& problem : report.problems) {
    text += fmt::format("{}:{}: {}\n", problem.file.empty() ? path : problem.file, problem.line, problem.message);
  }
  if (report.more_problems > 0) text += fmt::format("… and {} more\n", report.more_problems);
  if (!note.empty()) text += fmt::format("{}: note: {}\n", path, note);
  text += fmt::format("{}{}: {} of {} in {}\n", one_of_many ? path + ": " : "", StatusOf(report),
                      Counted(report.entries, "entry", "entries"),
                      Runs(report.entries_of_run.size()), Counted(report.lines, "line"));
  PrintText(text);
}

Result<bool> ValidateOne(Globals& globals, const std::string& path, const std::string& run, bool one_of_many,
                         nlohmann::ordered_json& document) {
  WFE_ASSIGN_OR_RETURN(trace::TraceReport report, trace::ValidateTrace(path));
  if (!run.empty()) {
    WFE_ASSIGN_OR_RETURN(const auto entries, ReadEntries(globals, run));
    WFE_ASSIGN_OR_RETURN(const trace::TraceReport compared,
                         trace::CompareTraceWithHistory(path, entries.first.run_id, entries.second));
    report.problems.insert(report.problems.end(), compared.problems.begin(), compared.problems.end());
  }
  PrintValidation(path, report, !run.empty(), one_of_many, globals.format, document);
  return Holds(report);
}

/// A file that cannot be read is said and does not hide what is wrong with the others.
Result<int> Validate(Globals& globals, const AuditOptions& options) {
  const std::vector<std::string> paths = TracePaths(options.files);
  if (!options.run.empty() && paths.size() > 1) {
    return InvalidArgument("--run compares one file with one run: name one file");
  }
  int exit_code = kExitOk;
  nlohmann::ordered_json document = nlohmann::ordered_json::array();
  for (const std::string& path : paths) {
    const Result<bool> sound = ValidateOne(globals, path, options.run, paths.size() > 1, document);
    if (!sound && paths.size() == 1) return sound.error();
    if (!sound) {
      const int code = Fail(sound.error(), globals.format);
      if (exit_code == kExitOk) exit_code = code;
    } else if (!*sound) {
      exit_code = kExitProblemsFound;
    }
  }
  if (paths.size() > 1 && globals.format == OutputFormat::kJson) PrintJson(document, globals.format);
  return exit_code;
}

Result<int> Rebuild(Globals& globals, const AuditOptions& options) {
  WFE_ASSIGN_OR_RETURN(const auto entries, ReadEntries(globals, options.run));
  WFE_ASSIGN_OR_RETURN(const std::string trace, trace::RebuildTrace(entries.second));
  if (options.out.empty() || options.out == "-") {
    PutText(trace);
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
      fmt::format("{} of run {} written to {}", Counted(entries.second.size(), "entry", "entries"),
                  entries.first.run_id, options.out),
      {{"entries", entries.second.size()}, {"run_id", entries.first.run_id}, {"file", options.out}}, globals.format);
  return kExitOk;
}

void PrintEntry(const trace::LogEntry& entry, OutputFormat format) {
  if (format != OutputFormat::kText) {
    fmt::print("{}\n", PrintableJson(trace::SerializeLogEntry(entry)));
  } else {
    fmt::print("{}\n", EntryLine(entry, RoomOf(STDOUT_FILENO)));
  }
  std::fflush(stdout);
}

/// Prints what each file has beyond what was shown of it; `said` is the file that the last line came from.
/// As one document they are kept until the end.
Status ShowMore(Globals& globals, const std::vector<std::string>& paths, std::vector<int64_t>& shown,
                std::string& said, bool final, std::vector<trace::LogEntry>& document) {
  for (size_t i = 0; i < paths.size(); ++i) {
    int64_t seen = 0;
    const auto summary = trace::ReadTrace(paths[i], [&](int64_t, const trace::LogEntry& entry) {
      if (++seen <= shown[i]) return;
      if (paths.size() > 1 && said != paths[i] && globals.format == OutputFormat::kText) {
        PrintText((said.empty() ? "==> " : "\n==> ") + paths[i] + " <==\n");
      }
      said = paths[i];
      if (globals.format == OutputFormat::kJson) {
        document.push_back(entry);
      } else {
        PrintEntry(entry, globals.format);
      }
    });
    if (!summary && paths.size() == 1) return summary.error();
    if (!summary) {
      // A build that has not begun to log yet is waited for; without --follow it is said.
      if (final) Fail(summary.error(), globals.format);
      continue;
    }
    shown[i] = std::max(shown[i], seen);
    if (!final) continue;
    for (const auto& skipped : summary->skipped) {
      Fail(InvalidArgument(fmt::format("{}:{}: skipped: {}", skipped.file.empty() ? paths[i] : skipped.file,
                                       skipped.line, skipped.message)),
           globals.format);
    }
  }
  return Ok();
}

Result<int> Tail(Globals& globals, const AuditOptions& options) {
  if (options.follow && globals.format == OutputFormat::kJson) {
    return InvalidArgument("--output json is one document, and --follow never comes to its end; take --output jsonl");
  }
  const std::vector<std::string> paths = TracePaths(options.files);
  std::vector<int64_t> shown(paths.size());
  std::vector<trace::LogEntry> document;
  std::string said;
  while (true) {
    WFE_RETURN_IF_ERROR(ShowMore(globals, paths, shown, said, !options.follow, document));
    if (!options.follow) {
      if (globals.format == OutputFormat::kJson) PrintJson(document, globals.format);
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
    tail.add_option("files", options->files, "audit_trace.jsonl, or the directory it is in; may be several")
        ->required();
    tail.add_flag("-f,--follow", options->follow, "Go on as it grows");
    tail.footer("Example:\n  wfe audit tail ./work/build-42 --follow");
    tail.callback([&globals, options] { globals.Run([&] { return Tail(globals, *options); }); });
  }
  {
    auto options = std::make_shared<AuditOptions>();
    CLI::App& validate = *audit.add_subcommand("validate", "Check every line, the arithmetic and the hash chain");
    AddClientOptions(validate, globals);
    validate.add_option("files", options->files, "audit_trace.jsonl, or the directory it is in; may be several")
        ->required();
    validate.add_option("--run", options->run, "Compare with this run's history too (needs the server)");
    validate.footer(
        "Examples:\n  wfe audit validate audit_trace.jsonl\n  wfe audit validate ./work/b42 --run build-42\n"
        "  wfe audit validate ./wfe-work/builds/*\n\n"
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
  AddAuditStepCommand(audit, globals);
}

}  // namespace wfe::cli
