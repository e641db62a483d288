// wfe workflow NAME: packaged workflows over a directory, with deliverables in another (CW-1, CW-5, CL-3).
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>

#include "tools/wfe/follow.h"
#include "tools/wfe/local.h"
#include "tools/wfe/model_there.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/packaged_commands.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/runs_here.h"
#include "tools/wfe/start.h"
#include "tools/wfe/text_file.h"

namespace wfe::cli {
namespace {

namespace fs = std::filesystem;

constexpr auto kFormats = std::to_array<std::pair<std::string_view, OutputFormat>>(
    {{"text", OutputFormat::kText}, {"json", OutputFormat::kJson}, {"jsonl", OutputFormat::kJsonl}});

struct PackagedOptions {
  std::string directory;
  std::vector<std::string> outputs;  ///< As given: the folder, and perhaps a format.
  std::string output;                ///< The folder.
  std::string example;
  std::string model;
  std::string agent;
  std::string cache;
  double max_cost_usd = -1;  ///< Less than 0: no limit of the run's own.
  int64_t patience_s = -1;   ///< Less than 0: the workflow's default.
  bool without_model = false;
  bool force = false;
  bool json = false;
  std::string id;
  std::string queue;
  bool follow = false;
  bool local = false;
  double timeout_s = 0;
  std::shared_ptr<nlohmann::json> parameters = std::make_shared<nlohmann::json>(nlohmann::json::object());
};

/// Of several --output the one that is none of the formats is the folder; other commands call the format so.
Status ReadOutputs(Globals& globals, PackagedOptions& options) {
  options.output.clear();
  if (options.json) globals.format = OutputFormat::kJson;
  for (const std::string& given : options.outputs) {
    const auto format = std::ranges::find(kFormats, given, &std::pair<std::string_view, OutputFormat>::first);
    if (format != kFormats.end()) {
      globals.format = format->second;
    } else if (options.output.empty()) {
      options.output = given;
    } else {
      return InvalidArgument("--output names one folder, and there are two: " + options.output + " and " + given);
    }
  }
  if (!options.output.empty() || options.outputs.empty() || !options.example.empty()) return Ok();
  const std::string& word = options.outputs.front();
  return InvalidArgument("--output " + word + " is how the result is printed; --output OUT beside it names the folder of the "
                         "deliverables (a folder of that name is ./" + word + ")");
}

Status CheckPackagedOptions(const PackagedOptions& options) {
  if (!options.example.empty()) {
    if (options.directory.empty() && options.output.empty()) return Ok();
    return InvalidArgument("--example DIR only writes the example data: no --directory and no --output with it");
  }
  if (options.directory.empty() || options.output.empty()) {
    return InvalidArgument("--directory DIR says what is read and --output OUT where the deliverables go (or: --example DIR)");
  }
  return Ok();
}

std::string AbsoluteFolder(const std::string& given) {
  std::error_code ignored;
  std::string path = fs::absolute(given, ignored).lexically_normal().string();
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

/// Files that are there with another content stay, and nothing is written.
Result<int> WriteExample(Globals& globals, const PackagedCommand& package, const std::string& directory) {
  const auto& files = package.example();
  for (const packaged::ExampleFile& file : files) {
    const fs::path path = fs::path(directory) / file.name;
    std::error_code ignored;
    if (!fs::exists(path, ignored)) continue;
    const Result<std::string> there = ReadTextFile(path.string());
    if (!there || *there != file.text) {
      return FailedPrecondition(path.string() + " is there and is not of the example; nothing was written");
    }
  }
  nlohmann::ordered_json names = nlohmann::ordered_json::array();
  for (const packaged::ExampleFile& file : files) {
    const fs::path path = fs::path(directory) / file.name;
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) return InvalidArgument("cannot make " + path.parent_path().string() + ": " + error.message());
    WFE_RETURN_IF_ERROR(WriteTextFile(path.string(), std::string(file.text)));
    names.push_back(file.name);
  }
  if (globals.format != OutputFormat::kText) {
    PrintObject({{"directory", directory}, {"files", names}}, globals.format);
  } else {
    PrintText(fmt::format("{} files of example data are in {}\nnext: wfe workflow {} --directory {} --output OUT\n",
                          files.size(), directory, package.name, directory));
  }
  return kExitOk;
}

Result<nlohmann::json> InputOfPackaged(const PackagedCommand& package, const PackagedOptions& options) {
  workflows::PackagedInput input;
  input.project_dir = AbsoluteFolder(options.directory);
  input.output_dir = AbsoluteFolder(options.output);
  if ((input.output_dir + "/").starts_with(input.project_dir + "/")) {
    return InvalidArgument("--output must not lie in --directory: its files would be read as documents the next time");
  }
  input.model = options.model;
  input.backend = options.agent;
  input.cache = options.cache;
  input.without_model = options.without_model;
  input.force = options.force;
  if (options.max_cost_usd >= 0) {
    WFE_ASSIGN_OR_RETURN(input.max_cost_usd, Money::FromNumber(options.max_cost_usd));
  }
  if (options.patience_s >= 0) input.patience_s = options.patience_s;
  WFE_RETURN_IF_ERROR(package.check(*options.parameters));
  if (!options.parameters->empty()) input.parameters = *options.parameters;
  return nlohmann::json(input);
}

Result<int> RunPackaged(Globals& globals, const PackagedCommand& package, PackagedOptions& options) {
  WFE_RETURN_IF_ERROR(ReadOutputs(globals, options));
  WFE_RETURN_IF_ERROR(CheckPackagedOptions(options));
  if (!options.example.empty()) return WriteExample(globals, package, options.example);
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  WFE_ASSIGN_OR_RETURN(nlohmann::json input, InputOfPackaged(package, options));
  const bool here = RunsHere(globals, *config, options.local, "what it spends is counted for this run alone");
  if (here) {
    const std::string directory = input["project_dir"];
    WFE_RETURN_IF_ERROR(CheckDirectoryIsThere(directory));
    if (!options.without_model && !ModelIsThere(*config, options.agent)) {
      input["backend"] = "scripted";
      input["model"] = package.sample;
      Warn("no model is configured: canned answers stand in for it, which know the example data only", globals.format);
    }
    WFE_ASSIGN_OR_RETURN(auto stack, LocalStack::Start(*config, {.input = &input,
                                                                 .build_id = {},
                                                                 .queue = options.queue,
                                                                 .runs_code = package.runs_code}));
    globals.Use(std::move(stack));
  }
  const StartOptions start{.type = std::string(package.workflow_type),
                           .input = input,
                           .id = options.id,
                           .queue = options.queue,
                           .id_was_chosen = true};
  WFE_ASSIGN_OR_RETURN(const EndedRun ended, RunToItsEnd(globals, start, here, options.follow, options.timeout_s));
  const auto& [target, outcome] = ended;
  if (outcome.status != temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_COMPLETED) {
    const int code = ReportOutcome(outcome, target, globals.format);
    // A worker elsewhere may have a directory that is not here, so only its word that the input is none counts.
    const bool is_none = code == kExitUsage && !CheckDirectoryIsThere(input["project_dir"].get<std::string>());
    return is_none ? kExitNotFound : code;
  }
  const auto result = outcome.result.get<workflows::PackagedResult>();
  if (globals.format == OutputFormat::kText) {
    PrintText(PackagedPage(target.workflow_id, result));
  } else {
    nlohmann::ordered_json object = {{"id", target.workflow_id}};
    object.update(nlohmann::ordered_json(nlohmann::json(result)));
    PrintObject(object, globals.format);
  }
  return result.gaps.empty() ? kExitOk : kExitNotPassed;
}

void AddPackagedCommand(CLI::App& parent, Globals& globals, const PackagedCommand& package) {
  auto options = std::make_shared<PackagedOptions>();
  CLI::App& command = *parent.add_subcommand(std::string(package.name), std::string(package.summary));
  command.add_option("--directory", options->directory, std::string(package.directory));
  command
      .add_option("-o,--output", options->outputs,
                  "Folder of the deliverables, made when it is missing; a second one, json or jsonl, says how the result is "
                  "printed")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--example", options->example, "Write the example data into this directory, and stop");
  command.add_flag("--json", options->json, "As --output json beside the folder");
  if (package.add_options != nullptr) package.add_options(command, options->parameters);
  command.add_option("--model", options->model, "Model or tier (default: the worker's)");
  command.add_option("--agent", options->agent, "Backend that is asked, e.g. gemini or openai");
  command.add_flag("--no-model", options->without_model, "Only what needs no model: rules and arithmetic");
  command.add_option("--cache", options->cache, "Use the kept answer to the same question: always, auto or never (default)")
      ->transform(OneOf("--cache", {"never", "auto", "always"}));
  command.add_option("--max-cost", options->max_cost_usd, "Dollars that the run may spend")->check(NotNegative());
  command.add_option("--patience", options->patience_s, "Seconds that a model may be unavailable (default 600)")
      ->check(WholeNumber(0, 30 * 86'400));
  command.add_flag("--force", options->force, "Write over files in OUT that this workflow has not written");
  command.add_option("-w,--id", options->id, "Workflow id (default: made up)");
  AddQueueOption(command, options->queue);
  command.add_flag("--follow", options->follow, "Show every step live (the default on a terminal)");
  command.add_flag("--local", options->local, "Run it here and now, in an engine and worker of this process");
  command.add_option("--timeout", options->timeout_s,
      "Stop waiting after so many seconds (the run goes on; with --local it is cancelled)")
      ->check(Seconds());
  command.add_option("--address", globals.address,
                     "HOST:PORT of the server (default: $TEMPORAL_ADDRESS, 127.0.0.1:7233)");
  command.add_option("-n,--namespace", globals.ns, "Namespace (default: $TEMPORAL_NAMESPACE, default)");
  command.add_option("--config", globals.config_path, "Configuration file (default: $WFE_CONFIG, ./wfe.toml)");
  command.footer(std::string(package.footer) +
                 "\n\nBoth folders are the worker's.  The exit code is 0 when everything was delivered,\n"
                 "5 when a step is missing: the others are delivered then, and the result says what\n"
                 "is missing and why.");
  command.callback([&globals, &package, options] {
    globals.Run([&] { return RunPackaged(globals, package, *options); });
  });
}

}  // namespace

void AddPackagedCommands(CLI::App& app, Globals& globals) {
  CLI::App& workflow = *app.add_subcommand("workflow", "Packaged workflows: a directory in, deliverables out");
  workflow.require_subcommand(1);
  workflow.footer(
      "Examples:\n  wfe workflow permits --example permits\n"
      "  wfe workflow permits --directory permits --output review --local");
  for (const PackagedCommand& package : PackagedCommands()) AddPackagedCommand(workflow, globals, package);
}

}  // namespace wfe::cli
