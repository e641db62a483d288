#include "workflows/audited_build/build_run.h"

#include "workflows/audited_build/instructions.h"

namespace wfe::workflows {

using namespace std::chrono_literals;
using namespace activities;
using sdk::Task;

namespace {

// Well under a minute, so that a killed worker's step is tried again soon; every long activity heartbeats each second.
constexpr Duration kHeartbeat = 15s;

}  // namespace

BuildRun::BuildRun(sdk::WorkflowContext& ctx, AuditedBuildInput input) : ctx_(ctx), input_(std::move(input)) {
  base_.run_id = ctx.info().run_id;
  base_.workflow_id = ctx.info().workflow_id;
  base_.workflow_type = ctx.info().workflow_type;
  ctx.OnSignal<nlohmann::json>("add_guidance", [this](const nlohmann::json& text) {
    guidance_.push_back(text.is_string() ? text.get<std::string>() : text.dump());
  });
  ctx.OnQuery<nlohmann::json, nlohmann::json>("status", progress_, [](const BuildProgress& p, const nlohmann::json&) {
    nlohmann::json status = {{"step", p.step},
                             {"status", p.status},
                             {"fix_attempts", p.fix_attempts},
                             {"total_tokens", p.total_tokens},
                             {"working_dir", p.working_dir}};
    if (!p.last_error_type.empty()) status["last_error_type"] = p.last_error_type;
    return status;
  });
  ctx.OnQuery<nlohmann::json, nlohmann::json>(
      "trace", progress_, [](const BuildProgress& p, const nlohmann::json&) { return nlohmann::json(p.entries); });
}

std::string BuildRun::Timestamp() const { return FormatIso8601Millis(ctx_.Now()); }

void BuildRun::Abort(std::string reason) {
  aborted_ = true;
  message_ = reason.empty() ? "aborted by a signal" : "aborted: " + reason;
}

bool BuildRun::BudgetExhausted() const {
  if (input_.token_budget && progress_->total_tokens >= *input_.token_budget) return true;
  return input_.cost_budget_usd && cost_usd_ && *cost_usd_ >= *input_.cost_budget_usd;
}

AuditedBuildResult BuildRun::Result(std::string status, std::string message) const {
  progress_->status = status;
  progress_->step = "done";
  AuditedBuildResult result;
  result.status = std::move(status);
  result.workflow_run_id = base_.run_id;
  result.fix_attempts = progress_->fix_attempts;
  result.total_tokens = progress_->total_tokens;
  if (!scripted_) result.cost_usd = cost_usd_;
  result.files.assign(files_.begin(), files_.end());
  result.working_dir = working_dir_;
  if (claimed_) result.trace = working_dir_ + "/" + std::string(kTraceFileName);
  if (result.status != "passed") result.last_error_type = progress_->last_error_type;
  result.message = message.empty() ? message_ : std::move(message);
  result.scripted = scripted_;
  result.host_changes = host_changes_;
  return result;
}

template <class Input, class Output>
Task<Output> BuildRun::OnHost(sdk::ActivityType<Input, Output> type, Input input, OnHostOptions options) {
  std::string activity_id(options.activity_id);
  while (true) {
    input.working_dir = working_dir_;
    bool host_gone = false;
    try {
      Output output = co_await ctx_.Activity(
          type, input,
          {.task_queue = host_.host_queue,
           .activity_id = activity_id,
           .schedule_to_start = std::chrono::seconds(input_.host_timeout_s),
           .start_to_close = options.start_to_close,
           .heartbeat = options.heartbeat,
           .retry = {.initial_interval = 1s, .maximum_interval = 1min, .maximum_attempts = options.maximum_attempts}});
      co_return output;
    } catch (const sdk::ActivityFailure& failure) {
      if (failure.timeout_type() != sdk::TimeoutType::kScheduleToStart) throw;
      host_gone = true;
    }
    if (host_gone) {
      co_await MoveToAnotherHost();
      // The id of an activity that timed out is free again, but one id names one idempotency token.
      if (!activity_id.empty()) activity_id += "-host" + std::to_string(host_changes_);
    }
  }
}

Task<void> BuildRun::ChooseHost() {
  const sdk::Nothing nothing;
  host_ = co_await ctx_.Activity(kDescribeHost, nothing, {.start_to_close = 10s});
  if (!input_.working_dir.empty()) {
    working_dir_ = input_.working_dir;
  } else {
    working_dir_ = host_.work_root + "/builds/" + base_.run_id;
  }
  progress_->working_dir = working_dir_;
}

Task<void> BuildRun::Prepare() {
  PreflightRequest preflight;
  preflight.profile = input_.profile;
  preflight.claim_id = base_.run_id;
  preflight.workflow_id = base_.workflow_id;
  const PreflightReport ready =
      co_await OnHost(kPreflight, preflight, {.start_to_close = 5min, .heartbeat = 1min, .maximum_attempts = 3});
  working_dir_ = ready.working_dir;
  progress_->working_dir = working_dir_;
  protected_hashes_ = ready.protected_hashes;
  check_commands_ = ready.check_commands;
  claimed_ = true;
  if (ready.needs_dependencies) {
    InstallDependenciesRequest install;
    install.profile = input_.profile;
    install.claim_id = base_.run_id;
    co_await OnHost(kInstallDependencies, install, {.start_to_close = 15min, .heartbeat = kHeartbeat, .maximum_attempts = 5});
  }
}

Task<void> BuildRun::MoveToAnotherHost() {
  ctx_.Log(sdk::LogLevel::kWarning, "nobody serves " + host_.host_queue + "; the build moves to another host");
  moved_from_ = host_.host_queue;
  ++host_changes_;
  const bool had_directory = claimed_;
  claimed_ = false;
  co_await ChooseHost();
  if (!had_directory) co_return;
  if (!snapshot_.empty()) {
    RestoreSnapshotInput restore;
    restore.snapshot_blob_hash = snapshot_;
    co_await OnHost(kRestoreSnapshot, restore, {.start_to_close = 5min, .heartbeat = 1min, .maximum_attempts = 5});
  }
  const std::map<std::string, std::string> hashes = protected_hashes_;
  co_await Prepare();
  // Written by an earlier step and restored with the tree; the checks must go on protecting it.
  if (hashes.contains("GEMINI.md")) protected_hashes_["GEMINI.md"] = hashes.at("GEMINI.md");
  // The new host has no trace yet, or an old one: appending is idempotent, so every entry is offered again.
  const std::vector<LogEntry> entries = progress_->entries;
  for (const LogEntry& entry : entries) {
    LogAuditEntryInput again;
    again.entry = entry;
    const std::string id =
        "audit-" + std::to_string(ExtInteger(entry, "seq")) + "-again" + std::to_string(host_changes_);
    co_await OnHost(kLogAuditEntry, again, {.start_to_close = 30s, .activity_id = id});
  }
}

Task<void> BuildRun::Log(LogEntry entry) {
  if (!moved_from_.empty()) {
    entry.ext["recovered_from_host"] = moved_from_;
    moved_from_.clear();
  }
  SealEntry(entry, chain_);
  progress_->entries.push_back(entry);
  LogAuditEntryInput log;
  log.entry = entry;
  const std::string id = "audit-" + std::to_string(chain_.seq);
  co_await OnHost(kLogAuditEntry, log, {.start_to_close = 30s, .activity_id = id});
}

Task<void> BuildRun::LogEvent(std::string_view name, nlohmann::json ext) {
  const LogEntry entry = EventEntry(base_, std::string(name), Timestamp(), ext);
  co_await Log(entry);
}

Task<void> BuildRun::Release() {
  ReleaseRequest release;
  release.claim_id = base_.run_id;
  co_await OnHost(kReleaseWorkingDir, release, {.start_to_close = 30s, .maximum_attempts = 5});
}

Task<bool> BuildRun::AgentStep(std::string_view name, std::string instruction, std::optional<Repair> repair) {
  const std::string step(name);
  progress_->step = step;
  AgentRequest request;
  request.step_name = step;
  request.instruction = std::move(instruction);
  request.model = input_.model;
  request.backend = input_.backend;
  request.context_file_hash = base_.context->context_file_hash;
  request.keep_snapshot = true;
  for (const auto& [path, hash] : protected_hashes_) request.protected_paths.push_back(path);

  AgentReply reply;
  try {
    reply = co_await OnHost(
        kExecuteGeminiAgent, request,
        {.start_to_close = 30min, .heartbeat = kHeartbeat, .maximum_attempts = input_.max_agent_attempts});
  } catch (const sdk::ActivityFailure& failure) {
    // The agent's own failures end the build with a verdict; anything else is a fault of the machinery.
    if (failure.type() != kAgentErrorType && failure.type() != kModelUnavailableType) throw;
    if (failure.details().is_object()) {
      try {
        reply = failure.details().get<AgentReply>();
      } catch (const nlohmann::json::exception&) {
        reply = {};
      }
    }
    reply.error = failure.message();
  }
  progress_->total_tokens += reply.prompt_token_count + reply.completion_token_count;
  if (reply.cost_usd) cost_usd_ = cost_usd_.value_or(0) + *reply.cost_usd;
  if (reply.token_count_source == kTokensScripted) scripted_ = true;
  files_.insert(reply.files_touched.begin(), reply.files_touched.end());
  if (!reply.snapshot_blob_hash.empty()) snapshot_ = reply.snapshot_blob_hash;
  LogEntry entry = AgentEntry(base_, step, Timestamp(), reply, repair);
  if (!reply.snapshot_blob_hash.empty()) entry.ext["snapshot_blob_hash"] = reply.snapshot_blob_hash;
  if (!reply.error.empty()) {
    entry.ext["agent_error"] = reply.error;
    progress_->last_error_type = std::string(kAgentErrorType);
    message_ = step + ": " + reply.error;
  }
  co_await Log(entry);
  co_return reply.error.empty();
}

Task<ComplianceReport> BuildRun::Verify(std::string_view name) {
  const std::string step(name);
  progress_->step = step + " (checks)";
  ComplianceRequest request;
  request.profile = input_.profile;
  request.step_name = step;
  request.claim_id = base_.run_id;
  request.stop_on_failure = input_.stop_at_first_failing_check;
  request.protected_hashes = protected_hashes_;
  const ComplianceReport report = co_await OnHost(
      kRunComplianceChecks, request, {.start_to_close = 30min, .heartbeat = kHeartbeat, .maximum_attempts = 5});
  progress_->last_error_type = report.passed ? "" : report.error_type;
  const LogEntry entry = VerificationEntry(base_, step, Timestamp(), report);
  co_await Log(entry);
  co_return report;
}

Task<std::string> BuildRun::Run() {
  progress_->step = "preflight";
  co_await ChooseHost();
  co_await Prepare();
  const nlohmann::json started = {{"profile", input_.profile}};
  co_await LogEvent("workflow_started", started);

  PrepareContextInput prepare;
  prepare.template_id = input_.template_id;
  prepare.template_version = input_.template_version;
  prepare.values = input_.template_values;
  prepare.defaults["task"] = input_.task;
  prepare.defaults["package_name"] = "project";
  prepare.defaults["package_specifics"] = "Nothing beyond the above.";
  std::string& checks = prepare.defaults["checks"];
  for (const std::string& command : check_commands_) checks += "- `" + command + "`\n";
  base_.context = co_await OnHost(kPrepareContext, prepare, {.start_to_close = 1min, .maximum_attempts = 5});
  protected_hashes_[base_.context->path] = base_.context->context_file_hash;

  bool agent_ok = false;
  const std::optional<Repair> no_repair;
  const std::string scaffold = ScaffoldInstruction(input_.task);
  agent_ok = co_await AgentStep("scaffold", scaffold, no_repair);
  if (!agent_ok) co_return "agent_error";
  if (BudgetExhausted()) co_return "budget_exhausted";
  const std::string implement = ImplementInstruction(input_.task);
  agent_ok = co_await AgentStep("implement_v1", implement, no_repair);
  if (!agent_ok) co_return "agent_error";
  ComplianceReport report = co_await Verify("initial_verification");
  std::string previous_log_hash;
  while (!report.passed) {
    if (progress_->fix_attempts >= input_.max_fix_attempts) co_return "not_passed";
    if (input_.stop_on_repeated_failure && report.error_log_hash == previous_log_hash) co_return "not_passed";
    if (BudgetExhausted()) co_return "budget_exhausted";
    previous_log_hash = report.error_log_hash;
    const int attempt = ++progress_->fix_attempts;
    const std::string step = "fix_attempt_" + std::to_string(attempt);
    const CutText log = CutErrorLog(report.error_log, input_.fix_log_max_chars);
    const std::optional<Repair> repair = Repair{report.error_type, CodePointCount(log.text)};
    const std::string fix = FixInstruction(input_.task, attempt, report.error_type, log.text, guidance_);
    agent_ok = co_await AgentStep(step, fix, repair);
    if (!agent_ok) co_return "agent_error";
    report = co_await Verify(step);
  }
  co_return "passed";
}

}  // namespace wfe::workflows
