#include "activities/delivery/records/version_choice.h"

namespace wfe::delivery {
namespace {

using learning::Assignment;
using learning::Experiment;
using learning::ExperimentStore;

Result<RunVersion> ReadChoice(const std::string& key, const std::string& value) {
  return learning::ReadRow<RunVersion>(kRunVersionsTable, key, value);
}

/// A rollout divides as an experiment does, with a share that grows: the draw of a run does not change, so a larger
/// share has all the runs of a smaller one.
Experiment AsExperiment(const VersionState& state, const TrafficSplit& split) {
  Experiment experiment;
  experiment.experiment_id = split.rollout_id;
  experiment.subject = SubjectOf(state.workflow_id);
  experiment.control = VersionId(state.workflow_id, state.in_service);
  experiment.variant = VersionId(state.workflow_id, split.version);
  experiment.variant_share = split.share;
  return experiment;
}

Result<Assignment> Assign(client::RecordsClient& records, const VersionState& state, const std::string& run_id,
                          const std::string& at) {
  ExperimentStore experiments(records);
  if (state.split) return experiments.Assign(AsExperiment(state, *state.split), run_id, at);
  learning::RowProblems problems;  // of experiments that cannot be read: they do not run
  WFE_ASSIGN_OR_RETURN(const auto running, experiments.RunningOn(SubjectOf(state.workflow_id), problems));
  // One whose control is not in service any more compares with nothing that is used.
  const std::string in_service = VersionId(state.workflow_id, state.in_service);
  if (running && running->control == in_service) return experiments.Assign(*running, run_id, at);
  return Assignment{.experiment_id = {}, .arm = {}, .value = in_service};
}

}  // namespace

std::string SubjectOf(const std::string& workflow_id) { return "workflow:" + workflow_id; }

Result<RunVersion> ChooseVersion(client::RecordsClient& records, const std::string& workflow_id,
                                 const std::string& run_id, const std::string& at) {
  WFE_RETURN_IF_ERROR(learning::CheckRowId("a run id", run_id));
  const std::string table(kRunVersionsTable);
  const std::string key = workflow_id + "/" + run_id;
  WFE_ASSIGN_OR_RETURN(const auto recorded, records.GetRow(table, key));
  if (recorded) return ReadChoice(key, *recorded);
  WFE_ASSIGN_OR_RETURN(const VersionState state, VersionStore(records).Get(workflow_id));
  RunVersion choice{.workflow_id = workflow_id, .version = state.in_service, .at = at};
  WFE_ASSIGN_OR_RETURN(choice.assignment, Assign(records, state, run_id, at));
  const Result<int> assigned = ParseVersion(workflow_id, choice.assignment.value);
  const Result<const DefinitionVersion*> usable =
      assigned ? state.Usable(*assigned) : Result<const DefinitionVersion*>(assigned.error());
  if (usable) {
    choice.version = *assigned;
  } else {
    choice.note = choice.assignment.experiment_id + ": " + usable.error().message + "; the run gets " +
                  VersionId(workflow_id, state.in_service);
  }
  choice.version_id = VersionId(workflow_id, choice.version);
  choice.content_hash = state.Find(choice.version)->content_hash;
  WFE_ASSIGN_OR_RETURN(const bool is_new, records.AppendRow(table, key, learning::RowText(choice)));
  if (is_new) return choice;
  WFE_ASSIGN_OR_RETURN(const auto first, records.GetRow(table, key));  // another attempt was faster
  if (!first) return DataLoss("row " + key + " of table " + table + " is gone");
  return ReadChoice(key, *first);
}

}  // namespace wfe::delivery
