#include "activities/agent/call/model_caller.h"

#include <tuple>
#include <utility>

#include "activities/agent/call/ask_model.h"
#include "activities/agent/call/cached_call.h"
#include "activities/agent/programs/agent_program.h"
#include "activities/agent/programs/program_backend.h"
#include "activities/agent/programs/program_step.h"
#include "activities/agent/step/agent_worker.h"
#include "activities/agent/step/journal.h"
#include "activities/agent/step/reply_bounds.h"
#include "engine/base/hash.h"

namespace wfe::agent {
namespace {

using nlohmann::json;
using sdk::ApplicationFailure;

ApplicationFailure InvalidCall(std::string message) { return AgentFailure("INVALID_INPUT", std::move(message), true); }

json GenerationConfig(const CallParameters& parameters, int default_max_output_tokens) {
  json config = json::object();
  const int most = parameters.max_output_tokens > 0 ? parameters.max_output_tokens : default_max_output_tokens;
  if (most > 0) config["maxOutputTokens"] = most;
  if (parameters.temperature) config["temperature"] = *parameters.temperature;
  if (parameters.top_p) config["topP"] = *parameters.top_p;
  if (parameters.seed) config["seed"] = *parameters.seed;
  if (!parameters.stop.empty()) config["stopSequences"] = parameters.stop;
  if (!parameters.response_schema.is_null()) {
    config["responseMimeType"] = "application/json";
    config["responseJsonSchema"] = parameters.response_schema;
  }
  return config;
}

json GenerateContentRequest(const CallRequest& request, int default_max_output_tokens) {
  json parts = json::array();
  for (const std::string& part : request.parts) parts.push_back({{"text", part}});
  json body = {{"contents", json::array({{{"role", "user"}, {"parts", std::move(parts)}}})}};
  if (!request.system.empty()) body["systemInstruction"]["parts"] = json::array({{{"text", request.system}}});
  json config = GenerationConfig(request.parameters, default_max_output_tokens);
  if (!config.empty()) body["generationConfig"] = std::move(config);
  return body;
}

}  // namespace

/// One attempt of one call.
class AgentWorker::OneCall {
 public:
  OneCall(AgentWorker& worker, sdk::ActivityContext& context, const CallRequest& request, std::string token)
      : worker_(worker), config_(worker.config_), context_(context), request_(request), token_(std::move(token)) {}

  sdk::ActivityResult<CallReply> Run() {
    sdk::ActivityResult<CallReply> result = Attempt();
    if (!machine_fault_) worker_.machine_faults_.Clear(token_);
    return result;
  }

 private:
  sdk::ActivityResult<CallReply> Attempt() {
    if (auto failure = CheckInput()) return *std::move(failure);
    Result<StepJournal> journal = StepJournal::Open(config_.work_root, token_, ToHex(Sha256(json(request_).dump())),
                                                    [this] { return !context_.IsCancelled(); });
    if (!journal) {
      if (journal.error().code == StatusCode::kCancelled) return sdk::ActivityCancelled{};
      return ToolIo(journal.error().message);
    }
    if (auto done = ByTool(*journal)) return *std::move(done);
    if (auto kept = FromCache(*journal)) return *std::move(kept);
    CallLog::Setup ledger = worker_.LedgerSetup(context_.info(), token_, reply_, request_.step_name, resolved_.model,
                                                !backend_ || !backend_->scripted());
    if (program_) {
      const std::string private_dir = PrivateDirOf(*journal);
      backend_ = MakeProgramBackend(program_, private_dir, journal->path() + "/empty");
      ledger.several_prompts_per_call = true;
      ledger.left_behind = program_->PaidSoFar(private_dir);
    }
    Result<CallLog> calls = CallLog::Open(*journal, std::move(ledger));
    if (!calls) return ToolIo(calls.error().message);
    CallServices services{.journal = *journal,
                          .redactor = worker_.redactor_,
                          .tokens = worker_.tokens_,
                          .calls = *calls,
                          .now = [this] { return worker_.clock_->Now(); },
                          .control = Control()};
    std::optional<LoopOutcome> over = Ask(services);
    calls->AddLost(reply_);
    if (over) return Ended(*calls, *over);
    CallReply reply = Reply();
    Keep(reply);
    return reply;
  }

