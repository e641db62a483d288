// wfe submit, result
#include <fmt/core.h>

#include "engine/base/suggest.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/follow.h"
#include "tools/wfe/local.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/registry.h"
#include "tools/wfe/start.h"
#include "workers/sdk/workflow_registry.h"

namespace wfe::cli {
namespace {

struct SubmitOptions {
  std::string type;
  std::string input;
  std::string input_file;
  std::string id;
  std::string queue;
  bool wait = false;
  bool follow = false;
  bool local = false;
  double timeout_s = 0;
  double run_timeout_s = 0;
};

std::string Guess(const std::string& type) { return DidYouMean(type, WorkflowTypes().Names()); }

Result<int> Submit(Globals& globals, const SubmitOptions& options) {
  WFE_ASSIGN_OR_RETURN(const auto input, ReadInput(options.input, options.input_file));
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  if (options.local && WorkflowTypes().Find(options.type) == nullptr) {
    return InvalidArgument("this program has no workflow type " + options.type + Guess(options.type) + "; it has " +
                           Alternatives(WorkflowTypes().Names()));
  }
  // An engine and a worker of this process live exactly as long as this command.
  if (options.local) {
    WFE_ASSIGN_OR_RETURN(auto stack, LocalStack::Start(*config, {.input = input ? &*input : nullptr,
                                                                .build_id = {},
                                                                .queue = options.queue}));
    globals.Use(std::move(stack));
  }
  WFE_ASSIGN_OR_RETURN(const Target target, StartWorkflow(globals, {.type = options.type,
                                                                    .input = input,
                                                                    .id = options.id,
                                                                    .queue = options.queue,
                                                                    .run_timeout_s = options.run_timeout_s,
                                                                    .id_was_chosen = true}));
  if (!options.local) {
    WarnAboutType(options.type, globals.format);
    WarnAboutQueue(globals, options.queue.empty() ? config->client.queue : options.queue);
  }
  const bool stay = options.wait || options.follow || options.local;
  if (!stay || globals.format == OutputFormat::kText) {
    PrintEvent(fmt::format("{} started: workflow {}, run {}", options.type, target.workflow_id, target.run_id),
               {{"workflow_id", target.workflow_id}, {"run_id", target.run_id}}, globals.format);
  }
  if (!stay) return kExitOk;
  FollowOptions follow;
  follow.show_steps = options.follow || options.local;
  follow.ends_with_us = options.local;
  follow.timeout = TimeoutOf(options.timeout_s);
  WFE_ASSIGN_OR_RETURN(const Outcome outcome, FollowRun(globals, target, follow));
  return ReportOutcome(outcome, target, globals.format);
}

}  // namespace

void AddSubmitCommands(CLI::App& app, Globals& globals) {
  auto options = std::make_shared<SubmitOptions>();
  CLI::App& submit = *app.add_subcommand("submit", "Start a workflow");
  AddClientOptions(submit, globals);
  submit.add_option("type", options->type, "Workflow type, e.g. AuditedBuildWorkflow")->required();
  submit.add_option("-i,--input", options->input, "JSON, @FILE or - for standard input");
  submit.add_option("--input-file", options->input_file, "File with the JSON input");
  submit.add_option("-w,--id", options->id, "Workflow id (default: made up)");
  AddQueueOption(submit, options->queue);
  submit.add_flag("--wait", options->wait, "Wait for the result; the exit code tells how it ended");
  submit.add_flag("--follow", options->follow, "Wait, and show every step live");
  submit.add_flag("--local", options->local, "Run it here and now, in an engine and worker of this process");
  submit.add_option("--timeout", options->timeout_s,
      "Stop waiting after so many seconds (the run goes on; with --local it is cancelled)")
      ->check(Seconds());
  submit.add_option("--run-timeout", options->run_timeout_s, "The run itself may take so many seconds")
      ->check(Seconds());
  submit.footer(
      "Examples:\n"
      "  wfe submit AuditedBuildWorkflow --input @build.json --follow\n"
      "  wfe submit AuditedBuildWorkflow --input-file build.json --wait --output json\n\n"
      "With --wait, --follow or --local the exit code is 0 for a completed run (for an audited build: passed),\n"
      "5 not_passed, 6 budget_exhausted, 7 aborted, 8 agent_error, 2 refused for its input, 1 failed for another\n"
      "reason, 9 cancelled, 10 terminated, 11 timed out.");
  submit.callback([&globals, options] { globals.Run([&] { return Submit(globals, *options); }); });

  struct ResultOptions {
    Target target;
    double timeout_s = 0;
    bool follow = false;
  };
  auto wanted = std::make_shared<ResultOptions>();
  CLI::App& result = *app.add_subcommand("result", "Wait for a run's result and print it");
  AddClientOptions(result, globals);
  AddTargetOptions(result, wanted->target);
  result.add_option("--timeout", wanted->timeout_s, "Stop waiting after so many seconds")
      ->check(Seconds());
  result.add_flag("--follow", wanted->follow, "Show the steps meanwhile");
  result.footer("Example:\n  wfe result build-42 --output json");
  result.callback([&globals, wanted] {
    globals.Run([&]() -> Result<int> {
      // Fails at once for a workflow that does not exist or a server that is not there.
      WFE_ASSIGN_OR_RETURN(const auto description, Describe(globals, wanted->target));
      const Target target{wanted->target.workflow_id, description.workflow_execution_info().execution().run_id()};
      FollowOptions follow;
      follow.show_steps = wanted->follow;
      follow.timeout = TimeoutOf(wanted->timeout_s);
      WFE_ASSIGN_OR_RETURN(const Outcome outcome, FollowRun(globals, target, follow));
      return ReportOutcome(outcome, target, globals.format);
    });
  });
}

}  // namespace wfe::cli
