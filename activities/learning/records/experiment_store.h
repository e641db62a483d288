// Experiments and who takes part, in the records service (XB-1, XB-4, AB-10).
//
// An experiment is a fold over its events (event_log.h, table experiments): `started`, then one `decided`.  An
// assignment is a row of its own, `<experiment>/<run>`, written once at the run's start.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/learning/experiments/assignment.h"
#include "activities/learning/experiments/judge.h"
#include "activities/learning/records/event_log.h"
#include "activities/learning/records/rows.h"
#include "engine/base/result.h"
#include "workers/client/records_client.h"

namespace wfe::learning {

inline constexpr std::string_view kExperimentsTable = "experiments";
inline constexpr std::string_view kAssignmentsTable = "experiment_assignments";

struct ExperimentState {
  Experiment experiment;
  std::optional<ABTestResult> result;  ///< Once it is decided.
  bool running() const { return !result.has_value(); }
};
WFE_RECORD(ExperimentState, experiment, result);

/// Calls block; callable from any thread.
class ExperimentStore {
 public:
  explicit ExperimentStore(client::RecordsClient& records) : records_(records), log_(records, kExperimentsTable) {}

  /// False: it was started before, with whatever settings.
  Result<bool> Start(const Experiment& experiment);
  /// Keeps the first result that is decided; false for any later one.
  Result<bool> Decide(const ABTestResult& result);
  Result<ExperimentState> Get(const std::string& experiment_id) const;
  /// By id; one that cannot be read is a problem.
  Result<std::vector<ExperimentState>> List(RowProblems& problems) const;
  /// The one that runs on this subject, if any; of several the first by its start.
  Result<std::optional<Experiment>> RunningOn(const std::string& subject, RowProblems& problems) const;

  /// The arm of a run: what was recorded for it, or what the hash says, recorded now.
  Result<Assignment> Assign(const Experiment& experiment, const std::string& run_id, const std::string& at);
  /// Run -> arm.
  Result<std::map<std::string, std::string>> Assignments(const std::string& experiment_id, RowProblems& problems) const;

 private:
  client::RecordsClient& records_;
  EventLog log_;
};

}  // namespace wfe::learning
