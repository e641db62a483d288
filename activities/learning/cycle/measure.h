// What became of earlier changes: experiments are judged, worse versions rolled back (PO-7, XB-4).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "activities/learning/cycle/cohorts.h"
#include "activities/learning/cycle/options.h"
#include "activities/learning/experiments/judge.h"
#include "activities/learning/records/experiment_store.h"
#include "activities/prompts/template_store.h"
#include "engine/base/record_json.h"
#include "engine/base/time.h"

namespace wfe::learning {

/// The values of Measurement::action.
inline constexpr std::string_view kMeasuredNothing = "none";
inline constexpr std::string_view kMeasuredRolledBack = "rolled_back";  ///< The active version was worse than before.
inline constexpr std::string_view kMeasuredActivated = "activated";     ///< An experiment's variant won.
inline constexpr std::string_view kMeasuredGivenUp = "given_up";        ///< It lost, or showed no difference.
inline constexpr std::string_view kMeasuredOpen = "open";  ///< It ended without an answer, or as a trade-off.

struct Measurement {
  std::string template_id;
  std::string action{kMeasuredNothing};
  int version = 0;         ///< That was measured.
  int active_version = 0;  ///< After it.
  std::string reason;
  std::optional<CohortComparison> cohorts;
  std::optional<ABTestResult> experiment;
  bool experiment_runs = false;
  /// The active version has not had its first three looks: a change upon it would hide what it did.
  bool probation = false;

  /// Nothing was changed, and nothing is being tried: a change may be proposed.
  bool settled() const { return action == kMeasuredNothing && !experiment_runs && !probation; }
};
WFE_RECORD(Measurement, template_id, action, version, active_version, reason, cohorts, experiment, experiment_runs,
           probation);

/// When the active version became so the last time; empty for one that always was.
std::string ActiveSince(const prompts::TemplateState& state);

/// Since when generations are needed to measure a template; empty when there is nothing to measure.
struct MeasureScope {
  std::string cycle_id;  ///< Of whoever asks; stands in the reasons of what is changed.
  std::optional<Instant> since;
  std::optional<Experiment> experiment;        ///< That runs.
  std::optional<ExperimentState> unconcluded;  ///< That is decided, and the template has not followed yet.
};
Result<MeasureScope> ScopeOfMeasuring(const prompts::TemplateState& state, ExperimentStore& experiments,
                                      RowProblems& problems);

/// What the runs of an experiment gave: those that have said how they ended.  Of generations: quality and success.
std::vector<Observation> Observe(const std::vector<Generation>& generations,
                                 const std::map<std::string, std::string>& arm_of_run);
/// Of builds, and of whatever else leaves rows of usage: success, duration_ms, and cost_usd where it is known (XB-2).
std::vector<Observation> Observe(const std::vector<UsageRow>& runs,
                                 const std::map<std::string, std::string>& arm_of_run);

/// Reads what the experiment's metrics need, since its start.
Result<std::vector<Observation>> LoadObservations(client::RecordsClient& records, const Experiment& experiment,
                                                  const std::map<std::string, std::string>& arm_of_run, Instant now,
                                                  RowProblems& problems);

/// What this cycle changed in an attempt before, whose answer was lost; nullopt: nothing.
std::optional<Measurement> MeasuredBefore(const prompts::TemplateState& state, const std::string& cycle_id);

/// `generations`: of the template, since the scope's time, oldest first; `observed`: of its experiment.  Changes nothing when the template was changed
/// meanwhile; safe to repeat, and for two at once.
Result<Measurement> Measure(prompts::TemplateStore& store, ExperimentStore& experiments,
                            const prompts::TemplateState& state, const MeasureScope& scope,
                            const std::vector<Generation>& generations, const std::vector<Observation>& observed,
                            const CycleOptions& options, Instant now);

}  // namespace wfe::learning
