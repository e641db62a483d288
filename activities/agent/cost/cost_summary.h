// What model calls cost today, this month and in all (QF-1, RP-6).
#pragma once

#include <optional>

#include "activities/agent/cost/cost_report.h"

namespace wfe::agent {

/// Days and months of UTC.
struct CostSummary {
  CostReport::Group today;
  CostReport::Group month;
  CostReport::Group total;
};

/// Of the calls that fit the filter.
CostSummary Summarize(const CostReport& report, const CostReport::Filter& filter, Instant now);

/// Of the calls whose cost is known; nullopt when there is none.  Rounded towards zero to a nano-dollar.
std::optional<Money> MeanCost(const CostReport::Group& group);

}  // namespace wfe::agent
