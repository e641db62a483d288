// How runs end from outside, and the runs that follow them.
#pragma once

#include <string>

#include "engine/history/builder.h"

namespace wfe::history {

/// Writes WorkflowExecutionTerminated; a started workflow task is abandoned first (pitfall 1).
void TerminateRun(Builder& builder, const std::string& reason, const common::Payloads& details = {},
                  const std::string& identity = {});

/// `suggested`, or an id derived from this run's: a run is followed by at most one other.
RunId FollowingRunId(const MutableState& state, const std::string& suggested);

/// Of the child that this run's event initiates: known before it starts.
RunId ChildRunId(const MutableState& state, EventId initiated_event_id);

/// The following run is a child of whom this one is.
void InheritFamily(const engine::v1::Folded& folded, StartInput& start);

/// Starts the following run in this transition.  Errors: what DecideStart refuses.
Status StartFollowingRun(Builder& builder, const StartInput& start);

/// What a retry policy makes of a run that is about to end with `failure` (S9, S10); starts the next run if it says so,
/// as `first_event` says that this one was started (NeedsFirstEvent).
struct RunRetry {
  enums::RetryState state = enums::RETRY_STATE_RETRY_POLICY_NOT_SET;
  std::string new_run_id;  ///< Empty unless the run is retried.
};
RunRetry RetryRun(Builder& builder, const failure::Failure& cause, const std::string& suggested_run_id,
                  const HistoryEvent* first_event);

}  // namespace wfe::history
