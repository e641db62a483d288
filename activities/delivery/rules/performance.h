// How runs of one version of a workflow went, as numbers that can be compared and stored (MO-3).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "activities/statistics/statistics.h"
#include "engine/base/record_json.h"
#include "engine/base/time.h"

namespace wfe::delivery {

/// One run that has ended.
struct RunOutcome {
  std::string run_id;
  Instant ended;
  int stratum = 0;  ///< Under which share of traffic it began; see DescribeAs.
  double duration_ms = 0;
  double cost_usd = 0;
  bool success = false;
};

/// Many of them.  Failed runs count in every figure: their time and money are spent.
struct PerformanceWindow {
  std::string version_id;  ///< Of whose runs.
  std::string from;        ///< ISO 8601; of the first and the last run's end.
  std::string to;
  int64_t runs = 0;
  double mean_duration_ms = 0;
  double duration_stddev = 0;
  double mean_cost_usd = 0;
  double cost_stddev = 0;
  double success_rate = 0;
  // Of the natural logarithm of the duration in milliseconds, since durations have long tails.
  double log_duration_median = 0;
  double log_duration_mad = 0;  ///< Median of the distances from the median.

  stats::Sample duration() const;
  stats::Sample cost() const;
  stats::Share success() const;
};
WFE_RECORD(PerformanceWindow, version_id, from, to, runs, mean_duration_ms, duration_stddev, mean_cost_usd, cost_stddev,
           success_rate, log_duration_median, log_duration_mad);

PerformanceWindow Describe(const std::vector<RunOutcome>& runs);

/// `runs`, weighed so that each stratum has the part that it has among `like`.  A rollout sends few runs to the variant
/// in the morning and many in the evening; without this the control's mornings would be compared with the variant's
/// evenings.  `runs` of the answer is the effective number (Kish), at most as many as there are.  Strata in which there
/// are fewer than two of `runs` are left out on both sides; `common` is what stays of `like`.
PerformanceWindow DescribeAs(const std::vector<RunOutcome>& runs, const std::vector<RunOutcome>& like,
                             std::vector<RunOutcome>& common);

/// log(duration), with runs of less than a millisecond taken as one.
double LogDuration(double duration_ms);

}  // namespace wfe::delivery
