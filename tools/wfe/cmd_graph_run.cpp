// wfe graph run
#include "engine/base/parse_json.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/follow.h"
#include "tools/wfe/graph_file.h"
#include "tools/wfe/graph_page.h"
#include "tools/wfe/local.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/runs_here.h"
#include "tools/wfe/start.h"
#include "workflows/graph/graph_workflow.h"

namespace wfe::cli {
namespace {

struct GraphRunOptions {
  std::string file;
  std::string input;
  std::string input_file;
  std::string recorded;
  bool only_recorded = false;
  std::string id;
  std::string queue;
  bool follow = false;
  bool local = false;
  double timeout_s = 0;
};

Result<nlohmann::json> InputOfGraphRun(const GraphRunOptions& options, const graph::Graph& graph) {
  WFE_ASSIGN_OR_RETURN(const auto state, ReadInput(options.input, options.input_file));
  nlohmann::json input = {{"graph", graph}, {"state", state.value_or(nlohmann::json::object())}};
  if (options.recorded.empty() && !options.only_recorded) return input;
  nlohmann::json records = nlohmann::json::array();
  if (!options.recorded.empty()) {
    WFE_ASSIGN_OR_RETURN(const auto read, ReadInput("", options.recorded));
    records = *read;
  }
  input["dry_run"] = {{"recorded", std::move(records)}, {"missing", options.only_recorded ? "fail" : "run"}};
  return input;
}

/// What the run would refuse, said before anything is started.
Status CheckGraphInput(const nlohmann::json& input) {
  try {
    input.get<workflows::GraphInput>();
    return Ok();
  } catch (const nlohmann::json::exception& e) {
    return InvalidArgument(JsonErrorText(e));
  }
}

Result<int> RunGraphFile(Globals& globals, const GraphRunOptions& options) {
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  WFE_ASSIGN_OR_RETURN(const graph::Graph graph, LoadGraph(options.file, {}));
  WFE_ASSIGN_OR_RETURN(const nlohmann::json input, InputOfGraphRun(options, graph));
  WFE_RETURN_IF_ERROR(CheckGraphInput(input));
  const bool here = RunsHere(globals, *config, options.local, "its history is forgotten afterwards");
  if (here) {
    // Nobody else will ever have the types that this program has not.
    WFE_RETURN_IF_ERROR(LoadGraph(options.file, TypesOfThisProgram()));
    WFE_ASSIGN_OR_RETURN(auto stack, LocalStack::Start(*config, {.input = &input["state"],
                                                                .build_id = {},
                                                                .queue = options.queue}));
    globals.Use(std::move(stack));
  }
  const StartOptions start{.type = std::string(workflows::kGraphWorkflow),
                           .input = input,
                           .id = options.id,
                           .queue = options.queue,
                           .id_was_chosen = true};
  WFE_ASSIGN_OR_RETURN(const EndedRun ended, RunToItsEnd(globals, start, here, options.follow, options.timeout_s));
  const auto& [target, outcome] = ended;
  const bool completed = outcome.status == temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_COMPLETED;
  if (!completed || globals.format != OutputFormat::kText) return ReportOutcome(outcome, target, globals.format);
  PrintText(GraphPage(outcome.result.get<workflows::GraphProgress>(), TerminalWidth()));
  return ExitCodeOf(outcome);
}

}  // namespace

void AddGraphRunCommand(CLI::App& graph, Globals& globals) {
  auto options = std::make_shared<GraphRunOptions>();
  CLI::App& command = *graph.add_subcommand("run", "Run a graph to its end, and show what each node took and cost");
  AddClientOptions(command, globals);
  command.add_option("file", options->file, "A file, a sample by name, or - for standard input")->required();
  command.add_option("-i,--input", options->input, "What the graph takes: JSON, @FILE or -");
  command.add_option("--input-file", options->input_file, "The same from a file");
  command.add_option(
      "--recorded", options->recorded,
      "JSON file with results of earlier runs: used where the input is the same, and nothing is run there");
  command.add_flag("--only-recorded", options->only_recorded,
                   "Fail where no result is recorded instead of running anything");
  command.add_option("-w,--id", options->id, "Workflow id (default: made up)");
  AddQueueOption(command, options->queue);
  command.add_flag("--follow", options->follow, "Show every step live (the default on a terminal)");
  command.add_flag("--local", options->local, "Run it here and now, in an engine and worker of this process");
  command.add_option("--timeout", options->timeout_s,
      "Stop waiting after so many seconds (the run goes on; with --local it is cancelled)")
      ->check(Seconds());
  command.footer(
      "Examples:\n"
      "  wfe graph run triage --input '{\"task\": \"count words\"}' --local\n"
      "  wfe graph run release.json --input @release-7.json --id release-7\n"
      "  wfe graph run release.json --input @release-7.json --recorded results.json --only-recorded\n\n"
      "The exit code is 0 when the run completed, 2 when the graph or its input is wrong, else as of `wfe submit`.");
  command.callback([&globals, options] { globals.Run([&] { return RunGraphFile(globals, *options); }); });
}

}  // namespace wfe::cli
