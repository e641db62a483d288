// executeGeminiAgent: one agent step, from asking its model to storing what it left behind.
#include <algorithm>
#include <optional>
#include <utility>

#include "activities/agent/backends/patience.h"
#include "activities/agent/programs/agent_program.h"
#include "activities/agent/programs/program_step.h"
#include "activities/agent/step/agent_attempt.h"
#include "activities/agent/step/reply_bounds.h"

namespace wfe::agent {

using nlohmann::json;
using sdk::ApplicationFailure;

namespace {

/// The records service may be restarted or far away, which is no fault of this machine's disk.
bool IsRecordsDown(const Error& error) {
  return error.code == StatusCode::kUnavailable || error.code == StatusCode::kDeadlineExceeded;
}

}  // namespace

sdk::ActivityResult<AgentReply> AgentWorker::Step::Run() {
  const auto attempt = [this]() -> StepResult {
    for (const BeforeModel step : StepsBeforeModel()) {
      if (Ending ended = (this->*step)()) return *std::move(ended);
    }
    return AskModel();
  };
  StepResult result = attempt();
  if (!machine_fault_) worker_.machine_faults_.Clear(Token());
  return result;
}

AgentWorker::Step::StepResult AgentWorker::Step::AskModel() {
  CallLog::Setup ledger = worker_.LedgerSetup(context_.info(), Token(), reply_, request_.step_name, model_,
                                              !backend_ || !backend_->scripted());
  ledger.several_prompts_per_call = program_ != nullptr;
  if (program_) ledger.left_behind = program_->PaidSoFar(PrivateDirOf(*journal_));
  Result<CallLog> calls = CallLog::Open(*journal_, std::move(ledger));
  if (!calls) return ToolIo(calls.error().message);

  LoopOutcome outcome = program_ ? RunProgram(*calls) : RunLoop(*calls);
  reply_.text = worker_.redactor_.Apply(std::move(reply_.text), reply_.redaction_count);
  calls->AddLost(reply_);
  return Finish(*calls, std::move(outcome));
}

void AgentWorker::Step::KeepInContextCache() {
  if (!question_ || !config_.blob_sink || reply_.budget_exhausted || reply_.secret_findings > 0) return;
  const Status kept = KeepInCache(*config_.cache, *question_, reply_, context_.info().run_id, request_.step_name, *dir_,
                                  config_.secrets, *config_.blob_sink);
  if (!kept) reply_.cache_problem = CutText(kept.error().message, 500);
}

Status AgentWorker::Step::NoteHooks(const CallLog& calls, const json& contents, bool success) {
  if (!config_.record_hooks || reply_.turns == 0) return Ok();
  StepHooks hooks = DescribeHooks(context_.info(), request_, reply_, choice_);
  hooks.project = Project();
  hooks.at = FormatIso8601Millis(worker_.clock_->Now());
  hooks.success = success;
  const json own = OwnPart(contents, session_);
  const bool from_file = request_.context_text.empty() && request_.context_blob_hash.empty();
  const HookFacts facts{.given = given_,
                        .conversation = own,
                        .reply = reply_,
                        .program = program_ != nullptr,
                        .working_dir = request_.working_dir,
                        .context_path = from_file && !agent_context_.empty() ? request_.context_path : ""};
  hooks.events = HookEventsOf(facts, *dir_, Counter(), hooks.events_left_out);
  const bool bought = !backend_ || !backend_->scripted();
  for (HookEvent& event : hooks.events) {
    event.path = worker_.redactor_.Apply(std::move(event.path), reply_.redaction_count);
    if (!bought || event.tokens == 0) continue;
    const PaidTokens tokens{.prompt = event.tokens};
    const std::optional<Money> once = calls.Cost(tokens, hooks.at.substr(0, 10), nullptr, "");
    if (once) event.cost_usd = Money::Nanos(once->nanos() * event.calls);
  }
  const std::string key = hooks.at.substr(0, 10) + "/" + hooks.id;
  return config_.record_hooks(key, hooks);
}

Status AgentWorker::Step::NoteStep(const CallLog& calls, const json& contents, bool success) {
  WFE_RETURN_IF_ERROR(NoteHooks(calls, contents, success));
  NoteToolCalls();
  return Ok();
}

void AgentWorker::Step::NoteToolCalls() {
  if (!config_.record_tool_calls || tool_calls_.count() == 0) return;
  const StepHooks step = DescribeHooks(context_.info(), request_, reply_, choice_);
  const StepToolCalls row{.id = step.id,
                          .run_id = step.run_id,
                          .workflow_id = step.workflow_id,
                          .workflow_type = step.workflow_type,
                          .step_name = step.step_name,
                          .category = step.category,
                          .model = step.model,
                          .backend = step.backend,
                          .at = FormatIso8601Millis(worker_.clock_->Now()),
                          .via = std::string(program_ ? kViaProgram : kViaToolCall),
                          .count = tool_calls_.count(),
                          .failed = tool_calls_.failed(),
                          .calls = tool_calls_.calls()};
  config_.record_tool_calls(row.at.substr(0, 10) + "/" + row.id, row);
}

CallControl AgentWorker::Step::Control() {
  return {.is_cancelled = [this] { return context_.IsCancelled(); },
          .progress =
              [this](int64_t bytes) {
                context_.Heartbeat(
                    {{"step", request_.step_name.substr(0, 200)}, {"turn", reply_.turns + 1}, {"bytes", bytes}});
              }};
}

LoopOutcome AgentWorker::Step::RunLoop(CallLog& calls) {
  LoopInput input{.request = request_,
                  .context = agent_context_,
                  .file_names = {},
                  .given = given_,
                  .earlier_contents = session_,
                  .model = model_,
                  .limits = EffectiveLimits(request_.limits, config_.limits),
                  .protected_paths = request_.protected_paths};
  input.protected_paths.push_back(request_.context_path);
  for (const sandbox::FileState& file : before_.files) input.file_names.push_back(file.path);
  StepServices services = Services(calls);
  LoopOutcome outcome = RunAgentLoop(input, *backend_, services, reply_);
  wrote_ = outcome.writes > 0;
  return outcome;
}

StepServices AgentWorker::Step::Services(CallLog& calls) {
  return {{.journal = *journal_,
           .redactor = worker_.redactor_,
           .tokens = worker_.tokens_,
           .calls = calls,
           .now = [this] { return worker_.clock_->Now(); },
           .control = Control()},
          *dir_,
          tool_calls_};
}

LoopOutcome AgentWorker::Step::RunProgram(CallLog& calls) {
  const ProgramInput input{.request = request_,
                           .instruction = request_.instruction,
                           .context = agent_context_,
                           .model = model_,
                           .max_turns = EffectiveLimits(request_.limits, config_.limits).max_turns,
                           .before = before_};
  StepServices services = Services(calls);
  LoopOutcome outcome = RunProgramStep(input, *program_, services, reply_);
  wrote_ = outcome.writes > 0;
  return outcome;
}

AgentWorker::Step::StepResult AgentWorker::Step::Finish(CallLog& calls, LoopOutcome outcome) {
  using Kind = LoopOutcome::Kind;
  if (outcome.kind == Kind::kCancelled) return sdk::ActivityCancelled{.details = {{"step", request_.step_name}}};
  if (outcome.kind == Kind::kMachine) {
    return outcome.records_down ? RecordsDown(outcome.message)
                                : ToolIo(outcome.message);
  }
  if (outcome.kind == Kind::kRetry) return Unavailable(calls, *outcome.unavailable);
  if (outcome.kind == Kind::kBudget) return RefusedByBudget(*outcome.refusal);

  if (auto failure = LookAtTree()) return *std::move(failure);
  if (outcome.kind == Kind::kAgentError) {
    // The failure is what counts, whether or not its events can be kept.
    (void)NoteStep(calls, outcome.contents, false);
    return AgentError(outcome.message);
  }
  if (program_) reply_.claimed_not_written = ClaimedNotWritten(reply_, request_.working_dir);
  const bool changed = wrote_ || !reply_.files_touched.empty();
  if (!changed && !reply_.budget_exhausted) {
    if (request_.requires_file_changes) {
      (void)NoteStep(calls, outcome.contents, false);
      return AgentError(NoChangeMessage());
    }
    reply_.no_change = true;
  }
  if (const Status noted = NoteStep(calls, outcome.contents, !reply_.budget_exhausted); !noted) {
    return Store("cannot store the events of the step", noted.error());
  }
  if (const Status stored = StoreBlobs(std::move(outcome.contents)); !stored) {
    return Store("cannot store what the step made", stored.error());
  }
  if (const Status bounded = BoundReply(reply_, config_.blob_sink.get()); !bounded) {
    return Store("cannot store the model's words", bounded.error());
  }
  KeepInContextCache();
  return std::move(reply_);
}

std::string AgentWorker::Step::NoChangeMessage() const {
  std::string message = "the agent answered without changing any file";
  if (reply_.nudges > 0) {
    message += ", also after it was asked again " + std::to_string(reply_.nudges) + " time" +
               (reply_.nudges == 1 ? "" : "s");
  }
  if (reply_.refused_action_count > 0) {
    message += "; " + std::to_string(reply_.refused_action_count) + " of its actions were refused";
  }
  return message;
}

std::optional<ApplicationFailure> AgentWorker::Step::LookAtTree() {
  Result<sandbox::TreeSnapshot> after = sandbox::TakeSnapshot(*dir_);
  if (!after && after.error().code != StatusCode::kResourceExhausted) return ToolIo(after.error().message);
  if (!after) return Fail(kAgentErrorType, "after the step: " + after.error().message, true, std::nullopt);
  reply_.files_touched = sandbox::Diff(before_, *after).Touched();
  reply_.tree_hash = after->Hash();
  return std::nullopt;
}

/// The model's own words are the best explanation there is.
ApplicationFailure AgentWorker::Step::AgentError(std::string message) {
  message = CutText(message, 2000);
  if (const std::string words = Quoted(reply_.text); !words.empty()) message += "; it said: " + words;
  return Fail(kAgentErrorType, std::move(message), true, std::nullopt);
}

AgentWorker::Step::StepResult AgentWorker::Step::Unavailable(CallLog& calls, const ModelError& error) {
  const Result<NextTry> next = worker_.AfterFailure(calls, error, request_.patience_s, reply_);
  if (!next) return ToolIo(next.error().message);
  if (!next->give_up) return Fail(kModelUnavailableType, next->message, false, next->delay);
  if (auto failure = LookAtTree()) return *std::move(failure);
  return Fail(kModelUnavailableType, next->message, true, std::nullopt);
}

/// What was done so far stands; a retry goes on from there (QF-2).
ApplicationFailure AgentWorker::Step::RefusedByBudget(const client::BudgetAnswer& refusal) {
  const RefusedCall refused = OfRefusal(refusal, worker_.clock_->Now(), worker_.Chance());
  reply_.resumes_at = refused.resumes_at;
  if (refused.delay) return Fail(refused.type, refused.message, false, refused.delay);
  if (auto failure = LookAtTree()) return *std::move(failure);
  return Fail(refused.type, refused.message, true, std::nullopt);
}

Status AgentWorker::Step::StoreBlobs(json contents) {
  if (!config_.blob_sink) return Ok();
  WFE_RETURN_IF_ERROR(config_.blob_sink->Put(instruction_));
  if (request_.keep_session && !contents.is_null()) {
    int64_t ignored = 0;
    worker_.redactor_.Apply(contents, ignored);  // people read blobs
    const json session = {{"model", model_}, {"contents", std::move(contents)}};
    WFE_ASSIGN_OR_RETURN(reply_.session_blob_hash,
                         config_.blob_sink->Put(session.dump(-1, ' ', false, json::error_handler_t::replace)));
  }
  if (request_.keep_snapshot) {
    WFE_ASSIGN_OR_RETURN(const std::string archive, sandbox::PackTree(*dir_, {.secrets = config_.secrets}));
    WFE_ASSIGN_OR_RETURN(reply_.snapshot_blob_hash, config_.blob_sink->Put(archive));
  }
  return Ok();
}

ApplicationFailure AgentWorker::Step::Fail(std::string_view type, std::string message, bool non_retryable,
                                           std::optional<Duration> delay) {
  message = CutText(message, 4000);
  reply_.error = message;
  // A failure tells what happened even where the store does not answer.
  if (!BoundReply(reply_, config_.blob_sink.get())) (void)BoundReply(reply_, nullptr);
  return {.message = std::move(message),
          .type = std::string(type),
          .non_retryable = non_retryable,
          .next_retry_delay = delay,
          .details = reply_};
}

ApplicationFailure AgentWorker::Step::ToolIo(std::string message) {
  machine_fault_ = true;
  return worker_.MachineFault(Token(), kToolIoType, std::move(message), kMaxMachineFaults);
}

ApplicationFailure AgentWorker::Step::Store(const std::string& what, const Error& error) {
  if (!IsRecordsDown(error)) return ToolIo(what + ": " + error.message);
  return RecordsDown(what + ": " + error.message);
}

ApplicationFailure AgentWorker::Step::RecordsDown(std::string message) {
  machine_fault_ = true;
  return worker_.MachineFault(Token(), kRecordsDownType, std::move(message),
                              kMaxRecordsFaults);
}

sdk::ActivityResult<AgentReply> AgentWorker::ExecuteAgent(sdk::ActivityContext& context, const AgentRequest& request) {
  return Step(*this, context, request).Run();
}

}  // namespace wfe::agent
