// wfe optimize suggest|search|validate|abtest|predict: single steps of what a session does.
#include <fmt/core.h>

#include "activities/delivery/records/version_experiment.h"
#include "activities/optimizer/learning/predictor_store.h"
#include "activities/optimizer/search/algorithms.h"
#include "activities/optimizer/steps/profiled_workflow.h"
#include "activities/optimizer/strategies/apply.h"
#include "activities/optimizer/strategies/strategy.h"
#include "engine/base/counted.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/follow.h"
#include "tools/wfe/graph_file.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/optimize_commands.h"
#include "tools/wfe/prompt_cycles.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/record_file.h"
#include "tools/wfe/start.h"
#include "workflows/optimizer/validation_workflow.h"

namespace wfe::cli {
namespace {

using optimizer::OptimizationResult;
using optimizer::ProfiledWorkflow;

struct StepOptions {
  RecordsOptions records;
  std::string workflow;
  std::string type;  ///< Of suggest alone: of a workflow in C++.
  std::string catalog;
  int64_t executions = 100;
};

struct SearchOptions {
  StepOptions step;
  std::string algorithm{optimizer::kHillClimbing};
  bool compare = false;
  double seconds = 30;
  int64_t seed = 1;
  std::string out;
};

struct ValidateOptions {
  StepOptions step;
  std::string version;
  std::string file;
  std::string equivalence;
  std::string constraints;
  int64_t trials = 5;
  std::string queue;
};

struct AbTestOptions {
  RecordsOptions records;
  std::string workflow;
  std::string version;
  std::string id;
  std::string reason;
  std::string author;
  double percent = 10;
  int64_t min_samples = 100;
  int64_t max_hours = 24;
};

struct PredictOptions {
  StepOptions step;
  std::string input;
  std::string input_file;
};

Result<ProfiledWorkflow> ProfileFor(client::RecordsClient& records, const StepOptions& options,
                                    const optimizer::Catalog& catalog, OutputFormat format) {
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(ProfiledWorkflow workflow, ProfileLast(records, options.workflow, options.executions, {}, catalog,
                                                              SystemClock().Now(), problems));
  for (const std::string& problem : problems) Warn(problem, format);
  return workflow;
}

Result<optimizer::Suggestions> FindSuggestions(Globals& globals, const StepOptions& options) {
  if (options.workflow.empty() == options.type.empty()) {
    return InvalidArgument("give the name of a managed workflow, or --type with a workflow type");
  }
  WFE_ASSIGN_OR_RETURN(const auto catalog, ReadRecordFile<optimizer::Catalog>(options.catalog, "the catalog"));
  if (!options.type.empty()) {
    WFE_ASSIGN_OR_RETURN(const auto profile, ProfileOfType(globals, options.type, options.executions, catalog));
    return Suggest(nullptr, profile, catalog);
  }
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  WFE_ASSIGN_OR_RETURN(const ProfiledWorkflow workflow,
                       ProfileFor(*connection.records(), options, catalog, globals.format));
  return Suggest(workflow.GraphOrNull(), workflow.profile, catalog);
}

Result<int> ShowSuggestions(Globals& globals, const StepOptions& options) {
  WFE_ASSIGN_OR_RETURN(const optimizer::Suggestions found, FindSuggestions(globals, options));
  if (globals.format != OutputFormat::kText) {
    PrintJson(found, globals.format);
    return kExitOk;
  }
  Table table({{"ID", "suggestion_id", false, false},
               {"STRATEGY", "strategy_type", false, false},
               {"TIME", "time", false, true},
               {"COST", "cost", false, true},
               {"RISK", "risk_level", false, false},
               {"NEEDS", "needs", false, false},
               {"WHAT", "description", true, false}});
  for (const optimizer::OptimizationSuggestion& suggestion : found.made) {
    nlohmann::json row = suggestion;
    row["time"] = fmt::format("{:+.1f} %", -100 * suggestion.estimated_improvement.duration_reduction);
    row["cost"] = fmt::format("{:+.1f} %", -100 * suggestion.estimated_improvement.cost_reduction);
    table.Add(std::move(row));
  }
  if (table.empty()) {
    PrintText("no suggestions\n");
  } else {
    table.Print(globals.format);
  }
  if (!found.refused.empty()) PrintText("\nlooked at and not proposed:\n");
  for (const optimizer::Refusal& refusal : found.refused) {
    PrintText("  " + refusal.strategy_type + " of " + refusal.target + ": " + refusal.reason + "\n");
  }
  return kExitOk;
}

Status WriteGraph(const std::string& file, const graph::Graph& graph) {
  if (file.empty()) return Ok();
  return WriteTextFile(file, nlohmann::json(graph).dump(2) + "\n");
}

Result<int> SearchVariants(Globals& globals, const SearchOptions& options) {
  WFE_ASSIGN_OR_RETURN(const auto catalog, ReadRecordFile<optimizer::Catalog>(options.step.catalog, "the catalog"));
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.step.records));
  WFE_ASSIGN_OR_RETURN(const ProfiledWorkflow workflow,
                       ProfileFor(*connection.records(), options.step, catalog, globals.format));
  if (!workflow.graph) {
    return FailedPrecondition(workflow.window.version_id + " is a workflow in C++; there is no graph to search in");
  }
  std::vector<std::string> algorithms = {options.algorithm};
  if (options.compare) {
    algorithms = {std::string(optimizer::kHillClimbing), std::string(optimizer::kSimulatedAnnealing),
                  std::string(optimizer::kGenetic)};
  }
  const optimizer::SearchProblem problem{.start = *workflow.graph, .profile = workflow.profile, .catalog = catalog};
  std::vector<OptimizationResult> results;
  for (const std::string& algorithm : algorithms) {
    WFE_ASSIGN_OR_RETURN(OptimizationResult result, SearchBy(algorithm, problem, static_cast<uint64_t>(options.seed),
                                                             {.seconds = options.seconds}));
    results.push_back(std::move(result));
  }
  const OptimizationResult& best = *std::ranges::max_element(results, {}, &OptimizationResult::score);
  WFE_RETURN_IF_ERROR(WriteGraph(options.out, best.optimized_workflow));
  Table table({{"ALGORITHM", "algorithm", false, false},
               {"SCORE", "score", false, true, &WithFourDecimals},
               {"TIME", "duration_s", false, true, &AsDuration},
               {"COST", "cost_usd", false, true, &AsDollars},
               {"CHANGES", "change_count", false, true},
               {"EVALUATIONS", "evaluations", false, true},
               {"TOOK", "seconds", false, true, &AsDuration},
               {"ENDED", "stopped_by", false, false}});
  for (const OptimizationResult& result : results) {
    nlohmann::json row = result;
    row["duration_s"] = result.optimized.duration;
    row["cost_usd"] = result.optimized.cost;
    row["change_count"] = result.changes.size();
    table.Add(std::move(row));
  }
  if (globals.format == OutputFormat::kText) {
    PrintText(fmt::format("{} as it is: score {:.4f}, {:.2f} s, ${:.4f}\n", workflow.window.version_id,
                          best.start_score, best.start.duration, best.start.cost));
  }
  table.Print(globals.format);
  if (globals.format == OutputFormat::kText) {
    for (const std::string& step : best.path) PrintText("  " + step + "\n");
  }
  return kExitOk;
}

