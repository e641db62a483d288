// Where a build works: its workspace, what is proved before money is spent, another host, and the commits.
#include <algorithm>
#include <cctype>

#include "workflows/audited_build/build_run.h"

namespace wfe::workflows {

using namespace std::chrono_literals;
using namespace agent;
using namespace build;
using namespace trace;
using sdk::Task;

namespace {

// Well under a minute, so that a killed worker's step is tried again soon.
constexpr Duration kPlaceHeartbeat = 15s;

/// What the brief calls the project: its directory's name, where a person chose it and it can stand in a sentence.
std::string ProjectName(const std::string& asked_for, const std::string& project_dir) {
  const std::string name = project_dir.substr(project_dir.rfind('/') + 1);
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c >= 0x80;
  });
  return asked_for.empty() || name.empty() || !plain ? "project" : name;
}

}  // namespace

Task<void> BuildRun::OpenPlace(std::string restore_snapshot) {
  OpenWorkspaceRequest open;
  open.project_dir = input_.working_dir;
  open.kind = input_.workspace;
  open.workflow_id = base_.workflow_id;
  open.run_id = base_.run_id;
  open.claim_id = base_.run_id;
  open.restore_snapshot_blob_hash = std::move(restore_snapshot);
  if (input_.resume) open.take_over_from = input_.resume->run_id;
  // Another host, later on, has a tree that is nobody's but the build's.
  if (input_.resume && place_.kind.empty()) {
    open.expected_snapshot_blob_hash = input_.resume->expected_snapshot_blob_hash;
  }
  // Once decided, a workspace stays what it is: another host must not find another answer.
  if (!place_.kind.empty()) open.kind = place_.kind;
  // The difference is shown against what the project was before the first step of the first run.
  open.base_snapshot_blob_hash = place_.base_snapshot_blob_hash;
  open.base_commit = place_.base_commit;
  open.branch = place_.branch;
  place_ = co_await host_.Run(kOpenWorkspace, open, {.start_to_close = 30min, .heartbeat = kPlaceHeartbeat, .maximum_attempts = 5});
  host_.working_dir = place_.working_dir;
  progress_->project_dir = place_.project_dir;
  progress_->working_dir = place_.working_dir;
  progress_->workspace = place_.kind;
  progress_->branch = place_.branch;
  progress_->base_snapshot_blob_hash = place_.base_snapshot_blob_hash;
}

Task<void> BuildRun::Prepare() {
  PreflightRequest preflight;
  // What the first pre-flight found out holds for the whole build, whatever the agent has written since.
  preflight.profile = ready_.profile.empty() ? input_.profile : ready_.profile;
  preflight.mode = ready_.mode.empty() ? input_.mode : ready_.mode;
  preflight.checks = input_.checks;
  preflight.policy = input_.policy;
  preflight.claim_id = base_.run_id;
  preflight.workflow_id = base_.workflow_id;
  // A run that was terminated could not give its directory back.
  if (input_.resume) preflight.take_over_from = input_.resume->run_id;
  const bool again = !ready_.profile.empty();
  // Starter files that are missing: those of a new project, or of one that begins once more.
  preflight.write_starter_files = !again && (!input_.resume || input_.resume->step == "scaffold");
  PreflightReport ready =
      co_await host_.Run(kPreflight, preflight, {.start_to_close = 30min, .heartbeat = 1min, .maximum_attempts = 3});
  host_.working_dir = ready.working_dir;
  progress_->working_dir = ready.working_dir;
  has_trace_ = true;
  if (again) {
    // The tree is a later one: what was there before the first step is what the first pre-flight saw.
    ready.protected_hashes = ready_.protected_hashes;
    ready.baseline = ready_.baseline;
    ready.template_id = ready_.template_id;
    ready.check_commands = ready_.check_commands;
  }
  ready_ = std::move(ready);
  if (!again) {
    if (input_.resume && !input_.resume->baseline.is_null()) {
      ready_.baseline = input_.resume->baseline;
      ready_.protected_hashes = input_.resume->protected_hashes;
    }
    protected_hashes_ = ready_.protected_hashes;
  }

  CheckAgentInput agent;
  agent.backend = input_.backend;
  agent.model = input_.model;
  co_await host_.Run(kCheckAgent, agent, {.start_to_close = 1min, .maximum_attempts = 3});
  if (ready_.needs_dependencies) {
    InstallDependenciesRequest install;
    install.profile = ready_.profile;
    install.claim_id = base_.run_id;
    co_await host_.Run(kInstallDependencies, install,
                       {.start_to_close = 1h, .heartbeat = kPlaceHeartbeat, .maximum_attempts = 5, .wait_when_cancelled = true});
  }
  ProbeChecksRequest probe;
  probe.profile = ready_.profile;
  probe.claim_id = base_.run_id;
  probe.checks = input_.checks;
  co_await host_.Run(kProbeChecks, probe,
                     {.start_to_close = 30min, .heartbeat = kPlaceHeartbeat, .maximum_attempts = 3, .wait_when_cancelled = true});
}

