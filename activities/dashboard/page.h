// A dashboard as one self-contained document.
#pragma once

#include <string>

#include "activities/analytics/reports/html_frame.h"
#include "activities/dashboard/figures.h"

namespace wfe::dashboard {

/// The figures, and below them the rows that they count: the newest of each kind.  Nothing is fetched from elsewhere,
/// and it reads without JavaScript.  `site`: pages beside it, where it is served.
std::string DashboardPage(const Dashboard& dashboard, const DashboardRows& rows, Instant now, Duration window,
                          const analytics::reports::SiteLinks& site = {});

/// What model calls cost, alone (RP-6): by model, by type of workflow and by day.
std::string CostsPage(const CostFigures& figures, const std::vector<agent::CostReport::Group>& by_type,
                      const std::vector<agent::CostReport::Group>& by_day, Instant now,
                      const analytics::reports::SiteLinks& site = {});

}  // namespace wfe::dashboard
