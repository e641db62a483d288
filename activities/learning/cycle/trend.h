// Quality week by week (PO-8, RP-5), and what a good example is now (PO-5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "activities/learning/records/generations.h"
#include "engine/base/record_json.h"
#include "engine/base/time.h"

namespace wfe::learning {

struct WeekOfQuality {
  std::string from;  ///< ISO 8601; seven days.
  int64_t generations = 0;
  double mean_quality = 0;
  double success_rate = 0;
};
WFE_RECORD(WeekOfQuality, from, generations, mean_quality, success_rate);

struct QualityTrend {
  std::vector<WeekOfQuality> weeks;  ///< Oldest first; the last one ends now.
  std::string direction;             ///< "rising", "falling", "steady"; "unknown" with fewer than 10 in either week.
  double change = 0;                 ///< Of the mean, this week minus the one before.
  double p_value = 1;                ///< Two-sided Welch.
};
WFE_RECORD(QualityTrend, weeks, direction, change, p_value);

inline constexpr int kTrendWeeks = 4;
/// Rows in either week below which nothing is claimed (OP-14).
inline constexpr int64_t kMinTrendRows = 10;

/// Pure.
QualityTrend AnalyzeTrend(const std::vector<Generation>& generations, Instant now, double alpha);

/// The score from which on an example belongs to the best quarter, held to [floor, 0.99]; `floor` for fewer than 20.
double EstimateExampleScore(const std::vector<Generation>& generations, double floor);

}  // namespace wfe::learning
