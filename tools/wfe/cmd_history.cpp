// wfe history show|export|lint, verify, replay
#include <fmt/core.h>

#include <fstream>

#include "engine/base/counted.h"
#include "engine/base/hash.h"
#include "engine/lint/lint.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/history_source.h"
#include "tools/wfe/registry.h"
#include "tools/wfe/store_reader.h"
#include "workers/core/history_json.h"
#include "workers/core/replayer.h"

namespace wfe::cli {
namespace {

namespace enums = temporal::api::enums::v1;
using temporal::api::history::v1::History;
using temporal::api::history::v1::HistoryEvent;

struct SourceOptions {
  std::string source;
  std::string run_id;
  std::string data;      ///< A store on disk instead of a server.
  std::string file;      ///< Where to export to.
  bool all = false;      ///< Every run of the store.
  bool foreign = false;  ///< The history was written by another server.
};

/// "ActivityTaskScheduled" for EVENT_TYPE_ACTIVITY_TASK_SCHEDULED.
std::string EventName(const HistoryEvent& event) {
  const std::string full = enums::EventType_Name(event.event_type());
  std::string name;
  bool upper = true;
  for (const char c : full.substr(std::string_view("EVENT_TYPE_").size())) {
    if (c == '_') {
      upper = true;
    } else {
      name += upper ? c : static_cast<char>(std::tolower(c));
      upper = false;
    }
  }
  return name;
}

/// The same of events about other workflows.
std::string NeighbourDetail(const HistoryEvent& event) {
  const auto of = [](const auto& a) {
    return fmt::format("of {}: {}", a.initiated_event_id(), a.workflow_execution().workflow_id());
  };
  switch (event.event_type()) {
    case enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: {
      const auto& a = event.start_child_workflow_execution_initiated_event_attributes();
      return a.workflow_type().name() + " as " + a.workflow_id();
    }
    case enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED: {
      const auto& a = event.start_child_workflow_execution_failed_event_attributes();
      return fmt::format("of {}: {}, {}", a.initiated_event_id(), a.workflow_id(),
                         enums::StartChildWorkflowExecutionFailedCause_Name(a.cause()));
    }
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
      return of(event.child_workflow_execution_started_event_attributes());
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED:
      return of(event.child_workflow_execution_completed_event_attributes());
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED: {
      const auto& a = event.child_workflow_execution_failed_event_attributes();
      return of(a) + ": " + FailureText(a.failure());
    }
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED:
      return of(event.child_workflow_execution_canceled_event_attributes());
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT:
      return of(event.child_workflow_execution_timed_out_event_attributes());
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED:
      return of(event.child_workflow_execution_terminated_event_attributes());
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: {
      const auto& a = event.signal_external_workflow_execution_initiated_event_attributes();
      return a.signal_name() + " to " + a.workflow_execution().workflow_id();
    }
    case enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED:
      return of(event.external_workflow_execution_signaled_event_attributes());
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED: {
      const auto& a = event.signal_external_workflow_execution_failed_event_attributes();
      return of(a) + ", " + enums::SignalExternalWorkflowExecutionFailedCause_Name(a.cause());
    }
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
      return event.request_cancel_external_workflow_execution_initiated_event_attributes()
          .workflow_execution()
          .workflow_id();
    case enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
      return of(event.external_workflow_execution_cancel_requested_event_attributes());
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED: {
      const auto& a = event.request_cancel_external_workflow_execution_failed_event_attributes();
      return of(a) + ", " + enums::CancelExternalWorkflowExecutionFailedCause_Name(a.cause());
    }
    default:
      return "";
  }
}

/// What a reader wants to see of an event at a glance.
std::string EventDetail(const HistoryEvent& event) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: {
      const auto& a = event.workflow_execution_started_event_attributes();
      return a.workflow_type().name() + " on " + a.task_queue().name();
    }
    case enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: {
      const auto& a = event.activity_task_scheduled_event_attributes();
      return a.activity_type().name() + " #" + a.activity_id();
    }
    case enums::EVENT_TYPE_ACTIVITY_TASK_STARTED: {
      const auto& a = event.activity_task_started_event_attributes();
      return fmt::format("of {}, attempt {}", a.scheduled_event_id(), a.attempt());
    }
    case enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
      return fmt::format("of {}", event.activity_task_completed_event_attributes().scheduled_event_id());
    case enums::EVENT_TYPE_ACTIVITY_TASK_FAILED: {
      const auto& a = event.activity_task_failed_event_attributes();
      return fmt::format("of {}: {}", a.scheduled_event_id(), FailureText(a.failure()));
    }
    case enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
      return fmt::format("of {}", event.activity_task_timed_out_event_attributes().scheduled_event_id());
    case enums::EVENT_TYPE_TIMER_STARTED: {
      const auto& a = event.timer_started_event_attributes();
      return fmt::format("{} for {} s", a.timer_id(), a.start_to_fire_timeout().seconds());
    }
    case enums::EVENT_TYPE_TIMER_FIRED:
      return event.timer_fired_event_attributes().timer_id();
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
      return event.workflow_execution_signaled_event_attributes().signal_name();
    case enums::EVENT_TYPE_MARKER_RECORDED:
      return event.marker_recorded_event_attributes().marker_name();
    case enums::EVENT_TYPE_WORKFLOW_TASK_FAILED:
      return FailureText(event.workflow_task_failed_event_attributes().failure());
    default: {
      const auto outcome = OutcomeOf(event);
      return outcome ? outcome->failure : NeighbourDetail(event);
    }
  }
}