  /// What a registered tool answers, where one does and no attempt of this call has asked a model yet (PD-6).
  std::optional<CallReply> ByTool(const StepJournal& journal) {
    if (!config_.offer_to_tools) return std::nullopt;
    const Result<std::optional<json>> answered = journal.Read(AnswerName(1));
    if (answered && *answered) return std::nullopt;
    ToolOffer offer{.token = token_, .step_name = request_.step_name, .text = request_.parts.front()};
    for (size_t i = 1; i < request_.parts.size(); ++i) offer.input += request_.parts[i];
    std::optional<ToolAnswer> answer = config_.offer_to_tools(context_, offer);
    if (!answer) return std::nullopt;
    CallReply reply;
    reply.text = worker_.redactor_.Apply(std::move(answer->text), reply.redaction_count);
    reply.finish_reason = "STOP";
    reply.backend = "tool";
    reply.model = ToolModelName(answer->tool_id);
    reply.latency_ms = answer->duration_ms;
    reply.attempt = reply_.attempt;
    reply.tool_id = answer->tool_id;
    reply.pattern_signature = answer->pattern_signature;
    reply.tokens_saved = answer->tokens_saved;
    reply.cost_saved_usd = answer->cost_saved_usd;
    return reply;
  }

  /// The answer to the same question, where the request allows it and no attempt of this call has asked a model yet.
  std::optional<sdk::ActivityResult<CallReply>> FromCache(const StepJournal& journal) {
    const CachePolicy policy = ParseCachePolicy(request_.cache).value_or(CachePolicy::kNever);
    if (!config_.cache || policy == CachePolicy::kNever) return std::nullopt;
    CacheQuestion question = QuestionOfCall(request_, reply_, config_.limits.max_output_tokens);
    const int64_t tokens = worker_.tokens_.Tokens(resolved_.model, question.task).tokens;
    if (!config_.cache->Applies(policy, 0, tokens)) return std::nullopt;
    question_ = std::move(question);
    const Result<std::optional<json>> answered = journal.Read(AnswerName(1));
    if (answered && *answered) return std::nullopt;
    const CacheAsker asker{.token = token_, .workflow_run_id = context_.info().run_id};
    const Result<std::optional<CallReply>> kept = TakeFromCache(*config_.cache, *question_, asker, reply_);
    if (!kept) return RecordsDown("cannot take the answer from the cache: " + kept.error().message);
    if (!*kept) return std::nullopt;
    return sdk::ActivityResult<CallReply>(**kept);
  }

  /// A cache that cannot be written costs the next run a call, and this one nothing.
  void Keep(const CallReply& reply) {
    if (question_ && IsWorthKeeping(reply)) {
      std::ignore = KeepInCache(*config_.cache, *question_, reply, context_.info().run_id, request_.step_name);
    }
  }

  std::optional<ApplicationFailure> CheckInput() {
    if (request_.step_name.empty()) return InvalidCall("the call of a model has no step_name");
    size_t bytes = request_.system.size();
    size_t said = 0;
    for (const std::string& part : request_.parts) said += part.size();
    bytes += said;
    if (said == 0) return InvalidCall("the call of a model for " + request_.step_name + " has no prompt");
    if (bytes > kMaxPromptBytes) {
      return InvalidCall("the prompt of " + request_.step_name + " has " + std::to_string(bytes) + " bytes; the limit is " +
                     std::to_string(kMaxPromptBytes));
    }
    if (config_.work_root.empty()) return InvalidCall("this worker has no work_root for its journal");
    if (!ParseCachePolicy(request_.cache)) {
      return InvalidCall("cache must be never, auto or always, not \"" + request_.cache + "\"");
    }
    Result<ResolvedModel> resolved = ResolveModel(config_, request_.backend, request_.model);
    if (!resolved) return InvalidCall(resolved.error().message);
    resolved_ = *std::move(resolved);
    if (const auto own = config_.backends.find(resolved_.backend); own != config_.backends.end())
      backend_ = own->second;
    if (const auto run = config_.programs.find(resolved_.backend); run != config_.programs.end())
      program_ = run->second;
    if (!backend_ && !program_) return InvalidCall("this worker has no agent backend \"" + resolved_.backend + "\"");
    reply_.backend = resolved_.backend;
    reply_.model = backend_ ? backend_->ModelLabel(resolved_.model) : resolved_.model;
    reply_.model_tier = resolved_.tier;
    reply_.attempt = context_.info().attempt;
    budget_.step_name = request_.step_name;
    budget_.max_total_tokens = request_.max_total_tokens;
    budget_.max_cost_usd = request_.max_cost_usd;
    return std::nullopt;
  }

