// wfe audit run|list|show|open: reports of OptimizationWorkflow.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "activities/analytics/audits/report.h"
#include "activities/analytics/reports/reports.h"
#include "activities/analytics/steps/register.h"
#include "engine/base/parse_json.h"
#include "engine/base/time.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/follow.h"
#include "tools/wfe/local.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/prompt_store.h"
#include "tools/wfe/schedule_request.h"
#include "tools/wfe/start.h"
#include "tools/wfe/text_file.h"
#include "workflows/optimization/optimization.h"

namespace wfe::cli {
namespace {

namespace fs = std::filesystem;

struct RunOptions {
  std::vector<std::string> directories;
  bool records = false;
  bool histories = false;
  std::string since;
  std::string until;
  std::string period;
  std::vector<std::string> audits;
  int min_runs = 24;
  std::string out;
  std::vector<std::string> workflow_types;
  std::string baseline;  ///< A report's id, its directory, or its report.json.
  bool propose = false;
  bool allow_scripted = false;
  std::string await_approval;
  bool auto_apply = false;
  bool local = false;
  std::string id;
  std::string queue;
};

Result<nlohmann::json> ReadJsonFile(const fs::path& path) {
  WFE_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path.string()));
  nlohmann::json read = ParseJson(text);
  if (read.is_discarded()) return InvalidArgument(path.string() + " " + WhyNotJson(text));
  return read;
}

/// A report that is here goes along; of one that is not, the worker looks up the id.
Result<nlohmann::json> BaselineOf(const std::string& given) {
  if (given.empty()) return nlohmann::json();
  fs::path path = given;
  if (fs::is_directory(path)) path /= "report.json";
  if (!fs::exists(path)) return nlohmann::json(given);
  WFE_ASSIGN_OR_RETURN(const nlohmann::json report, ReadJsonFile(path));
  if (!report.is_object() || !report.contains("report_id") || !report.contains("summary")) {
    return InvalidArgument(path.string() + " is no report");
  }
  return analytics::DigestReport(report);
}

Result<workflows::OptimizationInput> InputOf(const RunOptions& options, const std::string& ns) {
  workflows::OptimizationInput input;
  for (const std::string& directory : options.directories) {
    std::error_code error;
    const fs::path path = fs::canonical(directory, error);
    WFE_RETURN_IF_ERROR(CheckDirectoryIsThere(directory));
    if (error) return InvalidArgument("cannot reach " + directory + ": " + error.message());
    input.sources.push_back({.kind = std::string(analytics::kSourceDirectory), .location = path.string(), .ns = ns});
  }
  if (options.records)
    input.sources.push_back({.kind = std::string(analytics::kSourceRecords), .location = {}, .ns = ns});
  if (options.histories)
    input.sources.push_back({.kind = std::string(analytics::kSourceHistory), .location = {}, .ns = ns});
  if (options.local && input.sources.empty()) {
    return InvalidArgument("--local has no central store of traces: name a directory with --traces");
  }
  input.from = options.since;
  input.to = options.until;
  input.period = options.period;
  input.audits = options.audits;
  input.min_runs = options.min_runs;
  input.workflow_types = options.workflow_types;
  WFE_ASSIGN_OR_RETURN(input.baseline, BaselineOf(options.baseline));
  input.propose = options.propose;
  input.allow_scripted = options.allow_scripted;
  input.await_approval = options.await_approval;
  input.auto_apply = options.auto_apply;
  if (!options.out.empty()) input.output_dir = fs::absolute(options.out).lexically_normal().string();
  if (options.local && input.output_dir.empty()) input.output_dir = fs::absolute("audit-reports").string();
  // Says now what the workflow would say later.
  try {
    return nlohmann::json(input).get<workflows::OptimizationInput>();
  } catch (const nlohmann::json::exception& e) {
    return InvalidArgument(e.what());
  }
}