/// The graph that is to be tried: a file's, or a version's.
Result<nlohmann::json> VariantOf(client::RecordsClient& records, const ValidateOptions& options) {
  if (!options.file.empty()) {
    WFE_ASSIGN_OR_RETURN(const graph::Graph graph, LoadGraph(options.file, {}));
    return nlohmann::json(graph);
  }
  const delivery::VersionStore store(records);
  WFE_ASSIGN_OR_RETURN(const auto state, store.Get(options.step.workflow));
  WFE_ASSIGN_OR_RETURN(const int version, delivery::ParseVersion(options.step.workflow, options.version));
  WFE_RETURN_IF_ERROR(state.Usable(version));
  WFE_ASSIGN_OR_RETURN(const std::string content, store.Content(state, version));
  return ParseJson(content, kMaxStoredJsonDepth);
}

Result<int> Validate(Globals& globals, const ValidateOptions& options) {
  if (options.file.empty() == options.version.empty()) return InvalidArgument("give a version, or --file with a graph");
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.step.records));
  workflows::ValidationInput input{
      .workflow_id = options.step.workflow, .executions = options.step.executions, .trials = options.trials};
  WFE_ASSIGN_OR_RETURN(input.variant, VariantOf(*connection.records(), options));
  WFE_ASSIGN_OR_RETURN(input.catalog, ReadRecordFile<optimizer::Catalog>(options.step.catalog, "the catalog"));
  WFE_ASSIGN_OR_RETURN(input.equivalence,
                       ReadRecordFile<delivery::EquivalencePolicy>(options.equivalence, "the policy"));
  WFE_ASSIGN_OR_RETURN(input.constraints,
                       ReadRecordFile<delivery::OptimizationConstraints>(options.constraints, "the constraints"));
  WFE_ASSIGN_OR_RETURN(const Target target, StartWorkflow(globals, {.type = std::string(workflows::kVariantValidation),
                                                                    .input = nlohmann::json(input),
                                                                    .id = "",
                                                                    .queue = options.queue}));
  WarnAboutQueue(globals, options.queue.empty() ? config->client.queue : options.queue);
  WFE_ASSIGN_OR_RETURN(const Outcome outcome, FollowRun(globals, target, {.show_steps = false, .timeout = {}}));
  const bool completed = outcome.status == temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_COMPLETED;
  if (!completed || globals.format != OutputFormat::kText) return ReportOutcome(outcome, target, globals.format);
  const auto result = outcome.result.get<delivery::ValidationResult>();
  PrintText(fmt::format("{}: {}\n  {:.2f} times as fast, {:+.1f} % of the cost\n", result.recommendation, result.reason,
                        result.speedup, -100 * result.cost_reduction));
  for (const delivery::EquivalenceCheck& check : result.equivalence_checks) {
    PrintText("  " + check.input + ": " + (check.equivalent ? std::string("the same") : check.difference) + "\n");
  }
  for (const delivery::ConstraintViolation& violation : result.violations) {
    PrintText("  " + violation.severity + " " + violation.type + ": " + violation.description + "\n");
  }
  return result.recommendation == delivery::kReject ? kExitFailed : kExitOk;
}