  CallControl Control() {
    return {.is_cancelled = [this] { return context_.IsCancelled(); },
            .progress =
                [this](int64_t bytes) {
                  context_.Heartbeat({{"step", request_.step_name.substr(0, 200)}, {"bytes", bytes}});
                }};
  }

  /// nullopt: the answer is in reply_.
  std::optional<LoopOutcome> Ask(CallServices& services) {
    const int asked = request_.parameters.max_output_tokens;
    const int most = asked > 0 ? asked : config_.limits.max_output_tokens;
    json body = GenerateContentRequest(request_, config_.limits.max_output_tokens);
    int64_t masked = 0;
    services.redactor.MaskSecrets(body, masked);
    if (!backend_->scripted()) reply_.cost_usd = Money();
    const ModelCall call{.step_name = request_.step_name, .turn = 1, .model = resolved_.model, .request = body};
    json answer;
    if (std::optional<LoopOutcome> over = AskModel(budget_, services, reply_, *backend_, call, most, answer)) return over;
    const Status accounted = AccountForCall(services, reply_, 1, answer, !backend_->scripted());
    if (!accounted) return LoopOutcome::Machine(accounted.error());
    const json& response = answer["response"];
    std::string why;
    reply_.finish_reason = FinishReasonOf(response, &why);
    reply_.text = VisibleText(PartsOf(response));
    reply_.model_version = ModelVersionOf(response);
    if (const std::string chosen = answer.value("model", ""); !chosen.empty()) reply_.model = chosen;
    call_id_ = answer.value("call_id", "");
    return std::nullopt;
  }

  CallReply Reply() const {
    CallReply reply;
    reply.text = reply_.text;
    reply.finish_reason = reply_.finish_reason;
    reply.backend = reply_.backend;
    reply.model = reply_.model;
    reply.model_tier = reply_.model_tier;
    reply.model_version = reply_.model_version;
    reply.call_id = call_id_;
    reply.prompt_token_count = reply_.prompt_token_count;
    reply.completion_token_count = reply_.completion_token_count;
    reply.thoughts_token_count = reply_.thoughts_token_count;
    reply.cached_token_count = reply_.cached_token_count;
    reply.token_count_source = reply_.token_count_source;
    // Of a call that was not answered nothing is known but what was lost.
    if (reply_.turns > 0 || reply_.lost_calls > 0) reply.cost_usd = reply_.cost_usd;
    reply.price_version = reply_.price_version;
    reply.latency_ms = reply_.latency_ms;
    reply.replayed = reply_.replayed_turns > 0;
    reply.attempt = reply_.attempt;
    reply.lost_calls = reply_.lost_calls;
    reply.lost_prompt_token_count = reply_.lost_prompt_token_count;
    reply.lost_completion_token_count = reply_.lost_completion_token_count;
    reply.redaction_count = reply_.redaction_count;
    reply.budget_exhausted = reply_.budget_exhausted;
    reply.unavailable_since = reply_.unavailable_since;
    reply.resumes_at = reply_.resumes_at;
    return reply;
  }

