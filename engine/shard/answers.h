// What the state of an execution looks like from outside: pure translations.
#pragma once

#include <optional>
#include <vector>

#include "engine/history/mutable_state.h"
#include "temporal/api/workflow/v1/message.pb.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "wfe/engine/v1/state.pb.h"

namespace wfe::shard {

/// A row of a listing, as Temporal's clients read it.
void FillExecutionInfo(const engine::v1::VisibilityRecord& record,
                       temporal::api::workflow::v1::WorkflowExecutionInfo* info);

temporal::api::workflowservice::v1::DescribeWorkflowExecutionResponse DescribeAnswer(const history::MutableState& state,
                                                                                     Instant now);

/// The first event of the held workflow task's history that is not stored yet: its Scheduled event when the task is
/// transient, else its Started event (design rule R1); history::StartedTaskEvents makes them.
EventId EndOfStoredTaskEvents(const history::MutableState& state);

/// The Started event of a first attempt that a worker holds: not stored yet (R1), but its id and what it says are
/// settled, and readers of the history are shown it, as a worker that lost the run from its cache counts on it
/// (WIRE-F2).  The events of a transient task are for its worker alone.
std::optional<history::HistoryEvent> ShownStartedEvent(const history::MutableState& state);

/// The closing event for a caller that does not read new_execution_run_id of it: a run that another one follows looks
/// continued as new (WIRE-F4).
history::HistoryEvent ForThoseWhoDoNotFollow(history::HistoryEvent closing);

}  // namespace wfe::shard
