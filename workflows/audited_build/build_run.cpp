#include "workflows/audited_build/build_run.h"

#include "activities/prompts/instructions.h"

namespace wfe::workflows {

using namespace std::chrono_literals;
using namespace agent;
using namespace build;
using namespace prompts;
using namespace trace;
using sdk::Task;

namespace {

constexpr Duration kHeartbeat = 15s;
// Agents and checks may take hours; that they live is what their heartbeats say.
constexpr Duration kLongest = 12h;
// A day's quota may be waited for once more than patience alone would allow; the activity keeps to its patience itself.
constexpr Duration kBeyondPatience = 26h;
// An unavailable model is asked again at least this often (AB-6).
constexpr Duration kLongestRetryInterval = 5min;

}  // namespace

BuildRun::BuildRun(sdk::WorkflowContext& ctx, AuditedBuildInput input)
    : ctx_(ctx), input_(std::move(input)), host_(ctx) {
  base_.run_id = ctx.info().run_id;
  base_.workflow_id = ctx.info().workflow_id;
  base_.workflow_type = ctx.info().workflow_type;
  host_.on_host_gone = [this] { return MoveToAnotherHost(); };
  if (input_.resume) {
    progress_->fix_attempts = input_.resume->fix_attempts;
    progress_->total_tokens = input_.resume->total_tokens;
    progress_->snapshot_blob_hash = input_.resume->snapshot_blob_hash;
    cost_usd_ = input_.resume->cost_usd;
    place_.base_snapshot_blob_hash = input_.resume->base_snapshot_blob_hash;
    place_.base_commit = input_.resume->base_commit;
    place_.branch = input_.resume->branch;
  }
  ctx.OnSignal<nlohmann::json>("add_guidance", [this](const nlohmann::json& signal) { AddGuidance(signal); });
  AnswerBuildQueries(ctx, progress_);
}

std::string BuildRun::Timestamp() const { return FormatIso8601Millis(ctx_.Now()); }

void BuildRun::AddGuidance(const nlohmann::json& signal) {
  Remark remark = RemarkFrom("guidance_added", signal, "text");
  remark.timestamp = Timestamp();
  // A hint under a key that nobody reads must not look as if the agent will see it.
  if (remark.refused.empty()) {
    guidance_.push_back(remark.text);
  } else {
    remark.event = "guidance_refused";
    ctx_.Log(sdk::LogLevel::kWarning, remark.refused);
  }
  remarks_.push_back(std::move(remark));
}

void BuildRun::Abort(const nlohmann::json& signal) {
  aborted_ = true;
  remarks_.push_back(RemarkFrom("abort_requested", signal, "reason"));
  remarks_.back().timestamp = Timestamp();
  const std::string& reason = remarks_.back().text;
  message_ = reason.empty() ? "aborted by a signal" : "aborted: " + reason;
}

bool BuildRun::BudgetExhausted() const {
  if (input_.token_budget && progress_->total_tokens >= *input_.token_budget) return true;
  return input_.cost_budget_usd && cost_usd_.value_or(Money()) >= *input_.cost_budget_usd;
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
  result.working_dir = host_.working_dir;
  result.project_dir = place_.project_dir;
  result.workspace = place_.kind;
  result.branch = place_.branch;
  result.base_commit = place_.base_commit;
  result.commit = commit_;
  result.base_snapshot_blob_hash = place_.base_snapshot_blob_hash;
  result.snapshot_blob_hash = progress_->snapshot_blob_hash;
  if (has_trace_) result.trace = host_.working_dir + "/" + std::string(kTraceFileName);
  if (result.status != "passed") result.last_error_type = progress_->last_error_type;
  // What a budget of the server said is more than that it is used up.
  result.message = message.empty() || refused_by_budget_ ? message_ : std::move(message);
  result.scripted = scripted_;
  result.ignored_files = ignored_;
  result.nothing_changed = result.status == "passed" && !changed();
  result.host_changes = host_.changes();
  return result;
}

// ---- the trace

Task<void> BuildRun::Write(LogEntry entry) {
  // What is sealed is logged: a cancel that comes between the two would leave a hole in the chain.
  sdk::ShieldScope shield(ctx_);
  if (!moved_from_.empty()) {
    entry.ext["recovered_from_host"] = moved_from_;
    moved_from_.clear();
  }
  SealEntry(entry, chain_);
  progress_->entries.push_back(entry);
  LogAuditEntryInput log;
  log.entry = entry;
  const std::string id = "audit-" + std::to_string(chain_.seq);
  co_await host_.Run(kLogAuditEntry, log, {.start_to_close = 30s, .activity_id = id});
}

Task<void> BuildRun::Log(LogEntry entry) {
  // What a person said comes before what was done about it.
  while (!remarks_.empty()) {
    const Remark remark = remarks_.front();
    remarks_.erase(remarks_.begin());
    nlohmann::json ext = {{"text", remark.text}};
    if (!remark.author.empty()) ext["author"] = remark.author;
    if (remark.event == "guidance_refused") ext["reason"] = remark.refused;
    LogEntry said = EventEntry(base_, remark.event, remark.timestamp, ext);
    co_await Write(std::move(said));
    // Writing takes its time, and an entry is never older than the one before it.
    entry.timestamp = Timestamp();
  }
  co_await Write(std::move(entry));
}

Task<void> BuildRun::LogEvent(std::string_view name, nlohmann::json ext) {
  LogEntry entry = EventEntry(base_, std::string(name), Timestamp(), ext);
  co_await Log(std::move(entry));
}

Task<void> BuildRun::Finish(std::string_view event, nlohmann::json ext) {
  const std::string name(event);
  const std::string no_verdict;
  co_await RecordStep(no_verdict);
  if (!commit_.empty()) {
    ext["branch"] = place_.branch;
    ext["commit"] = commit_;
  }
  if (!commit_problem_.empty()) ext["commit_problem"] = commit_problem_;
  if (!ignored_.empty()) ext["ignored_files"] = ignored_;
  co_await LogEvent(name, ext);
  ReleaseRequest release;
  release.claim_id = base_.run_id;
  co_await host_.Run(kReleaseWorkingDir, release, {.start_to_close = 30s, .maximum_attempts = 5});
}

// ---- the steps

std::string BuildRun::TakeGuidance() {
  // For the next fix prompt, once (AB-8): a hint that was followed must not be read as a new wish.
  std::string text;
  for (const std::string& hint : guidance_) text += (text.empty() ? "" : "\n\n") + hint;
  guidance_.clear();
  return text;
}

Task<std::string> BuildRun::Instruct(std::string_view template_id, std::map<std::string, std::string> values) {
  PrepareInstructionInput prepare;
  prepare.template_id = std::string(template_id);
  prepare.values = std::move(values);
  const PreparedInstruction prepared =
      co_await host_.Run(kPrepareInstruction, prepare, {.start_to_close = 1min, .maximum_attempts = 5});
  instruction_template_ = prepared.TemplateName();
  std::string text = prepared.text;
  co_return text;
}

void BuildRun::TakeReply(const AgentReply& reply) {
  progress_->total_tokens += reply.prompt_token_count + reply.completion_token_count +
                             reply.lost_prompt_token_count + reply.lost_completion_token_count;
  if (reply.cost_usd) cost_usd_ = cost_usd_.value_or(Money()).PlusAtMost(*reply.cost_usd);
  if (reply.token_count_source == kTokensScripted) scripted_ = true;
  files_.insert(reply.files_touched.begin(), reply.files_touched.end());
  if (!reply.snapshot_blob_hash.empty()) progress_->snapshot_blob_hash = reply.snapshot_blob_hash;
}

namespace {

/// What a failed step left behind.  The agent's own failures, and budgets, end the build with a verdict; anything else
/// is a fault of the machinery, and the caller throws it on.
std::optional<AgentReply> ReplyOf(const sdk::ActivityFailure& failure) {
  const std::string_view type = failure.type();
  if (type != kAgentErrorType && type != kModelUnavailableType && type != kBudgetExceededType &&
      type != kBudgetDeferredType) {
    return std::nullopt;
  }
  AgentReply reply;
  if (failure.details().is_object()) {
    try {
      reply = failure.details().get<AgentReply>();
    } catch (const nlohmann::json::exception&) {
      reply = {};
    }
  }
  reply.error = failure.message();
  return reply;
}

}  // namespace

Task<AgentReply> BuildRun::AskAgent(AgentRequest request) {
  while (true) {
    if (input_.token_budget) request.max_total_tokens = *input_.token_budget - progress_->total_tokens;
    if (input_.cost_budget_usd) request.max_cost_usd = input_.cost_budget_usd->Minus(cost_usd_.value_or(Money()));
    std::optional<AgentReply> reply;
    std::string failed;
    try {
      reply = co_await host_.Run(kExecuteGeminiAgent, request,
                                 {.start_to_close = kLongest,
                                  .heartbeat = kHeartbeat,
                                  .schedule_to_close = std::chrono::seconds(input_.patience_s) + kBeyondPatience,
                                  .maximum_interval = kLongestRetryInterval,
                                  .wait_when_cancelled = true});
    } catch (const sdk::ActivityFailure& failure) {
      reply = ReplyOf(failure);
      if (!reply) throw;
      failed = failure.type();
    }
    // A budget that defers to the next day is waited for by the activity; for the next month it has no time (QF-2).
    const std::optional<Instant> resumes = ParseIso8601(reply->resumes_at);
    if (failed != kBudgetDeferredType || !resumes) {
      refused_by_budget_ = failed == kBudgetExceededType || failed == kBudgetDeferredType;
      AgentReply last = *std::move(reply);
      co_return last;
    }
    TakeReply(*reply);
    const nlohmann::json waits = {
        {"step", request.step_name}, {"reason", reply->error}, {"resumes_at", reply->resumes_at}};
    co_await LogEvent("budget_blocked", waits);
    const Duration wait = std::max(Duration(1s), *resumes - ctx_.Now());
    co_await ctx_.Sleep(wait);
  }
}

Task<bool> BuildRun::AgentStep(std::string_view name, std::string instruction, std::optional<Repair> repair) {
  const std::string step(name);
  if (BudgetExhausted()) {
    ending_ = "budget_exhausted";
    co_return false;
  }
  const std::string no_verdict;
  co_await RecordStep(no_verdict);
  progress_->step = step;
  AgentRequest request;
  request.step_name = step;
  request.instruction = std::move(instruction);
  request.model = input_.model;
  request.backend = input_.backend;
  request.context_file_hash = base_.context->context_file_hash;
  request.context_path = base_.context->path;
  if (base_.context->stored) request.context_blob_hash = base_.context->context_file_hash;
  request.keep_snapshot = true;
  request.patience_s = input_.patience_s;
  if (input_.cache != "never") request.cache = input_.cache;
  // There may be nothing to lay out, and a project may be as it should be already: the checks decide, after one
  // question back (RW-D8).
  const bool change = ready_.mode == "change";
  request.requires_file_changes = step != "scaffold" && !change;
  if (change) request.nudges = 1;
  for (const auto& [path, hash] : protected_hashes_) request.protected_paths.push_back(path);

  const AgentReply reply = co_await AskAgent(request);
  TakeReply(reply);
  LogEntry entry = AgentEntry(base_, step, Timestamp(), reply, repair, instruction_template_);
  if (refused_by_budget_) {
    message_ = step + ": " + reply.error;
    ending_ = "budget_exhausted";
  } else if (!reply.error.empty()) {
    progress_->last_error_type = std::string(kAgentErrorType);
    message_ = step + ": " + reply.error;
    ending_ = "agent_error";
  } else if (reply.budget_exhausted) {
    ending_ = "budget_exhausted";
  }
  co_await Log(std::move(entry));
  unrecorded_ = Step{.name = step, .entry_id = ExtString(progress_->entries.back(), "entry_id")};
  if (!reply.tool_id.empty()) {
    nlohmann::json routed = {{"step", step},
                             {"tool_id", reply.tool_id},
                             {"pattern_signature", reply.pattern_signature},
                             {"tokens_saved", reply.tokens_saved}};
    if (reply.cost_saved_usd) routed["cost_saved_usd"] = *reply.cost_saved_usd;
    co_await LogEvent("tool_routed", routed);
  }
  co_return ending_.empty();
}

Task<ComplianceReport> BuildRun::Verify(std::string_view name) {
  const std::string step(name);
  progress_->step = step + " (checks)";
  ComplianceRequest request;
  request.profile = ready_.profile;
  request.step_name = step;
  request.claim_id = base_.run_id;
  request.stop_on_failure = input_.stop_at_first_failing_check;
  request.protected_hashes = protected_hashes_;
  request.checks = input_.checks;
  request.policy = input_.policy;
  request.baseline = ready_.baseline;
  request.agent_files.assign(files_.begin(), files_.end());
  const ComplianceReport report =
      co_await host_.Run(kRunComplianceChecks, request,
                         {.start_to_close = kLongest, .heartbeat = kHeartbeat, .maximum_attempts = 5, .wait_when_cancelled = true});
  progress_->last_error_type = report.passed ? "" : report.error_type;
  // With the most tests that ran so far: fewer are a finding the next time (SEC-H8).
  if (report.baseline.is_object() && !report.baseline.empty()) ready_.baseline = report.baseline;
  LogEntry entry = VerificationEntry(base_, step, Timestamp(), report);
  co_await Log(std::move(entry));
  std::string verdict = report.passed ? "pass" : report.error_type;
  if (!report.fault.empty()) verdict = report.fault_type;
  co_await RecordStep(verdict);
  if (!report.fault.empty()) throw ExaminationFault{report.fault_type, report.fault};
  co_return report;
}

Task<bool> BuildRun::FirstSteps() {
  const std::optional<Repair> no_repair;
  const std::string from = input_.resume ? input_.resume->step : "scaffold";
  const bool create = ready_.mode == "create";
  if (create && from == "scaffold") {
    std::map<std::string, std::string> values = {{"task", input_.task}};
    const std::string scaffold = co_await Instruct(kScaffoldInstruction, values);
    const bool ok = co_await AgentStep("scaffold", scaffold, no_repair);
    if (!ok) co_return false;
  }
  if (from == "scaffold" || from == "implement_v1") {
    std::map<std::string, std::string> values = {{"task", input_.task}};
    const std::string implement = co_await Instruct(create ? kImplementInstruction : kChangeInstruction, values);
    const bool ok = co_await AgentStep("implement_v1", implement, no_repair);
    if (!ok) co_return false;
  }
  co_return true;
}

Task<bool> BuildRun::Admitted() {
  if (!host_.info().admits_runs) co_return true;
  AdmitRunInput ask;
  ask.backend = input_.backend;
  ask.model = input_.model;
  std::string refused;
  try {
    co_await host_.Run(kAdmitRun, ask, {.start_to_close = 1min, .maximum_attempts = 5});
  } catch (const sdk::ActivityFailure& failure) {
    // Who could not be asked now will be asked before the first call.
    if (failure.type() == kBudgetExceededType) {
      refused = failure.message();
    } else {
      ctx_.Log(sdk::LogLevel::kWarning, "whether the build may spend is not known yet: " + failure.message());
    }
  }
  if (refused.empty()) co_return true;
  refused_by_budget_ = true;
  message_ = refused;
  ending_ = "budget_exhausted";
  co_return false;
}

Task<std::string> BuildRun::Run() {
  progress_->step = "preflight";
  co_await host_.Choose();
  host_.timeout = std::chrono::seconds(input_.host_timeout_s > 0 ? input_.host_timeout_s : host_.info().host_timeout_s);
  const bool admitted = co_await Admitted();
  if (!admitted) co_return ending_;
  co_await OpenPlace(progress_->snapshot_blob_hash);
  co_await Prepare();
  nlohmann::json started = {{"profile", ready_.profile}, {"mode", ready_.mode}, {"workspace", place_.kind}};
  if (!place_.branch.empty()) started["branch"] = place_.branch;
  if (!place_.base_commit.empty()) started["base_commit"] = place_.base_commit;
  if (!place_.note.empty()) started["workspace_note"] = place_.note;
  if (!place_.base_snapshot_blob_hash.empty()) started["base_snapshot_blob_hash"] = place_.base_snapshot_blob_hash;
  co_await LogEvent("workflow_started", started);
  if (input_.resume) {
    const nlohmann::json resumed = {{"resumed_workflow_id", input_.resume->workflow_id},
                                    {"resumed_run_id", input_.resume->run_id},
                                    {"resumed_at_step", input_.resume->step}};
    co_await LogEvent("build_resumed", resumed);
  }
  co_await PrepareContext();

  const bool implemented = co_await FirstSteps();
  if (!implemented) co_return ending_;
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
    std::map<std::string, std::string> values = {{"task", input_.task},
                                                 {"attempt", std::to_string(attempt)},
                                                 {"error_type", report.error_type},
                                                 {"error_log", log.text},
                                                 {"guidance", TakeGuidance()}};
    const std::string fix = co_await Instruct(kFixInstruction, values);
    const bool ok = co_await AgentStep(step, fix, repair);
    if (!ok) co_return ending_;
    report = co_await Verify(step);
  }
  co_return "passed";
}

}  // namespace wfe::workflows
