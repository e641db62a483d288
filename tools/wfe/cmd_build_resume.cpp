// wfe build resume, retry
#include <fmt/core.h>

#include "activities/sandbox/packed_tree.h"
#include "tools/wfe/build_commands.h"
#include "tools/wfe/build_resume.h"
#include "tools/wfe/build_trees.h"
#include "tools/wfe/local.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/prompt_store.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/start.h"
#include "workflows/audited_build/audited_build.h"

namespace wfe::cli {
namespace {

struct ResumeFlags {
  Target target;
  ResumeOptions resume;
  RecordsOptions records;
  std::string queue;
  WatchOptions watch;
};

/// The worker would refuse it as well, but only after a run has begun.
Status AskBeforeDiscarding(Globals& globals, const BuildRecord& build, const ResumeFlags& flags,
                           nlohmann::json& input) {
  nlohmann::json& resume = input.at("resume");
  const std::string left = resume.value("expected_snapshot_blob_hash", "");
  const std::string directory = build.WorkingDir();
  if (left.empty() || !StandsHere(directory)) return Ok();
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, flags.records));
  WFE_ASSIGN_OR_RETURN(const auto changed, LaterWork(globals, *connection.records(), directory, left,
                                                     resume.value("snapshot_blob_hash", "")));
  if (changed.empty()) return Ok();
  const std::string what = fmt::format("{} changed in {} since {} ended and would be replaced: {}",
                                       changed.size() == 1 ? "1 file" : std::to_string(changed.size()) + " files",
                                       directory, build.target.workflow_id, sandbox::FirstFew(changed));
  if (!Confirmed(what + ".  Keep them only as a blob, and go on?")) {
    return FailedPrecondition(what + "; --discard keeps them as a blob and goes on");
  }
  resume.erase("expected_snapshot_blob_hash");
  return Ok();
}

Result<int> Resume(Globals& globals, const ResumeFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const BuildRecord build, LoadBuild(globals, flags.target));
  WFE_ASSIGN_OR_RETURN(nlohmann::json input, ResumeInput(build, flags.resume));
  WFE_RETURN_IF_ERROR(AskBeforeDiscarding(globals, build, flags, input));
  WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
  // A local build goes on where it is recorded, in an engine and a worker of this command.
  const bool local = globals.UsesLocalStore();
  if (local) {
    globals.LeaveLocalStore();
    WFE_ASSIGN_OR_RETURN(auto stack, LocalStack::Start(*config, {.input = &input,
                                                                .build_id = build.target.workflow_id,
                                                                .queue = flags.queue}));
    globals.Use(std::move(stack));
  }
  // The same id: the runs of one build belong together.
  WFE_ASSIGN_OR_RETURN(const Target target,
                       StartWorkflow(globals, {.type = std::string(workflows::kAuditedBuildWorkflow),
                                               .input = input,
                                               .id = build.target.workflow_id,
                                               .queue = flags.queue}));
  if (globals.format == OutputFormat::kText) {
    const auto& resume = input.at("resume");
    PrintText(fmt::format("{} goes on with {}{}\n", build.target.workflow_id, resume.value("step", ""),
                        resume.value("snapshot_blob_hash", "").empty() ? ", from the project as it is" : ""));
  }
  if (!local) WarnAboutQueue(globals, flags.queue.empty() ? config->client.queue : flags.queue);
  return WatchBuild(globals, target, flags.watch, local);
}

CLI::App& AddCommand(CLI::App& build, Globals& globals, const char* name, const char* help,
                     const std::shared_ptr<ResumeFlags>& flags) {
  CLI::App& command = *build.add_subcommand(name, help);
  AddClientOptions(command, globals);
  AddTargetOptions(command, flags->target);
  command
      .add_option("--max-fix-attempts", flags->resume.max_fix_attempts, "Repairs in all (default: as many once more)")
      ->check(WholeNumber(0, 100));
  command.add_option("--token-budget", flags->resume.token_budget, "Tokens in all, with those already spent")
      ->check(WholeNumber(0, INT64_MAX));
  command.add_option("--cost-budget", flags->resume.cost_budget_usd, "US dollars in all, with those already spent")
      ->check(NotNegative());
  command.add_flag("--discard", flags->resume.discard,
                   "In place: replace what changed since the build ended; it is kept as a blob");
  AddRecordsOption(command, flags->records);
  AddQueueOption(command, flags->queue);
  AddWatchOptions(command, flags->watch);
  command.callback([&globals, flags] { globals.Run([&] { return Resume(globals, *flags); }); });
  return command;
}

}  // namespace

void AddBuildResumeCommands(CLI::App& build, Globals& globals) {
  AddCommand(build, globals, "resume", "Go on with a build that ended, from its last kept tree",
             std::make_shared<ResumeFlags>())
      .footer(
          "A new run with the same id; what was spent counts against the budgets.\nExample:\n  wfe build resume "
          "build-42");
  auto flags = std::make_shared<ResumeFlags>();
  CLI::App& retry = AddCommand(build, globals, "retry", "Do an ended build again from one of its steps", flags);
  retry.add_option("--from", flags->resume.from, "Step: scaffold, implement_v1, initial_verification, fix_attempt_1 …")
      ->required();
  retry.footer("Example:\n  wfe build retry build-42 --from implement_v1");
}

}  // namespace wfe::cli
