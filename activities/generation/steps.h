// The activities of one generation that are its own (SG-1, AC-7).  The node's examination and tests are those of
// activities/nodes, what it leaves behind those of activities/learning.
//
//   triageTask          what kind of task it is and which models it needs; asks no model
//   planGeneration      one call: the specification
//   generateCode        one call: the node
//   escalateGeneration  one call of the better model, with what was wrong
//
// The three that ask a model fail as kCallModel says (activities/agent/call/model_call.h), and with INVALID_INPUT for a
// template that is not there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/money.h"
#include "engine/base/record_json.h"
#include "workers/sdk/activity.h"

namespace wfe::generation {

/// What a person may ask for at once.
inline constexpr size_t kMaxTaskBytes = 64 << 10;

struct TriageTaskRequest {
  std::string task;
  std::string language;
  std::string node_id;  ///< Empty: made from the task's words.
};
WFE_RECORD(TriageTaskRequest, task, language, node_id);
constexpr RecordRules RulesOf(const TriageTaskRequest*) { return {.subject = "input", .required = "task language"}; }

struct Triage {
  std::string task_type;  ///< transform, aggregate, validate, parse, fetch, compute or general.
  std::string strategy;   ///< The tier of models that generates: "small" or "medium".
  std::string reason;     ///< One sentence.
  std::string node_id;
  std::string template_id;  ///< Of the prompt that makes nodes in this language.
  std::string headline;     ///< For those who look on, as in the next ones.
  // A registered tool did the task and no model need be asked (SG-8, PD-6):
  std::string tool_id;
  std::string pattern_signature;
  std::string tool_code;     ///< The node.
  int64_t tokens_saved = 0;  ///< What a generation of this kind takes on average,
  std::optional<Money> cost_saved_usd;  ///< and costs.
};
WFE_RECORD(Triage, task_type, strategy, reason, node_id, template_id, headline, tool_id, pattern_signature, tool_code,
           tokens_saved, cost_saved_usd);
constexpr RecordRules RulesOf(const Triage*) {
  return {.whole = true, .seldom = "tool_id pattern_signature tool_code tokens_saved cost_saved_usd"};
}

/// Which model a call asks, and within what.
struct ModelUse {
  std::string model;    ///< A model, or a tier.
  std::string backend;  ///< Empty: the tier's, or the worker's default.
  int64_t patience_s = 0;
  std::optional<Money> max_cost_usd;  ///< What is left for the run.
  std::string cache;                  ///< never, auto or always; empty: never.
};
WFE_RECORD(ModelUse, model, backend, patience_s, max_cost_usd, cache);
constexpr RecordRules RulesOf(const ModelUse*) { return {.required = "model", .seldom = "max_cost_usd cache"}; }

/// What a call was and took.
struct CallCost {
  std::string model;  ///< "scripted/…" for canned answers.
  std::string model_tier;
  std::string call_id;
  int64_t tokens = 0;              ///< In and out, those of lost calls included.
  std::optional<Money> cost_usd;  ///< Absent: the price is unknown.
  int64_t latency_ms = 0;
  bool budget_exhausted = false;  ///< Nothing was left to spend; no call was made.
  bool cache_hit = false;         ///< The kept answer to the same question; no call was made.
  std::optional<Money> cost_saved_usd;
};
WFE_RECORD(CallCost, model, model_tier, call_id, tokens, cost_usd, latency_ms, budget_exhausted, cache_hit,
           cost_saved_usd);
constexpr RecordRules RulesOf(const CallCost*) { return {.seldom = "cost_usd budget_exhausted cache_hit"}; }

struct PlanGenerationRequest {
  std::string task;
  std::string language;
  ModelUse use;
};
WFE_RECORD(PlanGenerationRequest, task, language, use);
constexpr RecordRules RulesOf(const PlanGenerationRequest*) { return {.whole = true}; }

struct GenerationPlan {
  std::string plan;
  std::string fault;  ///< Empty; or why the answer is no plan.
  CallCost cost;
  std::string headline;
};
WFE_RECORD(GenerationPlan, plan, fault, cost, headline);
constexpr RecordRules RulesOf(const GenerationPlan*) { return {.whole = true}; }

struct GenerateCodeRequest {
  std::string task;
  std::string language;
  std::string plan;
  std::string template_id;
  int64_t template_version = 0;
  ModelUse use;
};
WFE_RECORD(GenerateCodeRequest, task, language, plan, template_id, template_version, use);
constexpr RecordRules RulesOf(const GenerateCodeRequest*) { return {.whole = true}; }

struct EscalateGenerationRequest {
  std::string task;
  std::string language;
  std::string plan;
  std::string code;      ///< What was generated.
  std::string feedback;  ///< What is wrong with it.
  ModelUse use;
};
WFE_RECORD(EscalateGenerationRequest, task, language, plan, code, feedback, use);
constexpr RecordRules RulesOf(const EscalateGenerationRequest*) { return {.whole = true}; }

struct GeneratedCode {
  std::string code;   ///< The one block of the answer; without one, the answer as it came, up to kMaxCodeBytes.
  std::string fault;  ///< Empty; or why the answer is no program: one sentence for people and for the model.
  CallCost cost;
  std::string headline;
};
WFE_RECORD(GeneratedCode, code, fault, cost, headline);
constexpr RecordRules RulesOf(const GeneratedCode*) { return {.whole = true}; }

/// Of a node's text; more of an answer is cut.
inline constexpr size_t kMaxCodeBytes = 256 << 10;

inline constexpr sdk::ActivityType<TriageTaskRequest, Triage> kTriageTask{"triageTask"};
inline constexpr sdk::ActivityType<PlanGenerationRequest, GenerationPlan> kPlanGeneration{"planGeneration"};
inline constexpr sdk::ActivityType<GenerateCodeRequest, GeneratedCode> kGenerateCode{"generateCode"};
inline constexpr sdk::ActivityType<EscalateGenerationRequest, GeneratedCode> kEscalateGeneration{"escalateGeneration"};

/// Templates of the calls that are not the generation itself.
inline constexpr std::string_view kPlanInstruction = "instruction-plan";
inline constexpr std::string_view kEscalateInstruction = "instruction-escalate";

}  // namespace wfe::generation