Result<int> StartAbTest(Globals& globals, const AbTestOptions& options) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  WFE_ASSIGN_OR_RETURN(const int version, delivery::ParseVersion(options.workflow, options.version));
  learning::Experiment experiment;
  experiment.variant = delivery::VersionId(options.workflow, version);
  experiment.experiment_id = options.id.empty() ? experiment.variant + "-ab-" + NewRequestId().substr(0, 8) : options.id;
  experiment.variant_share = options.percent / 100;
  experiment.min_samples = options.min_samples;
  experiment.max_hours = options.max_hours;
  experiment.started_at = TimeNow();
  experiment.author = PersonAtTheKeyboard(options.author);
  experiment.reason = options.reason;
  WFE_ASSIGN_OR_RETURN(const bool started,
                       delivery::StartVersionExperiment(*connection.records(), options.workflow, experiment));
  if (!started) return FailedPrecondition("there is an experiment " + experiment.experiment_id + " already");
  PrintEvent(fmt::format("{} gets {:g} % of new runs; `wfe optimize abtest status {}` shows how it compares",
                         experiment.variant, options.percent, experiment.experiment_id),
             {{"experiment_id", experiment.experiment_id}}, globals.format);
  return kExitOk;
}

Result<int> ShowAbTest(Globals& globals, const AbTestOptions& options) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(const learning::ABTestResult result,
                       delivery::JudgeVersionExperiment(*connection.records(), options.id, {}, SystemClock().Now(), problems));
  for (const std::string& problem : problems) Warn(problem, globals.format);
  if (globals.format != OutputFormat::kText) {
    PrintJson(result, globals.format);
    return kExitOk;
  }
  nlohmann::ordered_json about = {{"experiment", result.experiment_id},
                                  {"winner", result.decided() ? result.winner : "not decided yet"},
                                  {"reason", result.reason},
                                  {"runs of control", result.control.samples},
                                  {"runs of variant", result.variant.samples}};
  if (!result.decided()) about["runs still needed"] = result.expected_requests;
  if (!result.decided() && result.expected_hours) about["hours still needed"] = *result.expected_hours;
  PrintObject(about, globals.format);
  for (const learning::MetricTest& test : result.tests) {
    PrintText(fmt::format("  {}: {:.4g} against {:.4g} (p {:.3g} after Holm{})\n", test.metric, test.mean_control,
                          test.mean_variant, test.p_adjusted,
                          test.better ? ", better" : test.worse ? ", worse" : ""));
  }
  return kExitOk;
}

