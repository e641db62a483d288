// What an experiment says so far, and how it ends (XB-2 to XB-4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/learning/experiments/experiment.h"
#include "activities/learning/experiments/harm_watch.h"
#include "engine/base/time.h"

namespace wfe::learning {

/// The values of ABTestResult::winner; empty while the experiment runs.
inline constexpr std::string_view kWinnerControl = "control";
inline constexpr std::string_view kWinnerVariant = "variant";
inline constexpr std::string_view kWinnerEqual = "equal";        ///< No difference was shown: what is used stays.
inline constexpr std::string_view kWinnerTradeoff = "tradeoff";  ///< Better here, worse there: a person decides.
inline constexpr std::string_view kWinnerInconclusive = "inconclusive";  ///< Too few samples when its time was over.

/// One metric compared: variant minus control.
struct MetricTest {
  std::string metric;
  std::string test;  ///< "Welch t", "two-proportion z", "Fisher exact"; empty: too little to compare.
  double mean_control = 0;
  double mean_variant = 0;
  double stddev_control = 0;
  double stddev_variant = 0;
  double effect = 0;
  double interval_lo = 0;
  double interval_hi = 0;
  std::optional<double> t_statistic;  ///< z of a share; an exact test has none.
  double p_value = 1;                 ///< Two-sided, as it is.
  double p_adjusted = 1;              ///< After Holm, over all metrics of the experiment.
  bool significant = false;           ///< The adjusted one is below the experiment's alpha.
  bool better = false;                ///< The variant, and significantly so.
  bool worse = false;                 ///< Significantly, or by more than is tolerated.
};
WFE_RECORD(MetricTest, metric, test, mean_control, mean_variant, stddev_control, stddev_variant, effect, interval_lo,
           interval_hi, t_statistic, p_value, p_adjusted, significant, better, worse);

struct ABTestResult {
  std::string experiment_id;
  std::string evaluated_at;
  ArmSummary control;
  ArmSummary variant;
  std::vector<MetricTest> tests;  ///< Empty while there are too few samples: nothing is compared early.
  HarmWatch harm;
  std::string winner;
  std::string recommendation;
  std::string reason;                    ///< One sentence.
  int64_t expected_requests = 0;         ///< More, until both arms have their samples.
  std::optional<double> expected_hours;  ///< At the rate so far; absent before the first sample.

  bool decided() const { return !winner.empty(); }
};
WFE_RECORD(ABTestResult, experiment_id, evaluated_at, control, variant, tests, harm, winner, recommendation, reason,
           expected_requests, expected_hours);

/// Pure.  Significance ends nothing early: metrics are compared once both arms have their samples (or when the time is
/// over), and the caller keeps the first decided result.  Harm ends it at any time.
ABTestResult Judge(const Experiment& experiment, const ArmSummaries& arms, Instant now);

}  // namespace wfe::learning