Result<History> Load(Globals& globals, const SourceOptions& options) {
  if (!options.data.empty()) {
    WFE_ASSIGN_OR_RETURN(const auto store, StoreReader::Open(options.data));
    WFE_ASSIGN_OR_RETURN(const StoredHistory stored, store->Find(globals.Namespace(), options.source, options.run_id));
    return stored.history;
  }
  return LoadHistory(globals, options.source, options.run_id);
}

Result<int> ShowHistory(Globals& globals, const SourceOptions& options) {
  WFE_ASSIGN_OR_RETURN(const History history, Load(globals, options));
  Table table({{"ID", "id", false, true},
               {"TIME", "time", false, false},
               {"EVENT", "event", false, false},
               {"", "detail", true, false}});
  for (const HistoryEvent& event : history.events()) {
    table.Add({{"id", event.event_id()},
               {"time", IsoTime(event.event_time())},
               {"event", EventName(event)},
               {"detail", EventDetail(event)}});
  }
  table.Print(globals.format);
  return kExitOk;
}

Result<int> ExportHistory(Globals& globals, const SourceOptions& options) {
  WFE_ASSIGN_OR_RETURN(const History history, Load(globals, options));
  const std::string json = core::HistoryToJson(history);
  if (options.file.empty() || options.file == "-") {
    std::puts(json.c_str());
    return kExitOk;
  }
  std::ofstream out(options.file, std::ios::binary | std::ios::trunc);
  out << json << "\n";
  out.close();
  if (!out) return InvalidArgument("cannot write " + options.file);
  PrintEvent(fmt::format("{} events written to {}", history.events_size(), options.file),
             {{"events", history.events_size()}, {"file", options.file}}, globals.format);
  return kExitOk;
}

/// Lints and verifies every run of a store, each alone and all of them together.
class StoreLinter {
 public:
  explicit StoreLinter(const StoreReader& store) : store_(store) {}

  Status Run() {
    WFE_RETURN_IF_ERROR(store_.ForEach([&](const StoredHistory& stored) { Visit(stored); },
                                       [&](const ExecutionKey& key, const Error& why) {
                                         ++runs_;
                                         complete_ = false;
                                         Add(key.workflow_id.value(), key.run_id.value(), {"H4", 0, why.message});
                                       }));
    for (const lint::Finding& finding : lint::LintAcrossRuns(histories_, complete_)) Add({}, {}, finding);
    WFE_RETURN_IF_ERROR(LintObligations());
    return store_.ForEachSchedule([&](const engine::v1::ScheduleRow& row) {
      for (const lint::Finding& finding : lint::LintSchedule(row, histories_)) Add({}, row.schedule_id(), finding);
    });
  }

  int64_t runs() const { return runs_; }
  int64_t events() const { return events_; }
  const Table& findings() const { return findings_; }

