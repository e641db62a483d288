#include "activities/agent/step/step_call.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace wfe::agent {

using nlohmann::json;

LoopOutcome LoopOutcome::AgentError(std::string message) {
  return {.kind = Kind::kAgentError, .message = std::move(message), .unavailable = {}, .contents = nullptr};
}

LoopOutcome LoopOutcome::Machine(const Error& error) {
  return {.kind = Kind::kMachine,
          .message = error.message,
          .unavailable = {},
          .contents = nullptr,
          .records_down = error.code == StatusCode::kUnavailable || error.code == StatusCode::kDeadlineExceeded};
}

namespace {

/// Why a call could not begin.
LoopOutcome NotBegun(const CallLog& calls, const Error& error) {
  if (!calls.refusal()) return LoopOutcome::Machine(error);
  LoopOutcome refused = LoopOutcome::AgentError(error.message);
  refused.kind = LoopOutcome::Kind::kBudget;
  refused.refusal = calls.refusal();
  return refused;
}

/// An answer that came, was paid and is not kept.
Status CountUnused(CallServices& services, const std::string& call_id, const json& answer, const std::string& why,
                   int64_t latency_ms) {
  ModelError unused{.kind = ModelErrorKind::kPermanent, .message = why, .error_class = "UNUSABLE"};
  unused.model = answer.value("model", "");
  if (const auto tokens = answer.find("tokens"); tokens != answer.end()) {
    unused.paid = PaidTokens{.prompt = tokens->at("prompt").get<int64_t>(),
                             .output = tokens->at("output").get<int64_t>(),
                             .thoughts = tokens->at("thoughts").get<int64_t>(),
                             .cached = tokens->at("cached").get<int64_t>()};
  }
  return services.calls.Failed(call_id, unused, latency_ms);
}

LoopOutcome FailedCall(CallServices& services, AgentReply& reply, const std::string& call_id, ModelError error,
                       int64_t latency_ms) {
  reply.latency_ms += latency_ms;
  error.message = services.redactor.Apply(error.message, reply.redaction_count);
  if (const Status kept = services.calls.Failed(call_id, error, latency_ms); !kept) {
    return LoopOutcome::Machine(kept.error());
  }
  LoopOutcome failed = LoopOutcome::AgentError(error.message);
  if (error.kind == ModelErrorKind::kCancelled) failed.kind = LoopOutcome::Kind::kCancelled;
  if (error.kind == ModelErrorKind::kRetryable) {
    failed.kind = LoopOutcome::Kind::kRetry;
    failed.unavailable = std::move(error);
  }
  return failed;
}

}  // namespace

std::optional<LoopOutcome> AnswerToCall(const AgentRequest& request, CallServices& services, AgentReply& reply,
                                        int number, const std::function<ModelOutcome()>& ask, const Digest& digest,
                                        json& answer, const std::function<std::optional<CallBound>()>& bound) {
  Result<std::optional<json>> known = services.journal.Read(AnswerName(number));
  if (!known) return LoopOutcome::Machine(known.error());
  if (*known) {
    answer = **std::move(known);
    ++reply.replayed_turns;
    return std::nullopt;
  }
  if (BudgetSpent(request, reply, services.calls)) {
    reply.budget_exhausted = true;
    return LoopOutcome();
  }
  const Result<CallLog::Begun> begun = services.calls.Begin(number, bound ? bound() : std::nullopt);
  if (!begun) return NotBegun(services.calls, begun.error());
  const auto started = std::chrono::steady_clock::now();
  const ModelOutcome outcome = ask();
  const auto taken = std::chrono::steady_clock::now() - started;
  const int64_t latency_ms = std::chrono::duration_cast<std::chrono::milliseconds>(taken).count();
  if (!outcome.ok()) return FailedCall(services, reply, begun->id, outcome.error(), latency_ms);
  answer = json::object();
  if (std::optional<LoopOutcome> over = digest(outcome.response(), answer)) {
    const Status counted = CountUnused(services, begun->id, answer, over->message, latency_ms);
    return counted ? over : LoopOutcome::Machine(counted.error());
  }
  answer["call_id"] = begun->id;
  answer["started"] = begun->started;
  answer["latency_ms"] = latency_ms;
  answer["time"] = FormatIso8601Millis(services.now());
  // Before anything else happens: from here on this answer is never asked for again.
  const Status written = services.journal.Write(AnswerName(number), answer);
  if (!written) return LoopOutcome::Machine(written.error());
  return std::nullopt;
}

Status AccountForCall(CallServices& services, AgentReply& reply, int number, const json& answer, bool bought) {
  const json& counts = answer.at("tokens");
  const PaidTokens paid{.prompt = counts.at("prompt").get<int64_t>(),
                        .output = counts.at("output").get<int64_t>(),
                        .thoughts = counts.at("thoughts").get<int64_t>(),
                        .cached = counts.at("cached").get<int64_t>()};
  reply.turns = number;
  reply.latency_ms += answer.at("latency_ms").get<int64_t>();
  reply.redaction_count += answer.at("redactions").get<int64_t>();
  reply.prompt_token_count += paid.prompt;
  reply.completion_token_count += paid.output + paid.thoughts;
  reply.thoughts_token_count += paid.thoughts;
  reply.cached_token_count += paid.cached;
  // A step is "reported" only when every call of it was.
  const std::string source = counts.at("source").get<std::string>();
  if (reply.token_count_source.empty() || source != kTokensReported) reply.token_count_source = source;

  const std::string time = answer.at("time").get<std::string>();
  std::optional<Money> cost;
  if (bought) cost = services.calls.Cost(paid, time.substr(0, 10), &reply.price_version, answer.value("model", ""));
  if (reply.cost_usd && cost) {
    reply.cost_usd = reply.cost_usd->Plus(*cost);
  } else {
    reply.cost_usd.reset();
  }
  return services.calls.Answered(answer, number);
}

RefusedCall OfRefusal(const client::BudgetAnswer& refusal, Instant now, double chance) {
  using Verdict = client::BudgetAnswer::Verdict;
  const auto spread = [chance](int64_t seconds) {
    return std::chrono::milliseconds(static_cast<int64_t>(static_cast<double>(seconds * 1000) * chance));
  };
  RefusedCall refused{.type = kBudgetExceededType, .message = refusal.message, .delay = {}, .resumes_at = {}};
  if (refusal.verdict == Verdict::kBusy) {
    refused.type = kBudgetBusyType;
    refused.delay = std::chrono::seconds(3) + spread(4);
  } else if (refusal.verdict == Verdict::kDeferred && refusal.resumes) {
    refused.type = kBudgetDeferredType;
    refused.resumes_at = FormatIso8601Millis(*refusal.resumes);
    refused.message += "; goes on at " + refused.resumes_at;
    refused.delay = std::max(Duration::zero(), *refusal.resumes - now) + std::chrono::seconds(1) + spread(60);
  }
  return refused;
}

bool BudgetSpent(const AgentRequest& request, const AgentReply& reply, const CallLog& calls) {
  const int64_t tokens = reply.prompt_token_count + reply.completion_token_count + calls.lost_tokens();
  if (request.max_total_tokens && tokens >= *request.max_total_tokens) return true;
  return request.max_cost_usd &&
         reply.cost_usd.value_or(Money()).PlusAtMost(calls.lost_cost_usd()) >= *request.max_cost_usd;
}

bool IsRepairable(const std::string& finish_reason) {
  return finish_reason == "MAX_TOKENS" || finish_reason == "MALFORMED_FUNCTION_CALL" ||
         finish_reason == "UNEXPECTED_TOOL_CALL";
}

}  // namespace wfe::agent
