// What results of our own activities say of their cost.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "engine/base/money.h"

namespace wfe::graph {

struct ResultCost {
  Money cost_usd;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  int64_t tokens = 0;  ///< All of them, with those that are not said to be input or output.
};

/// "cost_usd", "tokens", "prompt_token_count" and "completion_token_count" at the top or in "cost".  What is not there,
/// negative or no number is 0.
ResultCost CostOf(const nlohmann::json& result);

}  // namespace wfe::graph
