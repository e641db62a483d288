// An activity that does nothing, for as long and at the price that it is told: graphs can be tried, measured and
// optimized without a model, a tool or money.  What it says of itself it says in its result, as real activities do.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/money.h"
#include "engine/base/record_json.h"
#include "workers/sdk/activity.h"

namespace wfe::graph {

/// What is different with one model or tool.
struct SimulatedVariant {
  std::optional<int64_t> duration_ms;
  std::optional<Money> cost_usd;
  std::optional<int64_t> prompt_token_count;
  std::optional<int64_t> completion_token_count;
  std::optional<double> failure_rate;
  std::vector<nlohmann::json> values;  ///< Empty: as they are.
};
WFE_RECORD(SimulatedVariant, duration_ms, cost_usd, prompt_token_count, completion_token_count, failure_rate, values);
constexpr RecordRules RulesOf(const SimulatedVariant*) { return {.refuses_unknown = true}; }

/// What else stands in the input changes nothing but `digest`.
struct SimulateStepInput {
  std::string model;
  std::string tool;
  std::map<std::string, SimulatedVariant> variants;  ///< By model or tool; both may apply, the tool's last.
  int64_t duration_ms = 0;
  double spread = 0;  ///< Of the duration, relative: it is drawn from (1 - spread, 1 + spread) by run and activity id.
  Money cost_usd;
  int64_t prompt_token_count = 0;
  int64_t completion_token_count = 0;
  double failure_rate = 0;  ///< Of attempts, drawn by run, activity id and attempt.
  bool noise = false;       ///< `digest` depends on the run, too: the same input gives different results.
  /// What `value` of the result is: the element of this number, or the last one.  Empty: null.
  std::vector<nlohmann::json> values;
  int64_t round = 0;
};
WFE_RECORD(SimulateStepInput, model, tool, variants, duration_ms, spread, cost_usd, prompt_token_count,
           completion_token_count, failure_rate, noise, values, round);

struct SimulateStepResult {
  nlohmann::json value;
  int64_t round = 0;   ///< Of the input, and one: what the next round of a loop is given.
  std::string digest;  ///< Of the whole input.
  int64_t duration_ms = 0;
  Money cost_usd;
  int64_t prompt_token_count = 0;
  int64_t completion_token_count = 0;
  bool scripted = true;  ///< Nothing was done and nothing was paid.
};
WFE_RECORD(SimulateStepResult, value, round, digest, duration_ms, cost_usd, prompt_token_count, completion_token_count,
           scripted);

/// Fails with INVALID_INPUT, not retryable, and with SIMULATED_FAILURE.
inline constexpr sdk::ActivityType<nlohmann::json, SimulateStepResult> kSimulateStep{"simulateStep"};

struct SimulateStepConfig {
  /// False: it ends at once and only says how long it took, for hosts in virtual time.
  bool waits = true;
};
void RegisterSimulateStep(sdk::ActivityRegistry& registry, SimulateStepConfig config = {});

}  // namespace wfe::graph