Task<void> BuildRun::PrepareContext() {
  PrepareContextInput prepare;
  prepare.template_id = !input_.template_id.empty() ? input_.template_id : ready_.template_id;
  // On another host: the very text that the steps so far had.
  prepare.template_version = base_.context ? base_.context->template_version : input_.template_version;
  prepare.values = input_.template_values;
  prepare.defaults["task"] = input_.task;
  prepare.defaults["package_name"] = ProjectName(input_.working_dir, place_.project_dir);
  prepare.defaults["package_specifics"] = "Nothing beyond the above.";
  std::string& checks = prepare.defaults["checks"];
  for (const std::string& command : ready_.check_commands) checks += "- `" + command + "`\n";
  const std::string arm = base_.context ? base_.context->experiment_arm : "";
  base_.context = co_await host_.Run(kPrepareContext, prepare, {.start_to_close = 1min, .maximum_attempts = 5});
  if (base_.context->experiment_arm.empty()) base_.context->experiment_arm = arm;
  protected_hashes_[base_.context->path] = base_.context->context_file_hash;
}

Task<void> BuildRun::MoveToAnotherHost() {
  ctx_.Log(sdk::LogLevel::kWarning, "nobody serves " + host_.info().host_queue + "; the build moves to another host");
  if (moved_from_.empty()) moved_from_ = host_.info().host_queue;
  co_await host_.Choose();
  // Before its workspace was open, a build has nothing to take along.
  if (place_.kind.empty()) co_return;
  const bool had_context = base_.context.has_value();
  std::string tree = progress_->snapshot_blob_hash;
  if (tree.empty()) tree = place_.base_snapshot_blob_hash;
  co_await OpenPlace(tree);
  if (!has_trace_) co_return;
  co_await Prepare();
  if (had_context) co_await PrepareContext();
  // The new host has no trace yet, or an old one: appending is idempotent, so every entry is offered again.
  const std::vector<LogEntry> entries = progress_->entries;
  const std::string again = "-again" + std::to_string(host_.changes());
  for (const LogEntry& entry : entries) {
    LogAuditEntryInput log;
    log.entry = entry;
    const std::string id = "audit-" + std::to_string(ExtInteger(entry, "seq")) + again;
    co_await host_.Run(kLogAuditEntry, log, {.start_to_close = 30s, .activity_id = id});
  }
}

Task<void> BuildRun::RecordStep(std::string verdict) {
  if (!unrecorded_) co_return;
  if (place_.branch.empty()) {
    unrecorded_.reset();
    co_return;
  }
  RecordStepRequest record;
  record.project_dir = place_.project_dir;
  record.branch = place_.branch;
  record.run_id = base_.run_id;
  record.step = unrecorded_->name;
  record.verdict = std::move(verdict);
  record.entry_id = unrecorded_->entry_id;
  record.files.assign(files_.begin(), files_.end());
  try {
    const RecordStepReport recorded = co_await host_.Run(
        kRecordStep, record, {.start_to_close = 10min, .heartbeat = kPlaceHeartbeat, .maximum_attempts = 5});
    if (!recorded.commit.empty()) commit_ = recorded.commit;
    ignored_ = recorded.ignored;
  } catch (const sdk::ActivityFailure& failure) {
    commit_problem_ = failure.message();
    ctx_.Log(sdk::LogLevel::kWarning, "step " + unrecorded_->name + " is no commit: " + failure.message());
  }
  unrecorded_.reset();
}

}  // namespace wfe::workflows
