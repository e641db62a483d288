// One call of a model that answers in words or code, without tools and without a directory (AC-2, AC-7, AC-8): all that
// a workflow, or an activity that makes such a call, needs to know.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/money.h"
#include "engine/base/record_json.h"
#include "workers/sdk/activity.h"

namespace wfe::agent {

/// How the model is to answer.  What is absent is left to the model.
struct CallParameters {
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<int64_t> seed;
  int max_output_tokens = 0;      ///< 0: the worker's default.
  std::vector<std::string> stop;  ///< The answer ends before any of these.
  /// A JSON schema that the answer keeps; null: free text.
  nlohmann::json response_schema;
};
WFE_RECORD(CallParameters, temperature, top_p, seed, max_output_tokens, stop, response_schema);
constexpr RecordRules RulesOf(const CallParameters*) {
  return {.seldom = "temperature top_p seed max_output_tokens stop response_schema"};
}

struct CallRequest {
  std::string step_name;           ///< plan, generate …; in the ledger, and selects a scripted answer (turn 1).
  std::string model;               ///< A model, or a tier ("small", "medium", "large"); empty: the worker's default.
  std::string backend;             ///< Empty: the tier's, or the worker's default.
  std::string system;              ///< The system text; may be empty.
  std::vector<std::string> parts;  ///< The prompt, what is the same in many calls first: providers cache prefixes.
  CallParameters parameters;
  /// How long the model may be unavailable before the call gives up, from its first failure.
  int64_t patience_s = 86'400;
  /// What is left of a budget; checked before the call is made.  Absent: no limit; 0 buys nothing.
  std::optional<int64_t> max_total_tokens;
  std::optional<Money> max_cost_usd;
  std::string cache;  ///< never, auto or always; empty: never (CE-3).
};
WFE_RECORD(CallRequest, step_name, model, backend, system, parts, parameters, patience_s, max_total_tokens,
           max_cost_usd, cache);
constexpr RecordRules RulesOf(const CallRequest*) { return {.required = "step_name parts", .seldom = "cache"}; }

/// Of `system` and `parts` together.
inline constexpr size_t kMaxPromptBytes = 8 << 20;

struct CallReply {
  /// What the model said, without thoughts, as it came but for exact secrets of this worker.  Empty for an answer
  /// without words: `finish_reason` says why.
  std::string text;
  std::string text_blob_hash;  ///< callModel only: the whole text, where `text` was cut.
  /// In the Gemini API's words whatever the backend: STOP, MAX_TOKENS (cut), SAFETY …; "PROMPT_BLOCKED".  Any of them
  /// is a reply and not a failure, since it was paid.
  std::string finish_reason;
  std::string backend;
  std::string model;          ///< That was asked; "scripted/<cassette>" for canned answers.
  std::string model_tier;     ///< The tier that was asked for; empty: a model by its name.
  std::string model_version;  ///< What the service says has answered; empty: it does not say.
  std::string call_id;        ///< Of its two rows in the ledger; empty: no call was made.

  int64_t prompt_token_count = 0;      ///< Includes cached.
  int64_t completion_token_count = 0;  ///< Includes thoughts.
  int64_t thoughts_token_count = 0;
  int64_t cached_token_count = 0;
  std::string token_count_source;  ///< As in AgentReply.
  /// Of all calls, lost ones included.  Absent when the price is unknown or nothing was bought.
  std::optional<Money> cost_usd;
  std::string price_version;
  int64_t latency_ms = 0;  ///< Of the call that was answered.
  bool replayed = false;   ///< From the journal of an earlier attempt; no call was made by this one.
  int attempt = 1;         ///< Of the activity.
  /// Calls that were made and gave no answer, by earlier attempts too.
  int64_t lost_calls = 0;
  int64_t lost_prompt_token_count = 0;
  int64_t lost_completion_token_count = 0;
  int64_t redaction_count = 0;    ///< Secrets that the model said and that are not in `text`.
  bool budget_exhausted = false;  ///< Nothing was left to spend; no call was made.
  bool cache_hit = false;         ///< The kept answer to the same question; no call was made.
  int64_t tokens_saved = 0;       ///< What that answer had taken,
  std::optional<Money> cost_saved_usd;  ///< and cost; absent: its price is not known.
  std::string tool_id;            ///< A registered tool answered and no model did (PD-6); then tokens_saved and
  std::string pattern_signature;  ///< cost_saved_usd are what a model takes for this kind of call on average.
  std::string unavailable_since;  ///< MODEL_UNAVAILABLE: when the first failure was.
  std::string resumes_at;         ///< BUDGET_DEFERRED: when the budget's next period begins.
  std::string error;              ///< In the details of a failure: why.
};
WFE_RECORD(CallReply, text, text_blob_hash, finish_reason, backend, model, model_tier, model_version, call_id,
           prompt_token_count, completion_token_count, thoughts_token_count, cached_token_count, token_count_source,
           cost_usd, price_version, latency_ms, replayed, attempt, lost_calls, lost_prompt_token_count,
           lost_completion_token_count, redaction_count, budget_exhausted, cache_hit, tokens_saved, cost_saved_usd,
           tool_id, pattern_signature, unavailable_since, resumes_at, error);
constexpr RecordRules RulesOf(const CallReply*) {
  return {.seldom =
              "text_blob_hash model_tier model_version replayed lost_calls lost_prompt_token_count "
              "lost_completion_token_count budget_exhausted cache_hit tokens_saved tool_id "
              "pattern_signature unavailable_since resumes_at error"};
}

/// What `text` of a reply of callModel may hold; the rest is in the blob.
inline constexpr size_t kMaxCallTextBytes = 256 << 10;

/// Makes one call.  At least once: its answer is journalled on the worker before anything else happens, so a retry on
/// the same machine answers from there and pays nothing (AB-5). Failures, by type, with a CallReply as details where a
/// call was tried:
///   AGENT_ERROR       not retryable: the service refused the request or the key
///   MODEL_UNAVAILABLE rate limit, a day's quota, 5xx, network, cut stream.  Retryable, with the delay to wait, until
///                     `patience_s` is over; then not.  Give the activity no limit of attempts
///   BUDGET_EXCEEDED, BUDGET_DEFERRED, BUDGET_BUSY  as of executeGeminiAgent: no call was made
///   INVALID_INPUT     not retryable: no prompt, unknown backend or tier
///   TOOL_IO, UNAVAILABLE  as of executeGeminiAgent
inline constexpr sdk::ActivityType<CallRequest, CallReply> kCallModel{"callModel"};

}  // namespace wfe::agent