 private:
  void Visit(const StoredHistory& stored) {
    ++runs_;
    events_ += stored.history.events_size();
    std::vector<lint::Finding> findings = stored.Lint();
    if (!stored.chain.ok()) findings.push_back({"H4", stored.chain.first_bad, stored.chain.problem});
    for (const lint::Finding& finding : findings) Add(stored.target.workflow_id, stored.target.run_id, finding);
    const auto& buffered = stored.run.state.bookkeeping().buffered_events();
    histories_.push_back(lint::ForRulesAcrossRuns({stored.run.key,
                                                   {stored.history.events().begin(), stored.history.events().end()},
                                                   {buffered.begin(), buffered.end()}}));
  }

  /// Where a run could not be read, what it owes cannot be judged.
  Status LintObligations() {
    std::vector<lint::OwedObligation> owed;
    WFE_RETURN_IF_ERROR(store_.ForEachOwed([&](Result<lint::OwedObligation> one) {
      if (one) return owed.push_back(*std::move(one));
      complete_ = false;
      Add({}, {}, {"H43", 0, one.error().message});
    }));
    if (!complete_) return Ok();
    for (const lint::Finding& finding : lint::LintObligations(histories_, owed)) Add({}, {}, finding);
    return Ok();
  }

  void Add(const std::string& workflow_id, const std::string& run_id, const lint::Finding& finding) {
    findings_.Add({{"workflow_id", workflow_id},
                   {"run_id", run_id},
                   {"rule", finding.rule},
                   {"event_id", finding.event_id},
                   {"message", finding.message}});
  }

  const StoreReader& store_;
  int64_t runs_ = 0;
  int64_t events_ = 0;
  bool complete_ = true;
  std::vector<lint::RunHistory> histories_;
  Table findings_{{{"RUN", "run_id", true, false},
                   {"RULE", "rule", false, false},
                   {"EVENT", "event_id", false, true},
                   {"PROBLEM", "message", true, false}}};
};

Result<int> LintStore(Globals& globals, const std::string& data) {
  WFE_ASSIGN_OR_RETURN(const auto store, StoreReader::Open(data));
  StoreLinter linter(*store);
  WFE_RETURN_IF_ERROR(linter.Run());
  if (linter.findings().empty()) {
    PrintEvent("clean: " + Counted(linter.runs(), "run") + ", " +
                   Counted(linter.events(), "event"),
               {{"status", "clean"}, {"runs", linter.runs()}, {"events", linter.events()}}, globals.format);
    return kExitOk;
  }
  linter.findings().Print(globals.format);
  return kExitProblemsFound;
}

Result<int> LintHistory(Globals& globals, const SourceOptions& options) {
  if (options.all) {
    if (options.data.empty()) return InvalidArgument("--all needs --data, the store to check");
    return LintStore(globals, options.data);
  }
  if (options.source.empty())
    return InvalidArgument("name a workflow, a run or a history file, or say --all --data DIR");
  std::vector<lint::Finding> findings;
  int events = 0;
  if (!options.data.empty()) {
    WFE_ASSIGN_OR_RETURN(const auto store, StoreReader::Open(options.data));
    WFE_ASSIGN_OR_RETURN(const StoredHistory stored, store->Find(globals.Namespace(), options.source, options.run_id));
    events = stored.history.events_size();
    findings = stored.Lint();
  } else {
    WFE_ASSIGN_OR_RETURN(const History history, LoadHistory(globals, options.source, options.run_id));
    events = history.events_size();
    findings = lint::LintHistory({history.events().begin(), history.events().end()}, {.foreign = options.foreign});
  }
  if (findings.empty()) {
    PrintEvent(fmt::format("clean: {} events", events), {{"status", "clean"}, {"events", events}}, globals.format);
    return kExitOk;
  }
  Table table(
      {{"RULE", "rule", false, false}, {"EVENT", "event_id", false, true}, {"PROBLEM", "message", true, false}});
  for (const lint::Finding& finding : findings) {
    table.Add({{"rule", finding.rule}, {"event_id", finding.event_id}, {"message", finding.message}});
  }
  table.Print(globals.format);
  return kExitProblemsFound;
}

