// wfe optimize monitor start|stop|status|events
#include <fmt/core.h>

#include "activities/delivery/records/monitor_log.h"
#include "activities/delivery/records/version_store.h"
#include "tools/wfe/ask_workflow.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/optimize_commands.h"
#include "tools/wfe/prompt_cycles.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/schedule_request.h"
#include "tools/wfe/start.h"
#include "workflows/delivery/monitor_workflow.h"

namespace wfe::cli {
namespace {

using delivery::MonitoringEvent;

struct MonitorOptions {
  RecordsOptions records;
  std::string workflow;
  std::string every;
  std::string window;
  double significance = -1;
  bool no_rollback = false;
  std::string queue;
  std::string author;
  std::string reason;
  bool open = false;
  int64_t limit = 50;
};

/// One monitor for each workflow: its id says so.
std::string MonitorId(const std::string& workflow) { return "monitor-" + workflow; }

Result<int> StartMonitor(Globals& globals, const MonitorOptions& options) {
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  workflows::MonitorInput input{.workflow_id = options.workflow};
  input.auto_rollback = !options.no_rollback;
  if (!options.every.empty()) {
    WFE_ASSIGN_OR_RETURN(const auto span, ParseSpan("--every", options.every));
    input.watch_every_s = span.seconds();
    input.check_every_s = std::min(input.check_every_s, input.watch_every_s);
  }
  if (!options.window.empty()) {
    WFE_ASSIGN_OR_RETURN(const auto span, ParseSpan("--window", options.window));
    input.window_s = span.seconds();
  }
  if (options.significance > 0) input.rules.significance = options.significance;
  try {
    CheckRecord(input);
  } catch (const nlohmann::json::exception& e) {
    return InvalidArgument(JsonErrorText(e));
  }
  // A monitor of a misspelt name would watch nothing for good.
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  const Result<delivery::VersionState> versions = delivery::VersionStore(*connection.records()).Get(options.workflow);
  if (!versions) return versions.error();
  WFE_ASSIGN_OR_RETURN(const Target target, StartWorkflow(globals, {.type = std::string(workflows::kMonitorWorkflow),
                                                                    .input = nlohmann::json(input),
                                                                    .id = MonitorId(options.workflow),
                                                                    .queue = options.queue}));
  WarnAboutQueue(globals, options.queue.empty() ? config->client.queue : options.queue);
  PrintEvent(fmt::format("{} is watched; `wfe optimize monitor events {}` shows what was told", options.workflow,
                         options.workflow),
             {{"monitor", target.workflow_id}, {"workflow_id", options.workflow}, {"run_id", target.run_id}},
             globals.format);
  return kExitOk;
}

Result<int> StopMonitor(Globals& globals, const MonitorOptions& options) {
  const workflows::MonitorStop stop{.author = PersonAtTheKeyboard(options.author), .reason = options.reason};
  WFE_RETURN_IF_ERROR(
      SendSignal(globals, MonitorId(options.workflow), workflows::kMonitorStopSignal, nlohmann::json(stop)));
  PrintEvent(options.workflow + " is not watched any more", {{"workflow_id", options.workflow}}, globals.format);
  return kExitOk;
}

Result<int> ShowMonitor(Globals& globals, const MonitorOptions& options) {
  WFE_ASSIGN_OR_RETURN(const nlohmann::json answer,
                       AskWorkflow(globals, {MonitorId(options.workflow), ""}, workflows::kMonitorStatusQuery));
  if (globals.format != OutputFormat::kText) {
    PrintJson(answer, globals.format);
    return kExitOk;
  }
  const auto progress = answer.get<workflows::MonitorProgress>();
  nlohmann::ordered_json about = {{"workflow", options.workflow},
                                  {"checks", progress.checks},
                                  {"last check", progress.last_check_at},
                                  {"told", progress.raised},
                                  {"rollbacks", progress.rollbacks}};
  if (progress.last) {
    about["version"] = progress.last->version_id;
    about["runs in the window"] = progress.last->runs;
    if (progress.last->check) about["against the one before"] = progress.last->check->sentence;
    if (!progress.last->why.empty()) about["what is wrong"] = progress.last->why;
  }
  if (progress.hook_failures > 0) about["hook"] = progress.last_hook_failure;
  PrintObject(about, globals.format);
  return kExitOk;
}

Result<int> ListMonitorEvents(Globals& globals, const MonitorOptions& options) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  const delivery::MonitorLog log(*connection.records());
  std::vector<MonitoringEvent> events;
  if (options.workflow.empty()) {
    learning::RowProblems problems;
    WFE_ASSIGN_OR_RETURN(events, log.AllEvents(problems));
    for (const std::string& problem : problems) Warn(problem, globals.format);
  } else {
    WFE_ASSIGN_OR_RETURN(events, log.Events(options.workflow));
  }
  if (options.open) {
    std::map<std::string, std::vector<MonitoringEvent>> of_workflow;
    for (MonitoringEvent& event : events) of_workflow[event.workflow_id].push_back(std::move(event));
    events.clear();
    for (const auto& [id, all] : of_workflow) {
      for (const auto& [type, event] : delivery::Lasting(all)) events.push_back(event);
    }
  }
  if (static_cast<int64_t>(events.size()) > options.limit) events.erase(events.begin(), events.end() - options.limit);
  Table table({{"TIME", "minute", false, false},
               {"WORKFLOW", "workflow_id", true, false},
               {"SEVERITY", "severity", false, false},
               {"WHAT", "type", false, false},
               {"", "state", false, false},
               {"DESCRIPTION", "description", true, false}});
  for (const MonitoringEvent& event : events) {
    nlohmann::json row = event;
    row["minute"] = MinuteOf(event.time);
    table.Add(std::move(row));
  }
  if (table.empty() && globals.format == OutputFormat::kText) {
    fmt::print("no events\n");
  } else {
    table.Print(globals.format);
  }
  return kExitOk;
}

using MonitorBody = Result<int> (*)(Globals&, const MonitorOptions&);

}  // namespace

