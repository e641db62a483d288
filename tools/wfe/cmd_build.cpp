// wfe build "TASK": the front door.
#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>

#include "activities/build/profile/profile.h"
#include "engine/base/suggest.h"
#include "tools/wfe/build_commands.h"
#include "tools/wfe/build_start.h"
#include "tools/wfe/build_summary.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/follow.h"
#include "tools/wfe/local.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/prompt_store.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/start.h"
#include "workflows/audited_build/audited_build.h"

namespace wfe::cli {
namespace {

/// A profile that only the worker has is possible, so elsewhere a near miss is worth a word and no more.
Status CheckProfile(Globals& globals, const Config& config, const BuildOptions& options) {
  if (options.profile.empty()) return Ok();
  std::vector<std::string> directories;
  if (!config.build.profiles_dir.empty()) directories = {config.build.profiles_dir};
  const std::vector<std::string> known = build::ProfileNames(directories);
  if (std::find(known.begin(), known.end(), options.profile) != known.end()) return Ok();
  const std::string guess = DidYouMean(options.profile, known);
  const std::string sentence = "there is no profile " + options.profile + " here" + guess;
  if (options.local) return InvalidArgument(sentence + (guess.empty() ? "; there are " + Alternatives(known) : ""));
  if (!guess.empty()) Warn(sentence, globals.format);
  return Ok();
}

/// One word that is nearly the name of a subcommand is a slip, not a task: a task that says what is wanted has more words.
/// With --dir, which no slip has, it is taken at its word.
Status RefuseSlip(const BuildOptions& options, const std::vector<std::string>& subcommands) {
  const bool word = !options.task.empty() && std::all_of(options.task.begin(), options.task.end(), [](unsigned char c) {
    return std::isalpha(c) != 0 || c == '-' || c == '_';
  });
  if (!word || options.task == "-" || !options.dir.empty()) return Ok();
  const std::string guess = DidYouMean(options.task, subcommands);
  if (guess.empty()) return Ok();
  return InvalidArgument("wfe build has no command " + options.task + guess +
                         " (a task that is this one word wants --dir)");
}

Result<int> StartBuild(Globals& globals, const BuildOptions& options, const WatchOptions& watch) {
  WFE_ASSIGN_OR_RETURN(const nlohmann::json input, BuildInput(options));
  WFE_ASSIGN_OR_RETURN(const Config* loaded, globals.config());
  WFE_RETURN_IF_ERROR(CheckProfile(globals, *loaded, options));
  StartOptions start{
      .type = std::string(workflows::kAuditedBuildWorkflow), .input = input, .id = options.id, .queue = options.queue};
  start.id_was_chosen = !start.id.empty();
  if (start.id.empty()) start.id = MadeUpBuildId(input.value("working_dir", ""));
  if (options.local) {
    WFE_ASSIGN_OR_RETURN(auto stack, LocalStack::Start(*loaded, {.input = &input, .build_id = start.id, .queue = start.queue}));
    globals.Use(std::move(stack));
  }
  WFE_ASSIGN_OR_RETURN(const Target target, StartWorkflow(globals, start));
  if (!options.local) WarnAboutQueue(globals, options.queue.empty() ? loaded->client.queue : options.queue);
  return WatchBuild(globals, target, watch, options.local);
}

}  // namespace

void AddWatchOptions(CLI::App& command, WatchOptions& options) {
  command.add_flag("--follow", options.follow, "Show every step live until it ends (the default on a terminal)");
  command.add_flag("--wait", options.wait, "Wait for the end without showing steps; the exit code tells how it ended");
  command.add_flag("--detach", options.detach, "Start it and return, on a terminal too");
  command.add_option("--timeout", options.timeout_s,
      "Stop waiting after so many seconds (the build goes on; with --local it is cancelled)")
      ->check(Seconds());
}

Result<int> WatchBuild(Globals& globals, const Target& target, const WatchOptions& options, bool local) {
  const bool text = globals.format == OutputFormat::kText;
  const bool shows = options.follow || (!options.wait && !options.detach && text && StdoutIsTerminal());
  const bool stays = shows || options.wait || local;
  if (text || !stays) {
    PrintEvent(fmt::format("build {} started, run {}", target.workflow_id, target.run_id),
               {{"workflow_id", target.workflow_id}, {"run_id", target.run_id}}, globals.format);
  }
  if (!stays) {
    if (text) {
      PrintText(fmt::format("  watch it   wfe result {0} --follow\n  look at it wfe build show {0}\n",
                            target.workflow_id));
    }
    return kExitOk;
  }
  FollowOptions follow;
  follow.show_steps = shows || (local && text && !options.wait);
  follow.ends_with_us = local;
  follow.timeout = TimeoutOf(options.timeout_s);
  const Result<Outcome> outcome = FollowRun(globals, target, follow);
  if (!outcome) {
    Error error = outcome.error();
    const bool given_up = error.code == StatusCode::kCancelled || error.code == StatusCode::kDeadlineExceeded;
    if (local && given_up) {
      error.message += "; `wfe build resume " + target.workflow_id + "` goes on from its last kept tree";
    }
    return error;
  }
  WFE_ASSIGN_OR_RETURN(const BuildRecord build, LoadBuild(globals, target));
  if (text) {
    std::string page = fmt::format("\n{}: {}\n", target.workflow_id, OneLine(build));
    std::string why = outcome->cause;
    if (why.empty() && outcome->result.is_object()) why = outcome->result.value("message", "");
    if (!why.empty()) page += "  " + why + "\n";
    for (const std::string& line : NextSteps(build)) page += "  " + line + "\n";
    PrintPage(page, 13);
  } else {
    PrintObject(BuildObject(build), globals.format);
  }
  if (const std::optional<int> code = ExitCodeOfOurCancel(*outcome)) return *code;
  return ExitCodeOf(*outcome);
}

bool Confirmed(const std::string& question) {
  if (isatty(STDIN_FILENO) != 1 || !StdoutIsTerminal()) return false;
  fmt::print("{} [y/N] ", question);
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

void AddBuildCommands(CLI::App& app, Globals& globals) {
  auto options = std::make_shared<BuildOptions>();
  auto watch = std::make_shared<WatchOptions>();
  CLI::App& build = *app.add_subcommand("build", "Have an agent build or change a project, and real checks judge it");
  AddClientOptions(build, globals);
  build.add_option("task", options->task, "What is wanted, in words; @FILE or - for a longer text");
  build.add_option("-d,--dir", options->dir, "The project (default: the current directory); made when missing");
  build.add_option("--profile", options->profile, "The checks to pass (default: what the project uses)");
  build.add_option("--check", options->checks, "A command that must pass, instead of the profile's; may be repeated")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  build.add_option("--agent", options->agent, "Backend of the agent (default: the worker's)");
  build.add_option("--model", options->model, "Model (default: the worker's)");
  build.add_option("--mode", options->mode, "Make a new project or change one (default: what is there decides)")
      ->transform(OneOf("--mode", {"auto", "create", "change"}));
  build.add_flag("--in-place", options->in_place, "Work in the directory itself, also in a git repository");
  build.add_flag("--copy", options->copy, "Work in a copy; `wfe build diff` has the result");
  build.add_option("--policy", options->policy, "Whether weakened tests fail the build (strict) or are noted (warn)")
      ->transform(OneOf("--policy", {"strict", "warn"}));
  build.add_option("--max-fix-attempts", options->max_fix_attempts, "Repairs after the first verification (default 3)")
      ->check(WholeNumber(0, 100));
  build.add_option("--token-budget", options->token_budget, "Tokens of all model calls together")
      ->check(WholeNumber(0, INT64_MAX));
  build.add_option("--cost-budget", options->cost_budget_usd, "US dollars of all model calls together")
      ->check(NotNegative());
  build.add_option("--cache", options->cache, "Take answers that were kept for the same question (default: never)")
      ->transform(OneOf("--cache", {"never", "auto", "always"}));
  build.add_option("-w,--id", options->id, "Id of the build (default: made up from the directory's name)");
  AddQueueOption(build, options->queue);
  build.add_flag("--local", options->local, "Run it here and now, in an engine and worker of this process");
  AddWatchOptions(build, *watch);
  build.footer(
      "Examples:\n"
      "  wfe build plan                                   what would be checked here\n"
      "  wfe build \"Add a --json option to the report\" --local\n"
      "  wfe build @task.md --dir ~/src/parser --check 'npm test' --check 'npx tsc --noEmit'\n"
      "  wfe build list\n"
      "  wfe build diff build-parser-1f2e3d4c --apply\n\n"
      "In a git repository the build works on the last commit, beside your checkout, and each step is a commit on a\n"
      "branch wfe/ID; elsewhere it works in the directory itself. `wfe build diff ID` shows what it changed.\n"
      "Exit codes as for `wfe submit --wait`: 0 passed, 5 not_passed, 6 budget_exhausted, 7 aborted, 8 agent_error.");
  build.require_subcommand(0, 1);
  AddBuildShowCommands(build, globals);
  AddBuildPlanCommand(build, globals);
  AddBuildDiffCommands(build, globals);
  AddBuildResumeCommands(build, globals);
  AddBuildCleanCommand(build, globals);
  for (const char* name : {"list", "show", "diff", "undo", "resume", "retry", "clean"}) {
    AddLocalOption(*build.get_subcommand(name), globals);
  }
  build.callback([&globals, &build, options, watch] {
    if (!build.get_subcommands().empty()) return;
    globals.Run([&]() -> Result<int> {
      std::vector<std::string> names;
      for (const CLI::App* command : build.get_subcommands({})) names.push_back(command->get_name());
      WFE_RETURN_IF_ERROR(RefuseSlip(*options, names));
      return StartBuild(globals, *options, *watch);
    });
  });
}

}  // namespace wfe::cli