Result<int> RunAudit(Globals& globals, const RunOptions& options) {
  WFE_ASSIGN_OR_RETURN(const workflows::OptimizationInput input, InputOf(options, globals.Namespace()));
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  if (options.local) {
    const nlohmann::json named = input;
    WFE_ASSIGN_OR_RETURN(auto stack, LocalStack::Start(*config, {.input = &named,
                                                                 .build_id = {},
                                                                 .queue = options.queue,
                                                                 .runs_code = false}));
    globals.Use(std::move(stack));
  }
  WFE_ASSIGN_OR_RETURN(const Target target,
                       StartWorkflow(globals, {.type = std::string(workflows::kOptimizationWorkflow),
                                               .input = nlohmann::json(input),
                                               .id = options.id,
                                               .queue = options.queue,
                                               .id_was_chosen = true}));
  if (globals.format == OutputFormat::kText && !options.await_approval.empty()) {
    fmt::print(
        "Drafts will wait for a decision for {}: wfe signal {} approve --input "
        "'{{\"draft\":\"TEMPLATE@VERSION\",\"author\":\"you\",\"reason\":\"why\"}}'\n",
        options.await_approval, target.workflow_id);
  }
  FollowOptions follow;
  follow.show_steps = globals.format != OutputFormat::kJson;
  follow.ends_with_us = options.local;
  WFE_ASSIGN_OR_RETURN(const Outcome outcome, FollowRun(globals, target, follow));
  if (!outcome.failure.empty() || globals.format != OutputFormat::kText) {
    return ReportOutcome(outcome, target, globals.format);
  }
  const auto report = outcome.result.get<analytics::WriteReportResult>();
  PrintText(fmt::format("\n{}\n  {}/report.html\n  {}/report.md\n  {}/report.json\n", report.headline,
                        report.directory, report.directory, report.directory));
  if (options.propose && report.drafts.empty()) PrintText("no draft was stored; the report says why\n");
  for (const std::string& draft : report.drafts) {
    const size_t at = draft.rfind('@');
    PrintText(fmt::format("draft {}: see it with `wfe prompts show {} {}`\n", draft, draft.substr(0, at),
                          draft.substr(at + 1)));
  }
  const nlohmann::json decisions = outcome.result.value("decisions", nlohmann::json::object());
  for (const nlohmann::json& draft : decisions.value("activated", nlohmann::json::array())) {
    PrintText("draft " + draft.get<std::string>() + " is active: the next builds use it\n");
  }
  for (const nlohmann::json& sentence : decisions.value("ignored", nlohmann::json::array())) {
    PrintText(sentence.get<std::string>() + "\n");
  }
  return ExitCodeOf(outcome);
}

struct AuditScheduleOptions {
  RunOptions audit;
  bool nightly = false;
  bool weekly = false;
  std::string every;
  std::string cron;
  std::string timezone;
};

/// A report for each period, also for those that were missed: they run late, one after the other, and say so.
Result<int> ScheduleAudit(Globals& globals, AuditScheduleOptions options) {
  const int chosen = static_cast<int>(options.nightly) + static_cast<int>(options.weekly) +
                     static_cast<int>(!options.every.empty()) + static_cast<int>(!options.cron.empty());
  if (chosen != 1) return InvalidArgument("say one of --nightly, --weekly, --every and --cron");
  ScheduleOptions schedule;
  std::string period = options.audit.period;
  // At 4:00 no clock is put forward or back, so that no night is skipped and none comes twice.
  if (options.nightly) {
    schedule.crons = {"0 4 * * *"};
    if (period.empty()) period = "1d";
  } else if (options.weekly) {
    schedule.crons = {"0 4 * * 1"};
    if (period.empty()) period = "7d";
  } else if (!options.every.empty()) {
    if (!workflows::ParsePeriod(options.every)) return InvalidArgument("--every takes a duration like 30m, 6h or 1d");
    schedule.intervals = {options.every};
    if (period.empty()) period = options.every;
  } else {
    schedule.crons = {options.cron};
  }
  options.audit.period = period;
  WFE_ASSIGN_OR_RETURN(workflows::OptimizationInput input, InputOf(options.audit, globals.Namespace()));
  input.scheduled = true;
  input.timezone = options.timezone;
  const auto between = workflows::ParsePeriod(period);
  if (!input.await_approval.empty() && (!between || *workflows::ParsePeriod(input.await_approval) >= *between)) {
    return InvalidArgument("--await-approval must be shorter than --period, or the next report has to wait");
  }
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  schedule.id = options.audit.id.empty() ? (options.weekly ? "audit-weekly" : "audit-nightly") : options.audit.id;
  schedule.timezone = options.timezone;
  schedule.type = std::string(workflows::kOptimizationWorkflow);
  schedule.queue = options.audit.queue.empty() ? config->client.queue : options.audit.queue;
  schedule.input = nlohmann::json(input);
  schedule.overlap = "buffer-all";
  schedule.catchup_window = "7d";
  WFE_ASSIGN_OR_RETURN(const auto request, BuildCreateSchedule(globals.Namespace(), schedule));
  WFE_ASSIGN_OR_RETURN(const auto created, globals.Call<ws::CreateScheduleResponse>("CreateSchedule", request));
  std::ignore = created;
  PrintEvent(fmt::format("schedule {} created; `wfe schedule next {}` shows when it runs", schedule.id, schedule.id),
             {{"schedule_id", schedule.id}, {"workflow_type", schedule.type}, {"queue", schedule.queue}},
             globals.format);
  return kExitOk;
}

