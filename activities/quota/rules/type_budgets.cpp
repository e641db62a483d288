#include "activities/quota/rules/type_budgets.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "activities/statistics/statistics.h"

namespace wfe::quota {
namespace {

int64_t RoundedTokens(double tokens) { return static_cast<int64_t>(std::llround(std::min(tokens, 9e18))); }

/// `tokens` in the order in which the runs began.
TypeBudget LearnOne(const std::string& type, const std::vector<double>& tokens, const TypeBudgetRules& rules) {
  TypeBudget learned{.type = type, .runs = static_cast<int64_t>(tokens.size())};
  learned.median = RoundedTokens(stats::Quantile(tokens, 0.5));
  learned.p90 = RoundedTokens(stats::Quantile(tokens, 0.9));
  if (learned.runs < rules.least_runs) return learned;
  learned.budget = RoundedTokens(stats::Quantile(tokens, rules.quantile) * rules.margin);
  std::vector<double> errors;
  int64_t within = 0;
  for (auto i = static_cast<size_t>(rules.least_runs); i < tokens.size(); ++i) {
    const std::vector<double> before(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(i));
    if (tokens[i] <= stats::Quantile(before, rules.quantile) * rules.margin) ++within;
    errors.push_back(std::abs(stats::Quantile(before, 0.5) - tokens[i]) / tokens[i]);
  }
  learned.checked = static_cast<int64_t>(errors.size());
  if (errors.empty()) return learned;
  learned.within = static_cast<double>(within) / static_cast<double>(errors.size());
  learned.median_error = stats::Quantile(std::move(errors), 0.5);
  return learned;
}

}  // namespace

std::vector<TypeBudget> LearnTypeBudgets(std::vector<RunTokens> runs, const TypeBudgetRules& rules) {
  std::ranges::stable_sort(runs, {}, &RunTokens::began);
  std::map<std::string, std::vector<double>> by_type;
  for (const RunTokens& run : runs) {
    if (run.tokens > 0) by_type[run.workflow_type].push_back(static_cast<double>(run.tokens));
  }
  std::vector<TypeBudget> learned;
  for (auto& [type, tokens] : by_type) {
    if (tokens.size() > rules.last_runs) {
      tokens.erase(tokens.begin(), tokens.end() - static_cast<std::ptrdiff_t>(rules.last_runs));
    }
    learned.push_back(LearnOne(type, tokens, rules));
  }
  return learned;
}

const TypeBudget* FindBudget(const std::vector<TypeBudget>& budgets, const std::string& type) {
  const auto found = std::ranges::find(budgets, type, &TypeBudget::type);
  return found == budgets.end() ? nullptr : &*found;
}

}  // namespace wfe::quota