void AddOptimizeMonitorCommands(CLI::App& optimize, Globals& globals) {
  CLI::App& monitor =
      *optimize.add_subcommand("monitor", "Watch the version in service, tell what is wrong, take it back")
           ->require_subcommand(1);
  monitor.footer("Examples:\n  wfe optimize monitor start report\n  wfe optimize monitor events --open");
  const auto add = [&](const char* name, const char* help, const char* footer, bool required, MonitorBody body) {
    auto options = std::make_shared<MonitorOptions>();
    CLI::App& command = *monitor.add_subcommand(name, help);
    AddClientOptions(command, globals);
    CLI::Option* const workflow = command.add_option("workflow", options->workflow, "The definition's name");
    if (required) workflow->required();
    command.footer(footer);
    command.callback([&globals, options, body] { globals.Run([&] { return body(globals, *options); }); });
    return std::pair<CLI::App*, std::shared_ptr<MonitorOptions>>(&command, options);
  };
  {
    const auto [start, options] = add(
        "start", "Watch a workflow until it is stopped",
        "Examples:\n  wfe optimize monitor start report\n  wfe optimize monitor start report --every 5m --no-rollback",
        true, &StartMonitor);
    AddQueueOption(*start, options->queue);
    start->add_option("--every", options->every, "How often the last hour is looked at (default 10m)");
    start->add_option("--window", options->window, "What is looked at (default 1h)");
    start
        ->add_option("--significance", options->significance,
                     "A window must be this unlikely without a change (default 0.001; 1: the thresholds alone)")
        ->check(NumberFrom(1e-9, 1.0));
    start->add_flag("--no-rollback", options->no_rollback, "Tell only, take nothing back");
  }
  {
    const auto [stop, options] =
        add("stop", "Stop watching a workflow", "Example:\n  wfe optimize monitor stop report --reason 'retired'", true,
            &StopMonitor);
    stop->add_option("--reason", options->reason, "Why; kept for good")->required();
    stop->add_option("--author", options->author, "Who decided (default: the user that runs this)");
  }
  add("status", "What the monitor of a workflow saw last", "Example:\n  wfe optimize monitor status report", true,
      &ShowMonitor);
  {
    const auto [events, options] =
        add("events", "What monitors told, of all workflows or of one",
            "Examples:\n  wfe optimize monitor events\n  wfe optimize monitor events report --open --output json",
            false, &ListMonitorEvents);
    AddRecordsOption(*events, options->records);
    events->add_flag("--open", options->open, "Only what still lasts");
    events->add_option("--limit", options->limit, "The newest so many")->check(WholeNumber(1, 100'000));
  }
}

}  // namespace wfe::cli