struct ViewOptions {
  std::string id = "latest";  ///< Or a report's id, or the beginning of one.
  std::string directory;      ///< Of reports; empty: those of the records service.
  std::string out;
  RecordsOptions records;
};

/// A report as the list shows it: the row of the records service, or what a directory's report.json says.
struct StoredReport {
  std::string id;
  nlohmann::json row;
};

Result<std::vector<StoredReport>> ListReports(Globals& globals, const ViewOptions& options) {
  std::vector<StoredReport> reports;
  if (options.directory.empty()) {
    WFE_ASSIGN_OR_RETURN(const auto connection, RecordsConnection::Open(globals, options.records));
    WFE_RETURN_IF_ERROR(connection.records()->ScanRows(std::string(analytics::kReportsTable), "",
                                                       [&](std::string key, const std::string& value) {
                                                         nlohmann::json row = ParseJson(value);
                                                         if (row.is_object())
                                                           reports.push_back({std::move(key), std::move(row)});
                                                       }));
    return reports;
  }
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(options.directory, error)) {
    if (entry.is_symlink() || !fs::exists(entry.path() / "report.json")) continue;
    WFE_ASSIGN_OR_RETURN(const nlohmann::json report, ReadJsonFile(entry.path() / "report.json"));
    reports.push_back({report.value("report_id", entry.path().filename().string()),
                       analytics::ReportRow(report, "", entry.path().string())});
  }
  if (error) return NotFound("cannot read the directory " + options.directory + ": " + error.message());
  std::sort(reports.begin(), reports.end(), [](const StoredReport& a, const StoredReport& b) { return a.id < b.id; });
  return reports;
}

Result<int> List(Globals& globals, const ViewOptions& options) {
  WFE_ASSIGN_OR_RETURN(const auto reports, ListReports(globals, options));
  Table table({{.title = "REPORT", .key = "report_id"},
               {.title = "RUNS", .key = "runs", .right = true},
               {.title = "FINDINGS", .key = "findings", .right = true},
               {.title = "CLAIMS", .key = "significant", .right = true},
               {.title = "HEADLINE", .key = "headline", .elastic = true}});
  for (const StoredReport& report : reports) table.Add(report.row);
  if (table.empty() && globals.format == OutputFormat::kText) {
    fmt::print("no reports yet; `wfe audit run` makes one\n");
    return kExitOk;
  }
  table.Print(globals.format);
  return kExitOk;
}

