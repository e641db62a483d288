// wfe generate "TASK": one node at once, with what each step took and cost.
#include <fmt/core.h>

#include <filesystem>

#include "engine/base/parse_json.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/follow.h"
#include "tools/wfe/generation_page.h"
#include "tools/wfe/local.h"
#include "tools/wfe/model_there.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/runs_here.h"
#include "tools/wfe/start.h"
#include "tools/wfe/text_file.h"
#include "workflows/generation/generation.h"

namespace wfe::cli {
namespace {

/// A task for which answers are shipped, so that everything can be tried without a model.
constexpr std::string_view kSampleTask = "count the words of a text";
constexpr std::string_view kSampleCassette = "count_words";

struct GenerateOptions {
  std::string task;
  std::string language = "python";
  std::string node_id;
  std::string out;
  std::string tests;
  std::string tools;
  std::string model;
  std::string plan_model;
  std::string escalate_model;
  std::string agent;
  double max_cost_usd = -1;
  std::string cache;
  bool preflight = false;
  std::string id;
  std::string queue;
  bool follow = false;
  bool local = false;
  double timeout_s = 0;
};

Result<nlohmann::json> InputOf(const GenerateOptions& options) {
  nlohmann::json input = {{"task", options.task}, {"language", options.language}};
  if (!options.node_id.empty()) input["node_id"] = options.node_id;
  if (!options.plan_model.empty()) input["plan_model"] = options.plan_model;
  if (!options.model.empty()) input["generate_model"] = options.model;
  if (!options.escalate_model.empty()) input["escalate_model"] = options.escalate_model;
  if (!options.agent.empty()) input["backend"] = options.agent;
  if (options.max_cost_usd >= 0) input["max_cost_usd"] = options.max_cost_usd;
  if (!options.cache.empty()) input["cache"] = options.cache;
  if (options.preflight) input["preflight"] = true;
  for (const auto& [file, name] : {std::pair{options.tests, "tests"}, std::pair{options.tools, "tools"}}) {
    if (file.empty()) continue;
    WFE_ASSIGN_OR_RETURN(const auto read, ReadInput("", file));
    input[name] = *read;
  }
  return input;
}

/// Canned answers where there is no model, for the one task that has some.
Status UseSample(nlohmann::json& input) {
  if (input["task"] != kSampleTask || input["language"] != "python") {
    return FailedPrecondition(fmt::format(
        "no model is configured: set GEMINI_API_KEY, or [agent] in the configuration (docs/agents.md); without one there is "
        "the sample: wfe generate \"{}\"",
        kSampleTask));
  }
  input["backend"] = "scripted";
  for (const char* const model : {"plan_model", "generate_model", "escalate_model"}) input[model] = kSampleCassette;
  return Ok();
}

/// Before anything is spent: a program that nobody can keep is of no use.
Status CheckOut(const std::string& path) {
  if (path.empty()) return Ok();
  const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return InvalidArgument("--out " + path + " is a directory; name a file");
  if (!std::filesystem::is_directory(folder, ignored)) {
    return InvalidArgument("--out " + path + ": there is no directory " + folder.string());
  }
  return Ok();
}

Result<int> Generate(Globals& globals, const GenerateOptions& options) {
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  if (options.task.find_first_not_of(" \t\r\n") == std::string::npos) {
    return InvalidArgument("say what the program shall do: wfe generate \"TASK\"");
  }
  WFE_ASSIGN_OR_RETURN(nlohmann::json input, InputOf(options));
  WFE_RETURN_IF_ERROR(CheckOut(options.out));
  const bool here = RunsHere(globals, *config, options.local, "what is learned is forgotten afterwards");
  if (here && !ModelIsThere(*config, options.agent)) WFE_RETURN_IF_ERROR(UseSample(input));
  if (here) {
    WFE_ASSIGN_OR_RETURN(auto stack, LocalStack::Start(*config, {.input = &input, .build_id = {}, .queue = options.queue}));
    globals.Use(std::move(stack));
  }
  const StartOptions start{.type = std::string(workflows::kStreamlinedGenerationWorkflow),
                           .input = input,
                           .id = options.id,
                           .queue = options.queue,
                           .id_was_chosen = true};
  WFE_ASSIGN_OR_RETURN(const EndedRun ended, RunToItsEnd(globals, start, here, options.follow, options.timeout_s));
  const auto& [target, outcome] = ended;
  const bool completed = outcome.status == temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_COMPLETED;
  if (!completed) return ReportOutcome(outcome, target, globals.format);
  const auto result = outcome.result.get<workflows::GenerationResult>();
  const bool succeeded = result.state != workflows::kGenerationFailed;
  if (!options.out.empty() && succeeded) WFE_RETURN_IF_ERROR(WriteTextFile(options.out, result.code));
  if (globals.format == OutputFormat::kText) {
    PrintText(GenerationPage(result, succeeded ? options.out : ""));
  } else {
    PrintObject(nlohmann::ordered_json(outcome.result), globals.format);
  }
  return ExitCodeOf(outcome);
}

}  // namespace

void AddGenerateCommand(CLI::App& app, Globals& globals) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App& command = *app.add_subcommand("generate", "Have a small program made for a task, examined and tested");
  AddClientOptions(command, globals);
  command.add_option("task", options->task, "What the program shall do")->required();
  command.add_option("--language", options->language, "python or cpp (default python)")
      ->transform(OneOf("--language", {"python", "cpp"}));
  command.add_option("--out", options->out, "Write the program to this file");
  command.add_option("--tests", options->tests, "JSON file: [{\"input\": …, \"expect\": [{\"kind\": \"equals\", \"value\": …}]}, …]");
  command.add_option("--tools", options->tools, "JSON file: what call_tool() reaches");
  command.add_option("--node-id", options->node_id, "Name in the registry (default: made from the task)");
  command.add_option("--model", options->model, "Model or tier that writes it (default: as triage says)");
  command.add_option("--plan-model", options->plan_model, "Model or tier that plans (default: small)");
  command.add_option("--escalate-model", options->escalate_model, "Model or tier that is asked last (default: large)");
  command.add_option("--agent", options->agent, "Backend that is asked, e.g. gemini or openai");
  command.add_option("--max-cost", options->max_cost_usd, "Dollars that the run may spend")->check(NotNegative());
  command.add_option("--cache", options->cache, "Use the kept answer to the same question: always, or never (default)")
      ->transform(OneOf("--cache", {"never", "auto", "always"}));
  command.add_flag("--preflight", options->preflight, "Ask the month's quota first: it may delay the run, or refuse it");
  command.add_option("-w,--id", options->id, "Workflow id (default: made up)");
  AddQueueOption(command, options->queue);
  command.add_flag("--follow", options->follow, "Show every step live (the default on a terminal)");
  command.add_flag("--local", options->local, "Run it here and now, in an engine and worker of this process");
  command.add_option("--timeout", options->timeout_s,
      "Stop waiting after so many seconds (the run goes on; with --local it is cancelled)")
      ->check(Seconds());
  command.footer(
      "Examples:\n"
      "  wfe generate \"count the words of a text\"\n"
      "  wfe generate \"mean and median of a list of numbers\" --out stats.py --tests cases.json\n"
      "  wfe generate \"validate an IBAN\" --language cpp --max-cost 0.05 --output json\n\n"
      "The exit code is 0 when the program passed, 5 when it did not, and as of `wfe submit` for a run that did not "
      "complete.");
  command.callback([&globals, options] { globals.Run([&] { return Generate(globals, *options); }); });
}

}  // namespace wfe::cli
