#include "workers/core/replayer.h"

#include "workers/core/workflow_machine.h"

namespace wfe::core {

ReplayReport Replay(const temporal::api::history::v1::History& history, const sdk::WorkflowRegistry& registry,
                    const ReplayOptions& options) {
  ReplayReport report;
  WorkflowMachine machine(registry, {.ns = options.ns,
                                     .workflow_id = options.workflow_id,
                                     .run_id = options.run_id,
                                     .only_replay = true,
                                     .eager_activity_queue = "",
                                     .log = nullptr});
  const std::optional<Stop> stop = machine.Feed(history.events(), 0, /*run_last_task=*/true);
  report.workflow_type = machine.info().workflow_type;
  if (!stop.has_value()) {
    report.outcome = Deterministic{
        .events = history.events().size(), .workflow_tasks = machine.tasks_run(), .closed = machine.closed()};
  } else if (const auto* divergence = std::get_if<Divergence>(&*stop)) {
    report.outcome = *divergence;
  } else {
    report.outcome = std::get<TaskFailure>(*stop);
  }
  return report;
}

std::string ReplayReport::ToString() const {
  if (const auto* fine = std::get_if<Deterministic>(&outcome)) {
    return "deterministic: " + std::to_string(fine->events) + " events, " + std::to_string(fine->workflow_tasks) +
           " workflow tasks of " + workflow_type + (fine->closed ? ", to its end" : ", still open");
  }
  if (const auto* divergence = std::get_if<Divergence>(&outcome)) return divergence->ToString();
  const auto& failure = std::get<TaskFailure>(outcome);
  return failure.type + ": " + failure.message;
}

}  // namespace wfe::core
