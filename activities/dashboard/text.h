// A dashboard for the terminal.
#pragma once

#include <cstddef>
#include <string>

#include "activities/dashboard/figures.h"

namespace wfe::dashboard {

/// Lines of at most `width` columns (78 at least), each section with the command that shows the rows behind it.
std::string DashboardText(const Dashboard& dashboard, size_t width);

/// One block for each value, the lowest of them at the bottom; a blank for what is missing.
std::string Sparkline(const std::vector<std::optional<double>>& values);

}  // namespace wfe::dashboard