  sdk::ActivityResult<CallReply> Ended(CallLog& calls, const LoopOutcome& over) {
    using Kind = LoopOutcome::Kind;
    switch (over.kind) {
      case Kind::kCancelled:
        return sdk::ActivityCancelled{.details = {{"step", request_.step_name}}};
      case Kind::kMachine:
        return over.records_down ? RecordsDown(over.message) : ToolIo(over.message);
      case Kind::kBudget:
        return RefusedByBudget(*over.refusal);
      case Kind::kAgentError:
        return Fail(kAgentErrorType, over.message, true, std::nullopt);
      case Kind::kRetry:
        break;
      case Kind::kDone:
        return Reply();  // the budget: no call was made
    }
    const Result<NextTry> next = worker_.AfterFailure(calls, *over.unavailable, request_.patience_s, reply_);
    if (!next) return ToolIo(next.error().message);
    if (next->give_up) return Fail(kModelUnavailableType, next->message, true, std::nullopt);
    return Fail(kModelUnavailableType, next->message, false, next->delay);
  }

  ApplicationFailure Fail(std::string_view type, const std::string& message, bool final,
                          std::optional<Duration> delay) {
    CallReply details = Reply();
    details.error = CutText(message, 4000);
    return {.message = details.error,
            .type = std::string(type),
            .non_retryable = final,
            .next_retry_delay = delay,
            .details = details};
  }

  ApplicationFailure RefusedByBudget(const client::BudgetAnswer& refusal) {
    const RefusedCall refused = OfRefusal(refusal, worker_.clock_->Now(), worker_.Chance());
    reply_.resumes_at = refused.resumes_at;
    return Fail(refused.type, refused.message, !refused.delay, refused.delay);
  }

  ApplicationFailure RecordsDown(std::string message) {
    machine_fault_ = true;
    return worker_.MachineFault(token_, kRecordsDownType, std::move(message), kMaxRecordsFaults);
  }
  ApplicationFailure ToolIo(std::string message) {
    machine_fault_ = true;
    return worker_.MachineFault(token_, kToolIoType, std::move(message), kMaxMachineFaults);
  }

  AgentWorker& worker_;
  const GeminiConfig& config_;
  sdk::ActivityContext& context_;
  const CallRequest& request_;
  const std::string token_;
  ResolvedModel resolved_;
  std::shared_ptr<ModelBackend> backend_;
  std::shared_ptr<AgentProgram> program_;
  AgentRequest budget_;  // what AnswerToCall asks of a request
  AgentReply reply_;     // what all calls are accounted in
  std::string call_id_;
  std::optional<CacheQuestion> question_;  // empty: the cache has no part in this call
  bool machine_fault_ = false;
};

sdk::ActivityResult<CallReply> AgentWorker::CallModel(sdk::ActivityContext& context, const CallRequest& request,
                                                      std::string token) {
  if (token.empty()) token = context.info().IdempotencyToken();
  return OneCall(*this, context, request, std::move(token)).Run();
}

sdk::ActivityResult<CallReply> AgentWorker::CallModelActivity(sdk::ActivityContext& context,
                                                              const CallRequest& request) {
  sdk::ActivityResult<CallReply> result = CallModel(context, request, {});
  if (!result.has_value() || result.value().text.size() <= kMaxCallTextBytes) return result;
  CallReply reply = result.value();
  if (config_.blob_sink) {
    const Result<std::string> stored = config_.blob_sink->Put(reply.text);
    if (!stored)
      return AgentFailure(kRecordsDownType, "cannot store the model's answer: " + stored.error().message, false);
    reply.text_blob_hash = *stored;
  }
  reply.text = CutText(reply.text, kMaxCallTextBytes);
  return reply;
}

ModelCaller::ModelCaller(const GeminiConfig& config) : worker_(std::make_shared<AgentWorker>(config)) {}

sdk::ActivityResult<CallReply> ModelCaller::Call(sdk::ActivityContext& context, const CallRequest& request,
                                                 std::string token) const {
  return worker_->CallModel(context, request, std::move(token));
}

}  // namespace wfe::agent