Result<int> Verify(Globals& globals, const SourceOptions& options) {
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  const std::string data = options.data.empty() ? config->server.data_dir : options.data;
  WFE_ASSIGN_OR_RETURN(const auto store, StoreReader::Open(data));
  WFE_ASSIGN_OR_RETURN(const StoredHistory stored, store->Find(globals.Namespace(), options.source, options.run_id));
  nlohmann::ordered_json object = {{"status", stored.chain.ok() ? "intact" : "broken"},
                                   {"workflow_id", stored.target.workflow_id},
                                   {"run_id", stored.target.run_id},
                                   {"events", stored.chain.events}};
  if (stored.chain.ok()) {
    object["chain_head"] = ToHex(stored.run.state.bookkeeping().chain_head());
  } else {
    object["first_bad_event"] = stored.chain.first_bad;
    object["problem"] = stored.chain.problem;
  }
  PrintObject(object, globals.format);
  return stored.chain.ok() ? kExitOk : kExitProblemsFound;
}

Result<int> Replay(Globals& globals, const SourceOptions& options) {
  WFE_ASSIGN_OR_RETURN(const History history, Load(globals, options));
  const core::ReplayReport report = core::Replay(history, WorkflowTypes());
  if (report.deterministic()) {
    const int64_t events = std::get<core::Deterministic>(report.outcome).events;
    PrintEvent(fmt::format("deterministic, {} events", events), {{"status", "deterministic"}, {"events", events}},
               globals.format);
    return kExitOk;
  }
  const bool diverged = std::holds_alternative<core::Divergence>(report.outcome);
  PrintEvent(report.ToString(), {{"status", diverged ? "diverged" : "failed"}, {"report", report.ToString()}},
             globals.format);
  return kExitProblemsFound;
}

void AddSource(CLI::App& command, SourceOptions& options, const char* what, bool required) {
  command.add_option("source", options.source, what)->required(required);
  command.add_option("-r,--run-id", options.run_id, "Run id (default: the newest run)");
  command.add_option("--data", options.data, "Read this store directory instead of asking a server");
}

}  // namespace

void AddHistoryCommands(CLI::App& app, Globals& globals) {
  CLI::App& history = *app.add_subcommand("history", "Show, export or check a run's history")->require_subcommand(1);
  history.footer("Examples:\n  wfe history show build-42\n  wfe history export build-42 --file build-42.json");
  struct Entry {
    CLI::App& parent;
    const char* name;
    const char* help;
    const char* source;
    const char* footer;
    Result<int> (*run)(Globals&, const SourceOptions&);
    bool writes = false;
  };
  const Entry entries[] = {
      {history, "show", "Print the events of a run", "Workflow id, run id or history file",
       "Example:\n  wfe history show build-42", &ShowHistory},
      {history, "export", "Write a history as Temporal-compatible JSON", "Workflow id or run id",
       "Example:\n  wfe history export build-42 --file build-42.json", &ExportHistory, true},
      {history, "lint", "Check a history against 37 rules, H1 to H44 (docs/reference/linter.md)",
       "Workflow id, run id or history file",
       "Examples:\n  wfe history lint build-42\n  wfe history lint build-42.json\n"
       "  wfe history lint build-42 --data ./wfe-data\n"
       "  wfe history lint --all --data ./wfe-data\n\n"
       "With --data the rules that need the store are checked, too.",
       &LintHistory},
      {app, "verify", "Check the hash chain over a run's stored events", "Workflow id or run id",
       "Reads the store directly (--data, default: server.data of the configuration), so it needs no server.\n"
       "Example:\n  wfe verify build-42 --data ./wfe-data",
       &Verify},
      {app, "replay", "Re-execute a history against this program's workflow code",
       "Workflow id, run id or history file",
       "Examples:\n  wfe replay build-42\n  wfe replay build-42.json\n\n"
       "Exit code 0: deterministic; 12: the code no longer does what the history says.",
       &Replay},
  };
  for (const Entry& entry : entries) {
    auto options = std::make_shared<SourceOptions>();
    CLI::App& command = *entry.parent.add_subcommand(entry.name, entry.help);
    AddClientOptions(command, globals);
    const bool lints = entry.run == &LintHistory;
    AddSource(command, *options, entry.source, !lints);
    if (lints) {
      command.add_flag("--all", options->all, "Every run of the store that --data names");
      command.add_flag("--foreign", options->foreign, "The history was written by another server of Temporal's API");
    }
    if (entry.writes) {
      command.add_option("--file", options->file, "Write here instead of to standard output");
      command.add_option("-f", options->file, "As --file")->group("");
    }
    command.footer(entry.footer);
    command.callback([&globals, options, run = entry.run] { globals.Run([&] { return run(globals, *options); }); });
  }
}

}  // namespace wfe::cli
