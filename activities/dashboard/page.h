// A dashboard as one self-contained document.
#pragma once

#include <string>

#include "activities/dashboard/figures.h"

namespace wfe::dashboard {

/// The figures, and below them the rows that they count: the newest of each kind.  Nothing is fetched from elsewhere,
/// and it reads without JavaScript.
std::string DashboardPage(const Dashboard& dashboard, const DashboardRows& rows, Instant now, Duration window);

}  // namespace wfe::dashboard
