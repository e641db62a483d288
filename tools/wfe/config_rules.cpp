// What a configuration says of money and tokens, as the rules of those who keep to it.
#include "tools/wfe/config.h"

namespace wfe::cli {

std::vector<records::BudgetRule> BudgetsOf(const CostTrackingConfig& config) {
  using records::BudgetPeriod;
  using records::OnExceed;
  std::vector<records::BudgetRule> rules;
  const auto add = [&](BudgetPeriod period, const std::optional<Money>& limit) {
    // LoadConfig has refused every other word.
    const OnExceed on_exceed = config.on_exceed == "warn"    ? OnExceed::kWarn
                               : config.on_exceed == "defer" ? OnExceed::kDefer
                                                             : OnExceed::kBlock;
    rules.push_back({.name = {.period = period, .workflow_type = {}},
                     .limit = limit,
                     .warn_at_percent = static_cast<int>(config.warn_at_percent),
                     .on_exceed = on_exceed});
  };
  add(BudgetPeriod::kDay, config.daily_limit);
  add(BudgetPeriod::kMonth, config.monthly_limit);
  if (config.run_limit) add(BudgetPeriod::kRun, config.run_limit);
  return rules;
}

quota::QuotaRules QuotaRulesOf(const QuotaConfig& config) {
  return {.monthly_tokens = config.enabled ? std::optional(config.monthly_tokens) : std::nullopt,
          .preflight = {.warn_at_percent = config.warn_at_percent,
                        .throttle_at_percent = config.throttle_at_percent,
                        .deny_at_percent = config.deny_at_percent}};
}

}  // namespace wfe::cli
