// One handler per input, in one file per family.  Decide has checked that the run is open, unless it says otherwise.
// An error must come before the first change of the state.
#pragma once

#include "engine/history/builder.h"

namespace wfe::history {

// decide_tick.cpp; a closed run is left as it is.
Result<Transition> On(Builder builder, const Tick& input);
Result<Transition> On(Builder builder, const Recovered& input);

// decide_external.cpp
Result<Transition> On(Builder builder, const SignalReceived& input);
Result<Transition> On(Builder builder, const CancelRequested& input);
Result<Transition> On(Builder builder, const TerminateRequested& input);

// decide_workflow_task.cpp
Result<Transition> On(Builder builder, const WorkflowTaskStarted& input);
Result<Transition> On(Builder builder, const WorkflowTaskCompleted& input);
Result<Transition> On(Builder builder, const WorkflowTaskFailed& input);
Result<Transition> On(Builder builder, const StickyCleared& input);

// decide_activity.cpp
Result<Transition> On(Builder builder, const ActivityTaskStarted& input);
Result<Transition> On(Builder builder, const ActivityTaskCompleted& input);
Result<Transition> On(Builder builder, const ActivityTaskFailed& input);
Result<Transition> On(Builder builder, const ActivityTaskCanceled& input);
Result<Transition> On(Builder builder, const ActivityHeartbeat& input);

// decide_obligations.cpp; a closed run is left as it is.
Result<Transition> On(Builder builder, const ObligationAnswered& input);
Result<Transition> On(Builder builder, const ChildEnded& input);

}  // namespace wfe::history
