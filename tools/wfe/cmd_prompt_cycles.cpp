// wfe prompts cycles|schedule|experiments|stop-experiment: what the optimizer does, and how it is stopped.
#include <fmt/core.h>

#include <charconv>

#include "activities/learning/cycle/deploy.h"
#include "activities/learning/cycle/measure.h"
#include "activities/learning/records/generations.h"
#include "activities/learning/steps/cycle_steps.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/prompt_cycles.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/schedule_request.h"
#include "workflows/prompt_optimization/prompt_optimization.h"

namespace wfe::cli {
namespace {

using learning::CycleRow;
using learning::Experiment;
using learning::ExperimentState;

struct CyclesOptions {
  RecordsOptions records;
  std::string template_id;
  bool changed = false;
  int64_t limit = 24;
};

Result<int> ListCycles(Globals& globals, const CyclesOptions& options) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  std::vector<CycleRow> cycles;
  WFE_RETURN_IF_ERROR(connection.records()->ScanRows(
      std::string(learning::kCyclesTable), "", [&](const std::string& key, const std::string& value) {
        auto row = learning::ReadRow<CycleRow>(learning::kCyclesTable, key, value);
        if (!row) return Warn(row.error().message, globals.format);
        if (!options.template_id.empty() && row->template_id != options.template_id) return;
        if (!options.changed || row->changed) cycles.push_back(*std::move(row));
      }));
  if (static_cast<int64_t>(cycles.size()) > options.limit) cycles.erase(cycles.begin(), cycles.end() - options.limit);
  Table table({{"TIME", "time", false, false},
               {"TEMPLATE", "template_id", true, false},
               {"USED", "active_version", false, true},
               {"GEN", "generations", false, true},
               {"QUALITY", "quality", false, true, &WithTwoDecimals},
               {"OK", "success", false, true},
               {"WHAT", "sentence", true, false}});
  for (const CycleRow& cycle : cycles) {
    nlohmann::json row = cycle;
    row["time"] = MinuteOf(cycle.at);
    row["generations"] = cycle.window.generations;
    row["quality"] = cycle.window.mean_quality;
    row["success"] = fmt::format("{}/{}", cycle.window.succeeded, cycle.window.finished);
    table.Add(std::move(row));
  }
  if (table.empty() && globals.format == OutputFormat::kText) {
    fmt::print("no cycles\n");
    return kExitOk;
  }
  table.Print(globals.format);
  if (globals.format != OutputFormat::kText) return kExitOk;
  for (const CycleRow& cycle : cycles) {
    if (!cycle.changed || cycle.undo.empty()) continue;
    PrintText(fmt::format("\n{}: {}\n  to undo: {}\n", MinuteOf(cycle.at), cycle.sentence, cycle.undo));
  }
  return kExitOk;
}

struct CycleScheduleOptions {
  std::string id;
  std::string every;
  bool daily = false;
  bool auto_apply = false;
  std::vector<std::string> templates;
  std::string queue;
};

Result<int> ScheduleCycles(Globals& globals, const CycleScheduleOptions& options) {
  if (options.daily && !options.every.empty()) return InvalidArgument("say one of --daily and --every");
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  workflows::PromptOptimizationInput input;
  input.template_ids = options.templates;
  input.options.auto_apply = options.auto_apply;
  input.scheduled = true;
  ScheduleOptions schedule;
  if (options.daily) {
    schedule.crons = {"0 4 * * *"};
  } else {
    schedule.intervals = {options.every.empty() ? "1h" : options.every};
  }
  schedule.id = !options.id.empty() ? options.id : options.daily ? "prompts-daily" : "prompts-hourly";
  schedule.type = std::string(workflows::kPromptOptimizationWorkflow);
  schedule.queue = options.queue.empty() ? config->client.queue : options.queue;
  schedule.input = nlohmann::json(input);
  schedule.overlap = "skip";
  WFE_ASSIGN_OR_RETURN(const auto request, BuildCreateSchedule(globals.Namespace(), schedule));
  WFE_RETURN_IF_ERROR(globals.Call<ws::CreateScheduleResponse>("CreateSchedule", request));
  PrintEvent(
      fmt::format("schedule {} created; `wfe schedule next {}` shows when it runs, `wfe prompts cycles` what it did",
                  schedule.id, schedule.id),
      {{"schedule_id", schedule.id}, {"workflow_type", schedule.type}, {"queue", schedule.queue}}, globals.format);
  return kExitOk;
}

struct ExperimentOptions {
  RecordsOptions records;
  std::string id;
  std::string author;
  std::string reason;
};

/// What a running experiment says now.
Result<learning::ABTestResult> JudgeNow(client::RecordsClient& records, learning::ExperimentStore& store,
                                        const Experiment& experiment, learning::RowProblems& problems) {
  const Instant now = SystemClock().Now();
  WFE_ASSIGN_OR_RETURN(const auto arms, store.Assignments(experiment.experiment_id, problems));
  WFE_ASSIGN_OR_RETURN(const auto observed,
                       learning::LoadObservations(records, experiment, arms, now, problems));
  return learning::Judge(experiment, learning::Summarize(experiment, observed), now);
}

Result<int> ListExperiments(Globals& globals, const ExperimentOptions& options) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  learning::ExperimentStore store(*connection.records());
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(const std::vector<ExperimentState> states, store.List(problems));
  Table table({{"EXPERIMENT", "experiment_id", true, false},
               {"STARTED", "started", false, false},
               {"STATE", "state", false, false},
               {"CONTROL", "control_runs", false, true},
               {"VARIANT", "variant_runs", false, true},
               {"WHY", "why", true, false}});
  for (const ExperimentState& state : states) {
    learning::ABTestResult result;
    if (state.result) {
      result = *state.result;
    } else {
      WFE_ASSIGN_OR_RETURN(result, JudgeNow(*connection.records(), store, state.experiment, problems));
    }
    nlohmann::json row = state.experiment;
    row["result"] = result;
    row["started"] = MinuteOf(state.experiment.started_at);
    row["state"] = state.running() ? "running" : result.winner;
    row["control_runs"] = result.control.samples;
    row["variant_runs"] = result.variant.samples;
    row["why"] = result.reason;
    if (state.running() && result.expected_hours) {
      row["why"] = fmt::format("{} (about {:.1f} h)", result.reason, *result.expected_hours);
    }
    table.Add(std::move(row));
  }
  for (const std::string& problem : problems) Warn(problem, globals.format);
  if (table.empty() && globals.format == OutputFormat::kText) {
    fmt::print("no experiments\n");
  } else {
    table.Print(globals.format);
  }
  return kExitOk;
}

