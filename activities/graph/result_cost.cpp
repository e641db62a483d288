#include "activities/graph/result_cost.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace wfe::graph {

ResultCost CostOf(const nlohmann::json& result) {
  ResultCost told;
  if (!result.is_object()) return told;
  const auto cost = result.find("cost");
  const nlohmann::json& said = cost != result.end() && cost->is_object() ? *cost : result;
  if (const auto usd = said.find("cost_usd"); usd != said.end() && usd->is_number()) {
    const Result<Money> money = Money::FromNumber(usd->get<double>());
    if (money && !money->negative()) told.cost_usd = *money;
  }
  const auto count = [&](const char* member) -> int64_t {
    const auto found = said.find(member);
    if (found == said.end() || !found->is_number_integer()) return 0;
    return std::clamp<int64_t>(found->get<int64_t>(), 0, 1'000'000'000'000);
  };
  told.input_tokens = count("prompt_token_count");
  told.output_tokens = count("completion_token_count");
  told.tokens = count("tokens") + told.input_tokens + told.output_tokens;
  return told;
}

}  // namespace wfe::graph
