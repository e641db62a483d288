// How far off the forecast would have been: made again on earlier days and compared with what came (QF-3).
#pragma once

#include <optional>

#include "activities/quota/rules/forecast.h"

namespace wfe::quota {

/// Errors are sums of what was missed over sums of what was used, so days without use do no harm.
struct HeldOut {
  int64_t weeks = 0;         ///< Forecast from the days before each, none of which the model had seen.
  double daily_error = 0;    ///< Of single days.
  double weekly_error = 0;   ///< Of sums of seven days.
  double naive_daily = 0;    ///< Of the rule "as a week before", to compare with.
  double naive_weekly = 0;
  int64_t weeks_in_band = 0;
};
WFE_RECORD(HeldOut, weeks, daily_error, weekly_error, naive_daily, naive_weekly, weeks_in_band);

/// Up to `most_weeks` of the last weeks that have 14 days or more before them; nullopt: there is none, or nothing was
/// used in them.
std::optional<HeldOut> TestOnHeldOut(const DailySeries& series, const ForecastOptions& options, int64_t most_weeks = 8);

}  // namespace wfe::quota