Result<int> ShowPrediction(Globals& globals, const PredictOptions& options) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.step.records));
  WFE_ASSIGN_OR_RETURN(const auto input, ReadInput(options.input, options.input_file));
  const delivery::VersionStore store(*connection.records());
  WFE_ASSIGN_OR_RETURN(const auto state, store.Get(options.step.workflow));
  WFE_ASSIGN_OR_RETURN(const std::string content, store.Content(state, state.in_service));
  WFE_ASSIGN_OR_RETURN(const auto graph, optimizer::GraphOf(content));
  optimizer::PredictInput ask{.workflow_id = options.step.workflow,
                              .graph = graph ? nlohmann::json(*graph) : nlohmann::json(),
                              .input = input.value_or(nullptr),
                              .context = {.at = TimeNow(), .recent_load = {}, .resource_availability = {}},
                              .similar = {}};
  WFE_ASSIGN_OR_RETURN(const optimizer::Prediction prediction, Predict(*connection.records(), ask));
  if (globals.format != OutputFormat::kText) {
    PrintJson(prediction, globals.format);
    return kExitOk;
  }
  const auto line = [](const char* name, const std::string& value, const optimizer::PredictedValue& said) {
    PrintText(fmt::format("{:<10}{:>12}  from the {}{}\n", name, value, said.source,
                          said.reason.empty() ? "" : ": " + said.reason));
  };
  line("duration", fmt::format("{:.2f} s", prediction.duration_s.value), prediction.duration_s);
  line("cost", fmt::format("${:.4f}", prediction.cost_usd.value), prediction.cost_usd);
  line("success", fmt::format("{:.0f} %", 100 * prediction.success_probability.value), prediction.success_probability);
  PrintText(fmt::format("confidence {:.2f}, learned from {} until {}\n", prediction.confidence,
                        Counted(prediction.examples, "run"), prediction.trained_at));
  return kExitOk;
}