/// The row of `options.id`.
Result<StoredReport> FindReport(Globals& globals, const ViewOptions& options) {
  const std::string& id = options.id;
  WFE_ASSIGN_OR_RETURN(const auto reports, ListReports(globals, options));
  if (reports.empty())
    return NotFound("there are no reports" + (options.directory.empty() ? "" : " in " + options.directory));
  if (id == "latest") return reports.back();
  std::vector<StoredReport> found;
  for (const StoredReport& report : reports) {
    if (report.id == id) return report;
    if (report.id.starts_with(id)) found.push_back(report);
  }
  if (found.empty()) return NotFound("there is no report " + id + "; `wfe audit list` shows what there is");
  if (found.size() > 1) return InvalidArgument(id + " begins the ids of several reports: give more of it");
  return found.front();
}

Result<nlohmann::json> FetchReport(Globals& globals, const ViewOptions& options, const StoredReport& stored) {
  const std::string blob = stored.row.value("report", "");
  if (blob.empty()) return ReadJsonFile(fs::path(stored.row.value("directory", "")) / "report.json");
  WFE_ASSIGN_OR_RETURN(const auto connection, RecordsConnection::Open(globals, options.records));
  WFE_ASSIGN_OR_RETURN(const std::string bytes, connection.records()->Get(blob));
  return ParseJson(bytes, kMaxStoredJsonDepth);
}

Result<int> Show(Globals& globals, const ViewOptions& options) {
  WFE_ASSIGN_OR_RETURN(const StoredReport stored, FindReport(globals, options));
  WFE_ASSIGN_OR_RETURN(const nlohmann::json report, FetchReport(globals, options, stored));
  if (globals.format != OutputFormat::kText) {
    PrintJson(report, globals.format);
    return kExitOk;
  }
  WFE_ASSIGN_OR_RETURN(const std::string text, analytics::RenderMarkdown(report));
  PrintText(text);
  return kExitOk;
}

Result<int> Open(Globals& globals, const ViewOptions& options) {
  WFE_ASSIGN_OR_RETURN(const StoredReport stored, FindReport(globals, options));
  std::string path = stored.row.value("directory", "") + "/report.html";
  if (!options.out.empty() || !fs::exists(path)) {
    // Written on another machine, or wanted elsewhere: rendered anew from the stored report.
    WFE_ASSIGN_OR_RETURN(const nlohmann::json report, FetchReport(globals, options, stored));
    WFE_ASSIGN_OR_RETURN(const std::string html, analytics::RenderHtml(report));
    path = options.out.empty() ? stored.id + ".html" : options.out;
    std::ofstream file(path, std::ios::binary);
    file << html;
    file.close();
    if (!file) return InvalidArgument("cannot write " + path);
    path = fs::absolute(path).string();
  }
  PrintEvent(path, {{"report_id", stored.id}, {"file", path}}, globals.format);
  if (globals.format == OutputFormat::kText && StdoutIsTerminal() && std::getenv("DISPLAY") != nullptr) {
    execlp("xdg-open", "xdg-open", path.c_str(), nullptr);  // comes back only when there is none; the path was printed
  }
  return kExitOk;
}

/// What `run` and `schedule` have in common.
void AddAuditOptions(CLI::App& run, RunOptions* options) {
  run.add_option("--traces", options->directories, "A tree searched for audit_trace.jsonl (may be given again)");
  run.add_flag("--records", options->records, "The central store (default when nothing else is named)");
  run.add_flag("--histories", options->histories, "The histories of audited builds");
  run.add_option("--period", options->period, "Only the last 24h, 7d … before --until or now");
  run.add_option("--workflow-type", options->workflow_types, "Only runs of this type (may be given again)");
  run.add_option("--baseline", options->baseline,
                 "Compare with this report (its id, directory or report.json) instead of the newest of the same scope");
  run.add_option("--audit", options->audits, "Only this audit (may be given again): token_efficiency, …");
  run.add_option("--min-runs", options->min_runs, "Fewer completed runs than this: no claims (default 24)")
      ->check(WholeNumber(0, 1'000'000));
  run.add_option("--out", options->out, "Directory for reports (default: reports/ in the worker's work root)");
  run.add_flag("--propose", options->propose, "Store a draft template version for each finding with a prepared change");
  run.add_flag("--allow-scripted", options->allow_scripted,
               "With --propose: also where every answer was scripted, which says nothing of a model");
  run.add_option("--await-approval", options->await_approval,
                 "With --propose: wait that long (8h, 2d) for the signals approve and decline");
  run.add_flag("--auto-apply", options->auto_apply, "With --propose: activate the draft of the strongest claim");
  run.add_option("-w,--id", options->id, "Workflow id (default: made up)");
  AddQueueOption(run, options->queue);
}

