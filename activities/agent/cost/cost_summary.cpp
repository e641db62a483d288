#include "activities/agent/cost/cost_summary.h"

#include <algorithm>

namespace wfe::agent {

CostSummary Summarize(const CostReport& report, const CostReport::Filter& filter, Instant now) {
  const std::string day = FormatIso8601Millis(now).substr(0, 10);
  const auto since = [&](const std::string& from) {
    CostReport::Filter narrowed = filter;
    narrowed.since = std::max(filter.since.value_or(Instant()), ParseIso8601(from + "T00:00:00.000Z").value());
    return report.Sum(narrowed, "day", now).total;
  };
  return {.today = since(day), .month = since(day.substr(0, 8) + "01"), .total = report.Sum(filter, "day", now).total};
}

std::optional<Money> MeanCost(const CostReport::Group& group) {
  const int64_t priced = group.calls - group.unpriced - group.uncounted;
  if (priced <= 0) return std::nullopt;
  return Money::Nanos(group.cost_usd.nanos() / priced);
}

}  // namespace wfe::agent
