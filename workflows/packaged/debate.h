// DebateWorkflow (CW-7): several answers to one question at once, each may look at the others and answer again, a judge
// scores them, and the best is kept.  A building block: others start it as a child, `wfe run --candidates` by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/packaged/common/context_route.h"
#include "activities/packaged/common/model_step.h"
#include "engine/base/money.h"
#include "engine/base/record_json.h"
#include "workers/sdk/workflow.h"
#include "workers/sdk/workflow_type.h"

namespace wfe::workflows {

/// The material stands in the histories of the run, in every candidate's prompt where it is read whole.
inline constexpr size_t kMaxDebateBytes = 1 << 20;
inline constexpr int64_t kMaxCandidates = 8;
inline constexpr int64_t kMaxDebateRounds = 3;

struct DebateInput {
  std::string question;
  std::string material;  ///< What is to be read for it; may be empty.  Data, never an instruction.
  int64_t candidates = 3;
  int64_t rounds = 0;  ///< So often each candidate is shown the others' answers and answers again.
  std::string step_name = "candidate";  ///< Of the candidates' calls, in the ledger.
  std::string model;    ///< A model or tier; empty: the tier that the material's size takes (RouteBySize), or,
  std::string backend;  ///< where a backend is named, its own.
  std::string judge_model;  ///< Empty: as the candidates'.
  std::string cache;    ///< never, auto or always; empty: never (CE-3).
  std::optional<Money> max_cost_usd;  ///< Of all calls; absent: no limit of its own.
  int64_t patience_s = 600;
  packaged::RouteLimits limits;
};
WFE_RECORD(DebateInput, question, material, candidates, rounds, step_name, model, backend, judge_model, cache,
           max_cost_usd, patience_s, limits);
constexpr RecordRules RulesOf(const DebateInput*) {
  return {.refuses_unknown = true,
          .subject = "input",
          .required = "question",
          .seldom = "material model backend judge_model cache"};
}
void CheckRecord(const DebateInput& input);

struct DebateCandidate {
  int64_t number = 0;  ///< From 1.
  std::string text;    ///< Its last answer.
  std::optional<double> score;  ///< From 0 to 100, the judge's.
  std::string reason;           ///< The judge's.
  std::string fault;            ///< Why it has no answer.

  friend bool operator==(const DebateCandidate&, const DebateCandidate&) = default;
};
WFE_RECORD(DebateCandidate, number, text, score, reason, fault);
constexpr RecordRules RulesOf(const DebateCandidate*) { return {.seldom = "reason fault"}; }

struct DebateResult {
  std::string state;  ///< done; unjudged: there are answers, and no scores that could be read; failed: no answer.
  int64_t best = 0;   ///< Number of the candidate that is kept; 0: none.
  std::string text;   ///< Its answer.
  std::vector<DebateCandidate> candidates;
  std::string fault;  ///< Why it is not done.
  packaged::ContextRoute route;
  packaged::ModelUse model_use;
  int64_t duration_ms = 0;
};
WFE_RECORD(DebateResult, state, best, text, candidates, fault, route, model_use, duration_ms);
constexpr RecordRules RulesOf(const DebateResult*) { return {.required = "state", .seldom = "fault"}; }

inline constexpr sdk::WorkflowType<DebateInput, DebateResult> kDebateWorkflow{"DebateWorkflow"};

/// Every call goes through callModel, and is audited, budgeted, cached and counted there.  Candidates and calls that
/// fail are part of the result; an input that is none is INVALID_INPUT.
sdk::Task<DebateResult> Debate(sdk::WorkflowContext& ctx, DebateInput input);
void RegisterDebate(sdk::WorkflowRegistry& registry);

/// The judge's scores in its answer, taken over into the candidates that have one; empty, or why nothing could be taken.
std::string TakeScores(const std::string& answer, std::vector<DebateCandidate>& candidates);

}  // namespace wfe::workflows