Result<int> StopExperiment(Globals& globals, const ExperimentOptions& options) {
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  learning::ExperimentStore store(*connection.records());
  WFE_ASSIGN_OR_RETURN(const ExperimentState state, store.Get(options.id));
  if (!state.running()) {
    return FailedPrecondition(fmt::format("experiment {} has ended: {}", options.id, state.result->reason));
  }
  const std::string author = PersonAtTheKeyboard(options.author);
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(learning::ABTestResult result,
                       JudgeNow(*connection.records(), store, state.experiment, problems));
  result.winner = learning::kWinnerControl;
  result.recommendation = "keep the control";
  result.reason = fmt::format("stopped by {}: {}", author, options.reason);
  WFE_RETURN_IF_ERROR(store.Decide(result));
  constexpr std::string_view kOfTemplates = "template:";
  const std::string& subject = state.experiment.subject;
  int variant = 0;
  const std::string& version = state.experiment.variant;
  std::from_chars(version.data(), version.data() + version.size(), variant);
  if (subject.starts_with(kOfTemplates)) {
    prompts::TemplateStore templates = connection.Templates(*config);
    WFE_RETURN_IF_ERROR(templates.Mark(prompts::kTemplateGivenUp, subject.substr(kOfTemplates.size()), variant, author,
                                       fmt::format("experiment {} was stopped: {}", options.id, options.reason)));
  }
  PrintEvent(fmt::format("experiment {} is stopped; version {} stays in use, version {} is given up", options.id,
                         state.experiment.control, state.experiment.variant),
             {{"experiment_id", options.id}, {"control", state.experiment.control}, {"variant", version}},
             globals.format);
  return kExitOk;
}

struct TryOptions {
  RecordsOptions records;
  std::string template_id;
  int version = 0;
  std::string author;
  std::string reason;
  learning::CycleOptions options;
};

Result<int> TryVersion(Globals& globals, const TryOptions& options) {
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  prompts::TemplateStore templates = connection.Templates(*config);
  learning::ExperimentStore experiments(*connection.records());
  WFE_ASSIGN_OR_RETURN(const prompts::TemplateState state, templates.State(options.template_id));
  const std::string name = options.template_id + " version " + std::to_string(options.version);
  if (state.Find(options.version) == nullptr) return NotFound("there is no " + name);
  if (state.active == options.version) return FailedPrecondition(name + " is the one in use");
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(const learning::Deployment deployed,
                       learning::Deploy(templates, experiments, options.template_id, options.version, state.active,
                                        PersonAtTheKeyboard(options.author), options.reason, options.options,
                                        SystemClock().Now(), problems));
  for (const std::string& problem : problems) Warn(problem, globals.format);
  if (deployed.mode != learning::kDeployedExperiment) return FailedPrecondition(deployed.note);
  PrintEvent(
      fmt::format("experiment {} runs: {:g} % of the runs use version {}, the others version {}; it is judged by the "
                  "cycles of `wfe prompts schedule`",
                  deployed.experiment_id, 100 * options.options.variant_share, options.version, state.active),
      nlohmann::json(deployed), globals.format);
  return kExitOk;
}

}  // namespace

