// A drafted version comes into use: for all runs, or for those of an experiment's arm (PO-6).
#pragma once

#include <string>

#include "activities/learning/cycle/options.h"
#include "activities/learning/records/experiment_store.h"
#include "activities/prompts/template_store.h"
#include "engine/base/record_json.h"
#include "engine/base/time.h"

namespace wfe::learning {

/// "template:generation-python"
std::string SubjectOf(const std::string& template_id);

/// What an experiment on a template compares.  Of generations: quality, and success with a loss of 5 points tolerated;
/// of any other, which builds use: success likewise, duration and cost (XB-2).
std::vector<ExperimentMetric> MetricsOf(const std::string& template_id);

/// The values of Deployment::mode.
inline constexpr std::string_view kDeployedActive = "active";
inline constexpr std::string_view kDeployedExperiment = "experiment";
inline constexpr std::string_view kDeployedNot = "none";

struct Deployment {
  std::string mode{kDeployedNot};
  std::string template_id;
  int version = 0;
  int previous_version = 0;
  std::string experiment_id;
  std::string note;
};
WFE_RECORD(Deployment, mode, template_id, version, previous_version, experiment_id, note);

/// Nothing when another version is active than the one the draft was made from, or an experiment runs: one change at a
/// time, so that what follows can be told to be its effect.  Safe to repeat, and for two at once.
Result<Deployment> Deploy(prompts::TemplateStore& store, ExperimentStore& experiments, const std::string& template_id,
                          int version, int base_version, const std::string& author, const std::string& reason,
                          const CycleOptions& options, Instant now, RowProblems& problems);

}  // namespace wfe::learning
