// What a run of a type of workflow may be expected to use, learned from runs that ended (QF-4).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/record_json.h"
#include "engine/base/time.h"

namespace wfe::quota {

struct RunTokens {
  std::string workflow_type;
  Instant began{};  ///< Of its first call.
  int64_t tokens = 0;
};

struct TypeBudgetRules {
  double quantile = 0.9;   ///< Source: QF-4, p90 x 1.2.
  double margin = 1.2;
  int64_t least_runs = 5;  ///< With fewer there is no budget.
  size_t last_runs = 200;  ///< Older ones are forgotten.
};

struct TypeBudget {
  std::string type;
  int64_t runs = 0;    ///< That were looked at.
  int64_t median = 0;  ///< Tokens of a run.
  int64_t p90 = 0;
  int64_t budget = 0;  ///< 0: too few runs.
  /// How good it would have been: each run against the budget and the median of the runs before it.
  int64_t checked = 0;
  double within = 0;        ///< Share of them that stayed within the budget.
  double median_error = 0;  ///< Middle one of |median before - tokens| / tokens.
};
WFE_RECORD(TypeBudget, type, runs, median, p90, budget, checked, within, median_error);

/// By name of the type.  Runs without any token are none.
std::vector<TypeBudget> LearnTypeBudgets(std::vector<RunTokens> runs, const TypeBudgetRules& rules = {});

/// nullptr: nothing is known of the type.
const TypeBudget* FindBudget(const std::vector<TypeBudget>& budgets, const std::string& type);

}  // namespace wfe::quota
