// What a monitor tells of the last hour of a workflow, compared with its baseline (MO-1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "activities/delivery/rules/constraints.h"
#include "activities/delivery/rules/performance.h"
#include "engine/base/record_json.h"

namespace wfe::delivery {

/// The values of MonitoringEvent::type.
inline constexpr std::string_view kPerformanceRegression = "PERFORMANCE_REGRESSION";
inline constexpr std::string_view kCostRegression = "COST_REGRESSION";
inline constexpr std::string_view kQualityRegression = "QUALITY_REGRESSION";
inline constexpr std::string_view kErrorSpike = "ERROR_SPIKE";
inline constexpr std::string_view kAnomaly = "ANOMALY";

struct MonitorRules {
  double duration_increase = 0.10;  ///< Relative, of the mean.
  double cost_increase = 0.10;
  double success_drop = 0.05;  ///< In shares: 5 percentage points.
  double error_factor = 2;     ///< Times the baseline's rate of errors.
  int64_t min_errors = 3;      ///< So that a baseline without errors is no alarm at the first.
  double anomaly_z = 3.5;      ///< Robust z of one run's log duration.
  int64_t min_runs = 20;       ///< In the window, and in the baseline.
  /// A window is also to be this unlikely without a change; 1: the thresholds alone, which in an hour of 50 runs are
  /// reached by chance again and again.
  double significance = 0.001;
  double rollback_significance = 0.00001;  ///< Of what one window shows that takes a version back at once.
};
WFE_RECORD(MonitorRules, duration_increase, cost_increase, success_drop, error_factor, min_errors, anomaly_z, min_runs,
           significance, rollback_significance);
constexpr RecordRules RulesOf(const MonitorRules*) { return {.refuses_unknown = true, .subject = "rules"}; }
void CheckRecord(const MonitorRules& rules);

struct Condition {
  std::string type;
  std::string severity;
  bool holds = false;
  /// Clearly over: at most half of the threshold is left.  Between the two a condition stays what it was, so that one
  /// at the edge is not told again and again.
  bool gone = false;
  double p_value = 1;
  std::string description;
  nlohmann::json metrics;
};

/// Pure: all five, in the order above; none holds and none is gone where there are too few runs.
std::vector<Condition> Assess(const PerformanceWindow& baseline, const std::vector<RunOutcome>& window,
                              const MonitorRules& rules);

}  // namespace wfe::delivery
