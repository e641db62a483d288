// StreamlinedGenerationWorkflow (SG-1 to SG-7): one node for one task, at once.  Triage, plan, exactly one generation,
// free examination and repair, a gate, tests; when gate or tests say no, one escalation to the better model, and no
// further attempt.  Every generation leaves its records before the gate, so that failures teach as well.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/nodes/activities.h"
#include "engine/base/money.h"
#include "engine/base/record_json.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

inline constexpr std::string_view kStreamlinedGenerationWorkflow = "StreamlinedGenerationWorkflow";

struct GenerationInput {
  std::string task;  ///< What the node shall do, in the words of who wants it.
  std::string language = "python";
  std::string node_id;                    ///< Empty: made from the task.
  std::vector<nodes::NodeTestCase> tests;  ///< Empty: one run with an empty object.
  nlohmann::json tools;                   ///< What call_tool() reaches, as a tools file has it; null: nothing.
  int64_t template_version = 0;           ///< Of the prompt; 0: the active one, or that of an experiment's arm.
  // Models or tiers; empty: small, what triage says, large.
  std::string plan_model;
  std::string generate_model;
  std::string escalate_model;
  std::string backend;  ///< Empty: each tier's, or the worker's default.
  std::optional<Money> max_cost_usd;
  int64_t patience_s = 300;  ///< How long a model may be unavailable before the run gives up.
  std::string cache;         ///< never, auto or always: whether plan and program may be kept answers; empty: never.
  bool preflight = false;    ///< The month's quota is asked before the first call (QF-5).
};
WFE_RECORD(GenerationInput, task, language, node_id, tests, tools, template_version, plan_model, generate_model,
           escalate_model, backend, max_cost_usd, patience_s, cache, preflight);
constexpr RecordRules RulesOf(const GenerationInput*) {
  return {.refuses_unknown = true, .subject = "input", .required = "task",
          .seldom = "node_id tests tools template_version plan_model generate_model escalate_model backend "
                    "max_cost_usd cache preflight"};
}
void CheckRecord(const GenerationInput& input);

/// GenerationResult::state (SG-7).
inline constexpr std::string_view kSuccessFirstPass = "success_first_pass";
inline constexpr std::string_view kSuccessAfterEscalation = "success_after_escalation";
inline constexpr std::string_view kGenerationFailed = "failed";

/// One step, for people who look on and for the budget of time and money (SG-6).
struct GenerationStep {
  std::string name;    ///< triage, prompt, preflight, plan, generate, analyze, save, test, escalate; of the second round with "2".
  std::string status;  ///< running, done or failed.
  std::string detail;  ///< One sentence.
  std::string model;
  int64_t tokens = 0;
  std::optional<Money> cost_usd;
  bool cached = false;  ///< Answered from the cache; nothing was paid.
  int64_t duration_ms = 0;
};
WFE_RECORD(GenerationStep, name, status, detail, model, tokens, cost_usd, cached, duration_ms);
constexpr RecordRules RulesOf(const GenerationStep*) {
  return {.required = "name status", .seldom = "detail model tokens cost_usd cached"};
}

struct GenerationResult {
  std::string state;
  std::string message;  ///< Why it failed; empty otherwise.
  std::string node_id;
  std::string language;
  std::string task_type;
  std::string code;  ///< The node's text, repaired; of a failed run the last one.
  std::string report_id;
  double score = 0;
  std::string grade;
  std::vector<std::string> repaired;  ///< Checks whose findings were repaired in the text.
  std::string findings;               ///< What is left, one line each; empty: nothing.
  int64_t tests = 0;
  int64_t tests_failed = 0;
  std::string template_id;
  int64_t template_version = 0;
  std::string experiment_id;  ///< Empty: none ran.
  std::string arm;
  std::string model;      ///< That wrote the text.
  bool scripted = false;  ///< Canned answers: no model was asked, nothing was paid.
  int64_t model_calls = 0;
  int64_t tokens = 0;
  Money cost_usd;  ///< Of the calls whose price is known.
  int64_t unpriced_calls = 0;
  int64_t cached_calls = 0;  ///< Answers from the cache, which are no calls.
  Money cost_saved_usd;      ///< What these had cost, as far as that is known.
  std::string tool_id;       ///< A registered tool did it and no model was asked (PD-6); empty: none.
  int64_t duration_ms = 0;
  std::vector<GenerationStep> steps;
};
WFE_RECORD(GenerationResult, state, message, node_id, language, task_type, code, report_id, score, grade, repaired,
           findings, tests, tests_failed, template_id, template_version, experiment_id, arm, model, scripted,
           model_calls, tokens, cost_usd, unpriced_calls, cached_calls, cost_saved_usd, tool_id, duration_ms,
           steps);
constexpr RecordRules RulesOf(const GenerationResult*) {
  return {.required = "state", .seldom = "message findings experiment_id arm cached_calls cost_saved_usd tool_id"};
}

/// Query `progress`: a GenerationResult as far as it is known, with the steps so far.
/// A fault of a model, a budget that is used up, code that fails twice: a result with the state `failed`.  Fails, as a
/// workflow, with INVALID_INPUT, or with the type of an activity whose machine could not do its work.
sdk::Task<GenerationResult> StreamlinedGeneration(sdk::WorkflowContext& ctx, nlohmann::json input);

void RegisterStreamlinedGeneration(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
