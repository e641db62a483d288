#include "activities/learning/experiments/experiment.h"

#include <cmath>
#include <set>

#include "activities/statistics/statistics.h"

namespace wfe::learning {

void CheckRecord(const Experiment& experiment) {
  const auto level = [](double alpha, const char* name) {
    RequireOfRecord(alpha > 0 && alpha < 0.5, std::string(name) + " must be between 0 and 0.5");
  };
  RequireOfRecord(!experiment.experiment_id.empty(), "experiment_id must not be empty");
  RequireOfRecord(experiment.control != experiment.variant, "control and variant must be two versions");
  RequireOfRecord(experiment.variant_share > 0 && experiment.variant_share < 1,
                  "variant_share must be more than 0 and less than 1");
  RequireOfRecord(experiment.min_samples >= 2, "min_samples must be at least 2");
  RequireOfRecord(experiment.max_hours >= 1, "max_hours must be at least 1");
  level(experiment.alpha, "alpha");
  level(experiment.harm_alpha, "harm_alpha");
  RequireOfRecord(!experiment.metrics.empty(), "metrics must name at least one");
  std::set<std::string> names;
  for (const ExperimentMetric& metric : experiment.metrics) {
    RequireOfRecord(names.insert(metric.name).second, "metrics has " + metric.name + " twice");
    RequireOfRecord(metric.kind == kMeanMetric || metric.kind == kShareMetric,
                    "the kind of metric " + metric.name + " must be mean or share");
  }
}

ArmSummaries Summarize(const Experiment& experiment, const std::vector<Observation>& observations) {
  ArmSummaries summaries;
  std::map<std::string, std::vector<double>> values[2];
  std::set<std::string_view> seen;
  for (const Observation& observation : observations) {
    const bool variant = observation.arm == kVariantArm;
    if (!variant && observation.arm != kControlArm) continue;
    if (!seen.insert(observation.run_id).second) continue;
    ArmSummary& arm = variant ? summaries.variant : summaries.control;
    ++arm.samples;
    if (observation.error) ++arm.errors;
    for (const auto& [name, value] : observation.metrics) values[variant ? 1 : 0][name].push_back(value);
  }
  for (const ExperimentMetric& metric : experiment.metrics) {
    for (const bool variant : {false, true}) {
      const stats::Sample sample = stats::Describe(values[variant ? 1 : 0][metric.name]);
      (variant ? summaries.variant : summaries.control).metrics[metric.name] = {
          .n = sample.n, .mean = sample.mean, .stddev = std::sqrt(sample.variance)};
    }
  }
  return summaries;
}

}  // namespace wfe::learning