void AddPromptCycleCommands(CLI::App& prompts, Globals& globals) {
  {
    auto options = std::make_shared<CyclesOptions>();
    CLI::App& cycles = *prompts.add_subcommand("cycles", "What the optimizer did, cycle by cycle, and how to undo it");
    AddClientOptions(cycles, globals);
    AddRecordsOption(cycles, options->records);
    cycles.add_option("template", options->template_id, "Only of this template");
    cycles.add_flag("--changed", options->changed, "Only cycles that changed something");
    cycles.add_option("--limit", options->limit, "The newest so many")->check(WholeNumber(1, 100'000));
    cycles.footer("Examples:\n  wfe prompts cycles\n  wfe prompts cycles generation-python --changed");
    cycles.callback([&globals, options] { globals.Run([&] { return ListCycles(globals, *options); }); });
  }
  {
    auto options = std::make_shared<CycleScheduleOptions>();
    CLI::App& schedule = *prompts.add_subcommand("schedule", "Have prompts optimized every hour");
    AddClientOptions(schedule, globals);
    AddQueueOption(schedule, options->queue);
    schedule.add_option("--id", options->id, "Schedule id (default: prompts-hourly)");
    schedule.add_option("--every", options->every, "Instead of every hour: 30m, 6h …");
    schedule.add_flag("--daily", options->daily, "At 4:00");
    schedule.add_flag("--auto-apply", options->auto_apply,
                      "New versions are used at once, not tried in an experiment first");
    schedule.add_option("--template", options->templates, "Only this template (default: all of generations)");
    schedule.footer(
        "Examples:\n  wfe prompts schedule\n  wfe prompts schedule --every 6h --template generation-python\n\n"
        "A cycle that is due while the one before it still runs is left out.");
    schedule.callback([&globals, options] { globals.Run([&] { return ScheduleCycles(globals, *options); }); });
  }
  {
    auto options = std::make_shared<TryOptions>();
    CLI::App& command = *prompts.add_subcommand("try", "Use a version for a share of the runs, and compare");
    AddClientOptions(command, globals);
    AddRecordsOption(command, options->records);
    command.add_option("template", options->template_id, "Template id")->required();
    command.add_option("version", options->version, "The version to try")->required()->check(WholeNumber(1, 1'000'000));
    command.add_option("--share", options->options.variant_share, "Share of the runs that use it (default 0.1)")
        ->check(NumberFrom(0.001, 0.999));
    command.add_option("--min-samples", options->options.min_samples, "Runs of each arm before anything is compared")
        ->check(WholeNumber(2, 1'000'000));
    command.add_option("--hours", options->options.max_hours, "It ends after so many hours (default 24)")
        ->check(WholeNumber(1, 8760));
    command.add_option("--reason", options->reason, "Why; kept for good")->required();
    command.add_option("--author", options->author, "Who decided (default: the user that runs this)");
    command.footer(
        "Examples:\n  wfe prompts try python-package 3 --share 0.5 --min-samples 30 --hours 168 --reason 'shorter'\n\n"
        "The arm of a run is a hash of its id; a build's trace says it in ext.experiment_arm.\n"
        "Exit codes: 1 it cannot be tried now, 2 bad option, 3 no server answers, 4 no such template or version.");
    command.callback([&globals, options] { globals.Run([&] { return TryVersion(globals, *options); }); });
  }
  {
    auto options = std::make_shared<ExperimentOptions>();
    CLI::App& list = *prompts.add_subcommand("experiments", "Versions that are tried beside the one in use");
    AddClientOptions(list, globals);
    AddRecordsOption(list, options->records);
    list.footer("Example:\n  wfe prompts experiments");
    list.callback([&globals, options] { globals.Run([&] { return ListExperiments(globals, *options); }); });
  }
  {
    auto options = std::make_shared<ExperimentOptions>();
    CLI::App& stop = *prompts.add_subcommand("stop-experiment", "End an experiment; its variant is given up");
    AddClientOptions(stop, globals);
    AddRecordsOption(stop, options->records);
    stop.add_option("experiment", options->id, "Experiment id")->required();
    stop.add_option("--reason", options->reason, "Why; kept for good")->required();
    stop.add_option("--author", options->author, "Who decided (default: the user that runs this)");
    stop.footer("Example:\n  wfe prompts stop-experiment generation-python-v2-1 --reason 'answers got longer'");
    stop.callback([&globals, options] { globals.Run([&] { return StopExperiment(globals, *options); }); });
  }
}

}  // namespace wfe::cli
