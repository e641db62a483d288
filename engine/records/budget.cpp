#include "engine/records/budget.h"

#include <chrono>

namespace wfe::records {

std::string BudgetName::Text() const {
  const std::string text = period == BudgetPeriod::kDay ? "daily" : period == BudgetPeriod::kMonth ? "monthly" : "run";
  return workflow_type.empty() ? text : text + " of " + workflow_type;
}

std::string BudgetDay(Instant now) { return FormatIso8601Millis(now).substr(0, 10); }

std::string BudgetMonth(std::string_view day) { return std::string(day.substr(0, 7)); }

std::optional<Instant> PeriodEnd(BudgetPeriod period, Instant now) {
  using namespace std::chrono;
  const sys_days today = floor<days>(now);
  switch (period) {
    case BudgetPeriod::kDay:
      return Instant(today + days(1));
    case BudgetPeriod::kMonth: {
      const year_month_day date(today);
      return Instant(sys_days((year_month(date.year(), date.month()) + months(1)) / 1));
    }
    case BudgetPeriod::kRun:
      break;
  }
  return std::nullopt;
}

std::vector<std::string> CountersOf(const BudgetCall& call, const std::string& day) {
  std::vector<std::string> counters = {"day/" + day, "month/" + BudgetMonth(day)};
  if (!call.workflow_type.empty()) {
    for (int i = 0; i < 2; ++i) counters.push_back(counters[static_cast<size_t>(i)] + "/" + call.workflow_type);
  }
  if (!call.run_id.empty()) counters.push_back("run/" + call.run_id);
  return counters;
}

std::optional<std::string> CounterOf(const BudgetName& name, const BudgetCall& call, const std::string& day) {
  if (!name.workflow_type.empty() && name.workflow_type != call.workflow_type) return std::nullopt;
  const std::string type = name.workflow_type.empty() ? "" : "/" + name.workflow_type;
  switch (name.period) {
    case BudgetPeriod::kDay:
      return "day/" + day + type;
    case BudgetPeriod::kMonth:
      return "month/" + BudgetMonth(day) + type;
    case BudgetPeriod::kRun:
      break;
  }
  if (call.run_id.empty()) return std::nullopt;
  return "run/" + call.run_id;
}

}  // namespace wfe::records