void AddStepOptions(CLI::App& command, Globals& globals, StepOptions& options, bool required = true) {
  AddClientOptions(command, globals);
  AddRecordsOption(command, options.records);
  command.add_option("workflow", options.workflow, "A managed workflow")->required(required);
  command.add_option("--last", options.executions, "Look at the last so many executions (default 100)")
      ->check(WholeNumber(1, 100'000));
  command.add_option("--catalog", options.catalog, "JSON file with the tools and models that there are");
}

void AddAbTest(CLI::App& optimize, Globals& globals) {
  CLI::App& abtest = *optimize.add_subcommand("abtest", "Compare two versions on live runs")->require_subcommand(1);
  abtest.footer("Examples:\n  wfe optimize abtest start report v1 --reason 'suggestion 7'");
  auto options = std::make_shared<AbTestOptions>();
  CLI::App& start = *abtest.add_subcommand("start", "Give a share of new runs another version");
  AddClientOptions(start, globals);
  AddRecordsOption(start, options->records);
  start.add_option("workflow", options->workflow, "A managed workflow")->required();
  start.add_option("version", options->version, "Version: v2")->required();
  start.add_option("--reason", options->reason, "Why; kept for good")->required();
  start.add_option("--author", options->author, "Who decided (default: the user that runs this)");
  start.add_option("--share", options->percent, "Percent of new runs (default 10)")->check(NumberFrom(0.1, 99.9));
  start.add_option("--min-samples", options->min_samples, "Runs of each version, at least (default 100)")
      ->check(WholeNumber(2, 1'000'000));
  start.add_option("--max-hours", options->max_hours, "How long it may take (default 24)")->check(WholeNumber(1, 2160));
  start.add_option("-w,--id", options->id, "Experiment id (default: made up)");
  start.footer("Example:\n  wfe optimize abtest start report v1 --share 20 --reason 'suggestion 7'");
  start.callback([&globals, options] { globals.Run([&] { return StartAbTest(globals, *options); }); });
  auto asked = std::make_shared<AbTestOptions>();
  CLI::App& status = *abtest.add_subcommand("status", "What an experiment says so far");
  AddClientOptions(status, globals);
  AddRecordsOption(status, asked->records);
  status.add_option("experiment", asked->id, "Experiment id")->required();
  status.footer("Example:\n  wfe optimize abtest status report_v1-ab-1f2e3d4c");
  status.callback([&globals, asked] { globals.Run([&] { return ShowAbTest(globals, *asked); }); });
}

}  // namespace

void AddOptimizeSearchCommands(CLI::App& optimize, Globals& globals) {
  auto suggested = std::make_shared<StepOptions>();
  CLI::App& suggest = *optimize.add_subcommand("suggest", "Show what could be changed, and what is refused and why");
  AddStepOptions(suggest, globals, *suggested, /*required=*/false);
  suggest.add_option("--type", suggested->type, "Read the histories of closed runs of this type instead of records");
  suggest.footer("Examples:\n  wfe optimize suggest report --catalog tools.json\n"
                 "  wfe optimize suggest --type AuditedBuildWorkflow");
  suggest.callback([&globals, suggested] { globals.Run([&] { return ShowSuggestions(globals, *suggested); }); });

  auto searched = std::make_shared<SearchOptions>();
  CLI::App& search = *optimize.add_subcommand("search", "Look for the best combination of changes");
  AddStepOptions(search, globals, searched->step);
  search.add_option("--algorithm", searched->algorithm, "hill_climbing (default), simulated_annealing or genetic");
  search.add_flag("--compare", searched->compare, "All of them, side by side");
  search.add_option("--seconds", searched->seconds, "At most so long each (default 30)")->check(Seconds());
  search.add_option("--seed", searched->seed, "Of the algorithms that have one (default 1)")
      ->check(WholeNumber(0, 1'000'000'000));
  search.add_option("--out", searched->out, "Write the best graph to this file");
  search.footer("Examples:\n  wfe optimize search report\n  wfe optimize search report --compare --out faster.json");
  search.callback([&globals, searched] { globals.Run([&] { return SearchVariants(globals, *searched); }); });

  auto validated = std::make_shared<ValidateOptions>();
  CLI::App& validate = *optimize.add_subcommand("validate", "Run a version dry on recorded runs, and compare");
  AddStepOptions(validate, globals, validated->step);
  AddQueueOption(validate, validated->queue);
  validate.add_option("version", validated->version, "Version: v2");
  validate.add_option("--file", validated->file, "A graph that is no version yet");
  validate.add_option("--trials", validated->trials, "Recorded runs (default 5)")->check(WholeNumber(1, 20));
  validate.add_option("--equivalence", validated->equivalence, "JSON file with what counts as the same output");
  validate.add_option("--constraints", validated->constraints, "JSON file with limits that it must keep");
  validate.footer(
      "Steps whose input is as recorded are not run; the others are, and cost what they cost.\n"
      "Example:\n  wfe optimize validate report v1\nThe exit code is 1 when it is rejected.");
  validate.callback([&globals, validated] { globals.Run([&] { return Validate(globals, *validated); }); });
  AddAbTest(optimize, globals);

  auto predicted = std::make_shared<PredictOptions>();
  CLI::App& predict = *optimize.add_subcommand("predict", "Say what a run will last and cost, and how sure that is");
  AddStepOptions(predict, globals, predicted->step);
  predict.add_option("-i,--input", predicted->input, "The run's input: JSON, @FILE or -");
  predict.add_option("--input-file", predicted->input_file, "The same from a file");
  predict.footer("Example:\n  wfe optimize predict report --input '{\"task\": \"count words\"}'");
  predict.callback([&globals, predicted] { globals.Run([&] { return ShowPrediction(globals, *predicted); }); });
}

}  // namespace wfe::cli
