// The month's quota for a terminal and as a page (QF-3, QF-7).
#pragma once

#include <string>

#include "activities/analytics/reports/html_frame.h"
#include "activities/quota/steps/quota_report.h"

namespace wfe::cli {

/// "12.3M", "850k", "7".
std::string TokensText(int64_t tokens);

/// The month in a few lines: used, expected, when the quota is gone.
std::string QuotaStatusText(const quota::QuotaReport& report, size_t width);
/// The same with a bar for each day of the month, odd days, the forecast's error and what runs of each type use.
std::string QuotaForecastText(const quota::QuotaReport& report, size_t width);
/// A page that fetches nothing.  `site`: pages beside it, where it is served.
std::string QuotaHtml(const quota::QuotaReport& report, const analytics::reports::SiteLinks& site = {});

}  // namespace wfe::cli