/// Where `list`, `show` and `open` look.
void AddReportSource(CLI::App& command, ViewOptions* options) {
  command.add_option("--reports", options->directory, "A directory of reports, instead of the server's");
  AddRecordsOption(command, options->records);
}

}  // namespace

void AddAuditReportCommands(CLI::App& audit, Globals& globals) {
  {
    auto options = std::make_shared<RunOptions>();
    CLI::App& run = *audit.add_subcommand("run", "Audit the traces of many builds and write a report");
    AddClientOptions(run, globals);
    AddAuditOptions(run, options.get());
    run.add_option("--since", options->since, "Only runs that ended at or after this time, e.g. 2026-01-31T00:00:00Z");
    run.add_option("--until", options->until, "Only runs that ended before this time");
    run.add_flag("--local", options->local, "In an engine and worker of this process; needs --traces");
    run.footer(
        "Examples:\n"
        "  wfe audit run --traces ./work/builds --local --out ./audit-reports\n"
        "  wfe audit run --period 7d --propose\n\n"
        "The exit code is 0 when the report was written, whatever it says.");
    run.callback([&globals, options] { globals.Run([&] { return RunAudit(globals, *options); }); });
  }
  {
    auto options = std::make_shared<AuditScheduleOptions>();
    CLI::App& schedule = *audit.add_subcommand("schedule", "Write a report every night, or as often as you say");
    AddClientOptions(schedule, globals);
    AddAuditOptions(schedule, &options->audit);
    schedule.add_flag("--nightly", options->nightly, "At 4:00, of the day before it");
    schedule.add_flag("--weekly", options->weekly, "On Mondays at 4:00, of the seven days before it");
    schedule.add_option("--every", options->every, "Every 30m, 6h … of that time");
    schedule.add_option("--cron", options->cron, "By a cron expression; name the --period too");
    schedule.add_option("--timezone", options->timezone, "An IANA name (default: UTC)");
    schedule.footer(
        "Examples:\n"
        "  wfe audit schedule --nightly --timezone Europe/Berlin --propose\n"
        "  wfe schedule next audit-nightly\n\n"
        "A period that was missed gets its report late, and the report says so.");
    schedule.callback([&globals, options] { globals.Run([&] { return ScheduleAudit(globals, *options); }); });
  }
  {
    auto options = std::make_shared<ViewOptions>();
    CLI::App& list = *audit.add_subcommand("list", "List reports");
    AddClientOptions(list, globals);
    AddReportSource(list, options.get());
    list.footer("Examples:\n  wfe audit list\n  wfe audit list --reports ./audit-reports");
    list.callback([&globals, options] { globals.Run([&] { return List(globals, *options); }); });
  }
  {
    auto options = std::make_shared<ViewOptions>();
    CLI::App& show = *audit.add_subcommand("show", "Print a report");
    AddClientOptions(show, globals);
    show.add_option("report", options->id, "Its id, the beginning of it, or latest (default)");
    AddReportSource(show, options.get());
    show.footer("Examples:\n  wfe audit show\n  wfe audit show 2026-01-31 --output json | jq .findings");
    show.callback([&globals, options] { globals.Run([&] { return Show(globals, *options); }); });
  }
  {
    auto options = std::make_shared<ViewOptions>();
    CLI::App& open = *audit.add_subcommand("open", "Open a report's HTML page, or print where it is");
    AddClientOptions(open, globals);
    open.add_option("report", options->id, "Its id, the beginning of it, or latest (default)");
    AddReportSource(open, options.get());
    open.add_option("--out", options->out, "Write the page to this file");
    open.footer("Example:\n  wfe audit open latest --out report.html");
    open.callback([&globals, options] { globals.Run([&] { return Open(globals, *options); }); });
  }
}

}  // namespace wfe::cli
