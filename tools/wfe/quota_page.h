// The month's quota for a terminal and as a page (QF-3, QF-7).
#pragma once

#include <string>

#include "activities/analytics/reports/html_frame.h"
#include "activities/quota/steps/quota_report.h"
#include "activities/quota/steps/run_decisions.h"

namespace wfe::cli {

/// "12.3M", "850k", "7".
std::string TokensText(int64_t tokens);

/// The month in a few lines: used, expected, when the quota is gone.
std::string QuotaStatusText(const quota::QuotaReport& report, size_t width);
/// The same with a bar for each day of the month, odd days, the forecast's error and what runs of each type use.
std::string QuotaForecastText(const quota::QuotaReport& report, size_t width);

/// What a served page has besides (RP-7).
struct QuotaPageMore {
  analytics::reports::SiteLinks site;  ///< Pages beside it.
  quota::PreflightDecision now;        ///< What a run that begins now is told; no decision: it is not shown.
  quota::RunDecisions decisions;       ///< Shown if there is a decision above.
};
/// A page that fetches nothing.
std::string QuotaHtml(const quota::QuotaReport& report, const QuotaPageMore& more = {});

}  // namespace wfe::cli
