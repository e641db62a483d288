// A run whose workflow task a worker holds, as a shard has it in memory.
#pragma once

#include "engine/history/decide.h"

namespace wfe::shard {

inline history::MutableState HeldRun(EventId started_event_id) {
  history::HistoryEvent started;
  started.set_event_id(1);
  started.set_event_type(temporal::api::enums::v1::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED);
  started.mutable_workflow_execution_started_event_attributes();
  history::HistoryEvent scheduled;
  scheduled.set_event_id(2);
  scheduled.set_event_type(temporal::api::enums::v1::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED);
  scheduled.mutable_workflow_task_scheduled_event_attributes()->set_attempt(1);
  history::MutableState state;
  history::Apply(state, started);
  history::Apply(state, scheduled);
  history::StartedWorkflowTask task;
  task.scheduled_event_id = started_event_id - 1;
  task.started_event_id = started_event_id;
  history::Apply(state, history::note::WorkflowTaskTaken{task});
  return state;
}

}  // namespace wfe::shard
