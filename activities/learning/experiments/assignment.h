// Which arm a run goes to (XB-1, AB-10).
#pragma once

#include <string>
#include <string_view>

#include "activities/learning/experiments/experiment.h"

namespace wfe::learning {

/// The arm of a run, from the ids alone: the same on every attempt, in every process.
std::string_view ArmOf(const Experiment& experiment, std::string_view run_id);

/// Evenly spread over [0, 1): the hash of both ids, and of where one ends.
double Draw(std::string_view experiment_id, std::string_view run_id);

/// What a run records at its start; a run that began while an experiment ran keeps its arm after the experiment's end.
struct Assignment {
  std::string experiment_id;  ///< Empty: no experiment ran.
  std::string arm;
  std::string value;  ///< The arm's version.
};
WFE_RECORD(Assignment, experiment_id, arm, value);
constexpr RecordRules RulesOf(const Assignment*) { return {.seldom = "experiment_id arm"}; }

}  // namespace wfe::learning
