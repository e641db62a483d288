#include "activities/learning/records/experiment_store.h"

#include <algorithm>

namespace wfe::learning {
namespace {

constexpr std::string_view kStarted = "started";
constexpr std::string_view kDecided = "decided";

struct ExperimentEvent {
  std::string kind;
  std::optional<Experiment> experiment;
  std::optional<ABTestResult> result;
};
WFE_RECORD(ExperimentEvent, kind, experiment, result);
constexpr RecordRules RulesOf(const ExperimentEvent*) { return {.required = "kind"}; }

struct AssignmentRow {
  std::string run_id;
  std::string arm;
  std::string value;
  std::string at;
};
WFE_RECORD(AssignmentRow, run_id, arm, value, at);
constexpr RecordRules RulesOf(const AssignmentRow*) { return {.required = "run_id arm value"}; }

Result<ExperimentState> Fold(const StoredEvents& events) {
  ExperimentState state;
  bool started = false;
  for (const auto& [key, value] : events) {
    WFE_ASSIGN_OR_RETURN(const ExperimentEvent event, ReadRow<ExperimentEvent>(kExperimentsTable, key, value));
    if (event.kind == kStarted && event.experiment) {
      state.experiment = *event.experiment;
      started = true;
    } else if (event.kind == kDecided && event.result) {
      state.result = event.result;
    } else {
      return DataLoss("row " + key + " of table experiments is of the unknown kind \"" + event.kind +
                      "\"; a newer wfe may have written it");
    }
  }
  if (!started) return DataLoss("an experiment in table experiments has no start");
  return state;
}

}  // namespace

Result<bool> ExperimentStore::Start(const Experiment& experiment) {
  try {
    CheckRecord(experiment);
  } catch (const nlohmann::json::exception& e) {
    return InvalidArgument("experiment " + experiment.experiment_id + ": " + JsonErrorText(e));
  }
  return log_.Append(experiment.experiment_id, [&](const StoredEvents& events) -> Result<std::optional<std::string>> {
    if (!events.empty()) return std::optional<std::string>();
    return std::optional(
        RowText(ExperimentEvent{.kind = std::string(kStarted), .experiment = experiment, .result = std::nullopt}));
  });
}

Result<bool> ExperimentStore::Decide(const ABTestResult& result) {
  if (!result.decided()) return InvalidArgument("experiment " + result.experiment_id + " is not decided");
  return log_.Append(result.experiment_id, [&](const StoredEvents& events) -> Result<std::optional<std::string>> {
    if (events.empty()) return NotFound("there is no experiment \"" + result.experiment_id + "\"");
    WFE_ASSIGN_OR_RETURN(const ExperimentState state, Fold(events));
    if (!state.running()) return std::optional<std::string>();
    return std::optional(
        RowText(ExperimentEvent{.kind = std::string(kDecided), .experiment = std::nullopt, .result = result}));
  });
}

Result<ExperimentState> ExperimentStore::Get(const std::string& experiment_id) const {
  WFE_ASSIGN_OR_RETURN(const StoredEvents events, log_.Read(experiment_id));
  if (events.empty()) return NotFound("there is no experiment \"" + experiment_id + "\"");
  return Fold(events);
}

Result<std::vector<ExperimentState>> ExperimentStore::List(RowProblems& problems) const {
  WFE_ASSIGN_OR_RETURN(const auto all, log_.ReadAll());
  std::vector<ExperimentState> states;
  for (const auto& [id, events] : all) {
    Result<ExperimentState> state = Fold(events);
    if (state) {
      states.push_back(*std::move(state));
    } else {
      problems.push_back(state.error().message);
    }
  }
  return states;
}

Result<std::optional<Experiment>> ExperimentStore::RunningOn(const std::string& subject, RowProblems& problems) const {
  WFE_ASSIGN_OR_RETURN(const std::vector<ExperimentState> states, List(problems));
  std::optional<Experiment> first;
  for (const ExperimentState& state : states) {
    if (!state.running() || state.experiment.subject != subject) continue;
    if (!first || state.experiment.started_at < first->started_at) first = state.experiment;
  }
  return first;
}

Result<Assignment> ExperimentStore::Assign(const Experiment& experiment, const std::string& run_id,
                                           const std::string& at) {
  WFE_RETURN_IF_ERROR(CheckRowId("a run id", run_id));
  const std::string_view arm = ArmOf(experiment, run_id);
  Assignment assignment{.experiment_id = experiment.experiment_id,
                        .arm = std::string(arm),
                        .value = arm == kVariantArm ? experiment.variant : experiment.control};
  const std::string key = experiment.experiment_id + "/" + run_id;
  const AssignmentRow row{.run_id = run_id, .arm = assignment.arm, .value = assignment.value, .at = at};
  WFE_ASSIGN_OR_RETURN(const bool is_new, records_.AppendRow(std::string(kAssignmentsTable), key, RowText(row)));
  if (is_new) return assignment;
  // The one that was recorded counts, should settings have changed since.
  Status read = Ok();
  WFE_RETURN_IF_ERROR(
      records_.ScanRows(std::string(kAssignmentsTable), key, [&](const std::string& found, const std::string& value) {
        if (found != key) return;
        const Result<AssignmentRow> recorded = ReadRow<AssignmentRow>(kAssignmentsTable, found, value);
        if (!recorded) {
          read = recorded.error();
          return;
        }
        assignment.arm = recorded->arm;
        assignment.value = recorded->value;
      }));
  WFE_RETURN_IF_ERROR(read);
  return assignment;
}

Result<std::map<std::string, std::string>> ExperimentStore::Assignments(const std::string& experiment_id,
                                                                        RowProblems& problems) const {
  std::map<std::string, std::string> arms;
  WFE_RETURN_IF_ERROR(records_.ScanRows(std::string(kAssignmentsTable), experiment_id + "/",
                                        [&](const std::string& key, const std::string& value) {
                                          const auto row = ReadRow<AssignmentRow>(kAssignmentsTable, key, value);
                                          if (row) {
                                            arms[row->run_id] = row->arm;
                                          } else {
                                            problems.push_back(row.error().message);
                                          }
                                        }));
  return arms;
}

}  // namespace wfe::learning
