// Everything that is known of the month's quota, from the cost ledger (QF-3 to QF-5).
#pragma once

#include <optional>
#include <vector>

#include "activities/agent/cost/cost_report.h"
#include "activities/quota/rules/forecast.h"
#include "activities/quota/rules/held_out.h"
#include "activities/quota/rules/preflight.h"
#include "activities/quota/rules/type_budgets.h"
#include "workers/client/records_client.h"

namespace wfe::quota {

struct QuotaReport {
  QuotaForecast forecast;
  std::optional<HeldOut> held_out;
  std::vector<TypeBudget> types;
  int64_t strange_rows = 0;  ///< Of the ledger, which are no calls and are left out.
};
WFE_RECORD(QuotaReport, forecast, held_out, types, strange_rows);

/// From sums by day; `types` stays empty.
QuotaReport ReportOfDays(const std::map<Day, int64_t>& by_day, const QuotaRules& rules, Instant now);
/// From calls.  A run is taken for ended when it began a day ago or earlier.
QuotaReport ReportOfCalls(const agent::CostReport& ledger, const QuotaRules& rules, Instant now);
/// From the ledger's rows of this month and the three before it.
Result<QuotaReport> ReadQuotaReport(client::RecordsClient& records, const QuotaRules& rules, Instant now);

/// What a decision about one more run of this type is made from.
PreflightFacts FactsOf(const QuotaReport& report, const std::string& workflow_type);

/// The report in a sentence: "41.0 % of 300,000,000 tokens used; ..."
std::string SentenceOf(const QuotaForecast& forecast);

}  // namespace wfe::quota
