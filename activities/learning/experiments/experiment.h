// An experiment: two arms, which runs go to which, and what is compared (XB-1, XB-4).  Prompt templates are tested with
// it, and whatever else has two versions (XB-5, AB-10).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"

namespace wfe::learning {

/// The names of the arms, as assignments, observations and results have them.
inline constexpr std::string_view kControlArm = "control";
inline constexpr std::string_view kVariantArm = "variant";

/// The values of ExperimentMetric::kind.
inline constexpr std::string_view kMeanMetric = "mean";    ///< A number of each run, compared by Welch's t.
inline constexpr std::string_view kShareMetric = "share";  ///< 1 or 0 of each run, compared as two proportions.

struct ExperimentMetric {
  std::string name;
  std::string kind{kMeanMetric};
  bool higher_is_better = false;
  /// Worse by more than this, in the metric's own unit, is a loss whether or not it is significant; 0: only
  /// significance counts.
  double tolerated_loss = 0;
};
WFE_RECORD(ExperimentMetric, name, kind, higher_is_better, tolerated_loss);
constexpr RecordRules RulesOf(const ExperimentMetric*) { return {.required = "name", .seldom = "tolerated_loss"}; }

struct Experiment {
  std::string experiment_id;
  std::string subject;  ///< What has two versions: "template:generation-python".
  std::string control;  ///< The version that is used without the experiment: "3".
  std::string variant;  ///< The one that is tried.
  std::vector<ExperimentMetric> metrics;
  double variant_share = 0.10;
  int64_t min_samples = 100;  ///< In each arm, before anything is compared.
  double alpha = 0.05;        ///< Of the comparison, over all metrics together.
  double harm_alpha = 0.05;   ///< Chance of stopping for harm an experiment without any, however often one looks.
  int64_t max_hours = 24;
  std::string started_at;  ///< ISO 8601, UTC.
  std::string author;
  std::string reason;
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(Experiment, experiment_id, subject, control, variant, metrics, variant_share, min_samples, alpha, harm_alpha,
           max_hours, started_at, author, reason);
constexpr RecordRules RulesOf(const Experiment*) {
  return {.required = "experiment_id subject control variant metrics started_at"};
}
/// Throws for a share, level or number that none can be, and for metrics that are none or have one name twice.
void CheckRecord(const Experiment& experiment);

/// What one run gave.
struct Observation {
  std::string run_id;
  std::string arm;
  bool error = false;                     ///< What the watch for harm counts.
  std::map<std::string, double> metrics;  ///< By name; one that is missing does not count there.
};

/// One metric in one arm.
struct ArmMetric {
  int64_t n = 0;
  double mean = 0;    ///< Of a share: the rate.
  double stddev = 0;  ///< Of the sample, with n - 1.
};
WFE_RECORD(ArmMetric, n, mean, stddev);

struct ArmSummary {
  int64_t samples = 0;
  int64_t errors = 0;
  std::map<std::string, ArmMetric> metrics;
};
WFE_RECORD(ArmSummary, samples, errors, metrics);

/// Observations of other arms are left out, and the second one of a run.
struct ArmSummaries {
  ArmSummary control;
  ArmSummary variant;
};
WFE_RECORD(ArmSummaries, control, variant);
ArmSummaries Summarize(const Experiment& experiment, const std::vector<Observation>& observations);

}  // namespace wfe::learning
