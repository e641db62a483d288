#include "activities/quota/steps/quota_report.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <tuple>

#include "activities/agent/cost/call_log.h"

namespace wfe::quota {
namespace {

constexpr int kMonthsBefore = 3;
constexpr Duration kRunIsOver = std::chrono::hours(24);

std::vector<RunTokens> EndedRuns(const std::vector<agent::CostReport::Use>& uses, Instant now) {
  std::map<std::tuple<std::string, std::string, std::string>, RunTokens> runs;
  for (const agent::CostReport::Use& use : uses) {
    if (use.began > now) continue;
    const auto [entry, is_new] = runs.try_emplace({use.workflow_type, use.workflow_id, use.run_id});
    RunTokens& run = entry->second;
    run.began = is_new ? use.began : std::min(run.began, use.began);
    run.workflow_type = use.workflow_type;
    run.tokens += use.tokens;
  }
  std::vector<RunTokens> ended;
  for (auto& [id, run] : runs) {
    if (now - run.began >= kRunIsOver) ended.push_back(std::move(run));
  }
  return ended;
}

}  // namespace

QuotaReport ReportOfDays(const std::map<Day, int64_t>& by_day, const QuotaRules& rules, Instant now) {
  const ForecastOptions options{.monthly_tokens = rules.monthly_tokens};
  const Usage usage = UsageUntil(by_day, now);
  QuotaReport report;
  report.forecast = MakeForecast(usage, now, options);
  if (report.forecast.forecast) report.held_out = TestOnHeldOut(usage.days, options);
  return report;
}

QuotaReport ReportOfCalls(const agent::CostReport& ledger, const QuotaRules& rules, Instant now) {
  const std::vector<agent::CostReport::Use> uses = ledger.Uses();
  std::map<Day, int64_t> by_day;
  for (const agent::CostReport::Use& use : uses) {
    if (use.began > now) continue;
    int64_t& tokens = by_day[std::chrono::floor<std::chrono::days>(use.began)];
    tokens = std::min(kMostTokensOfDay, tokens + use.tokens);
  }
  QuotaReport report = ReportOfDays(by_day, rules, now);
  report.types = LearnTypeBudgets(EndedRuns(uses, now));
  return report;
}

Result<QuotaReport> ReadQuotaReport(client::RecordsClient& records, const QuotaRules& rules, Instant now) {
  agent::CostReport ledger;
  int64_t strange = 0;
  Day month = MonthStart(std::chrono::floor<std::chrono::days>(now));
  for (int back = 0; back <= kMonthsBefore; ++back) {
    // Keys of the ledger begin with the day.
    const std::string prefix = DayText(month).substr(0, 8);
    WFE_RETURN_IF_ERROR(records.ScanRows(std::string(agent::kCostLedgerTable), prefix,
                                         [&](const std::string&, const std::string& value) {
                                           if (!ledger.Add(value)) ++strange;
                                         }));
    month = MonthStart(month - std::chrono::days(1));
  }
  QuotaReport report = ReportOfCalls(ledger, rules, now);
  report.strange_rows = strange;
  return report;
}

PreflightFacts FactsOf(const QuotaReport& report, const std::string& workflow_type) {
  const QuotaForecast& forecast = report.forecast;
  const TypeBudget* const budget = FindBudget(report.types, workflow_type);
  return {.workflow_type = workflow_type,
          .quota = forecast.quota,
          .used = forecast.used,
          .run_budget = budget == nullptr ? 0 : budget->budget,
          .expected = forecast.forecast ? std::optional(forecast.expected) : std::nullopt,
          .today = forecast.today,
          .plan_today = forecast.days.empty() ? 0 : forecast.days.front().plan};
}

std::string SentenceOf(const QuotaForecast& forecast) {
  char text[160];
  std::string sentence;
  if (forecast.quota && *forecast.quota > 0) {
    std::snprintf(text, sizeof text, "%.1f %% of %lld tokens used",
                  100 * static_cast<double>(forecast.used) / static_cast<double>(*forecast.quota),
                  static_cast<long long>(*forecast.quota));
  } else {
    std::snprintf(text, sizeof text, "%lld tokens used%s", static_cast<long long>(forecast.used),
                  forecast.quota ? ", of a quota of 0" : "");
  }
  sentence = text;
  if (!forecast.forecast) return sentence + "; " + forecast.why;
  std::snprintf(text, sizeof text, "; %lld expected by the month's end (%lld to %lld)",
                static_cast<long long>(forecast.expected), static_cast<long long>(forecast.lo),
                static_cast<long long>(forecast.hi));
  sentence += text;
  if (!forecast.exhaustion) return sentence;
  const Exhaustion& gone = *forecast.exhaustion;
  if (gone.past) return sentence + "; the quota was gone on " + gone.day;
  if (!gone.day.empty()) return sentence + "; the quota is gone on " + gone.day;
  return sentence + "; the quota lasts";
}

}  // namespace wfe::quota
