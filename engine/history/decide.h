// The state machine of one execution.  Pure: the same state, input and time always give the same transition; no clock,
// no randomness, no I/O.  `Apply` is the only way a state changes, so replaying a history and living through it are the
// same code.
#pragma once

#include <optional>
#include <vector>

#include "engine/base/result.h"
#include "engine/history/input.h"
#include "engine/history/limits.h"
#include "engine/history/next_deadline.h"
#include "engine/history/note.h"
#include "engine/history/transition.h"

namespace wfe::history {

/// Why no run can start like this, in the words of Temporal's fields: the one check of calls, commands, schedules and
/// children.  Whoever takes a start asks first, so that nothing else about it is looked at; DecideStart asks too,
/// because a schedule or an obligation may be older than the limits.
Status CheckStart(const std::string& workflow_id, const ws::StartWorkflowExecutionRequest& request,
                  const Limits& limits);

/// The first transition of a run: WorkflowExecutionStarted and, unless it waits for a back-off, its first task.
Result<Transition> DecideStart(const StartInput& input, Instant now, const Limits& limits);

/// What `input` means.  The state is a sink: it comes back in Transition::next, changed in place, so a transition costs
/// what it changes and not what is pending.  Errors are refusals to the caller and leave `state` as it was: NOT_FOUND
/// for a closed run ("workflow execution already completed", S16) and for stale tasks (pitfall 1, 8), INVALID_ARGUMENT
/// and RESOURCE_EXHAUSTED for limits.  A workflow-task completion with bad commands is no error: see
/// Transition::refused.
Result<Transition> Decide(MutableState&& state, const Input& input, Instant now, const Limits& limits);

/// The run may be retried by this input, and a retry starts as the run did (S10): the input must bring its first event.
/// The state does not keep it, since it may be large; it is in the history.
bool NeedsFirstEvent(const MutableState& state, const Input& input, Instant now);

/// The offers that a freshly recovered state needs: tasks scheduled and held by nobody.
std::vector<Effect> PendingOffers(const MutableState& state, Instant now);

/// The only two ways a MutableState changes.
void Apply(MutableState& state, const HistoryEvent& event);
void Apply(MutableState& state, const Note& note);

/// The state of a run before its first event.
MutableState NewRun(const ExecutionKey& key);

/// The Scheduled (when it is transient) and Started events that a poll's answer shows for the started workflow task, as
/// they will be written when it ends (design rule R1).  `state` holds a started task.
std::vector<HistoryEvent> StartedTaskEvents(const MutableState& state);

/// Rebuilds the folded part from events alone (H5).
engine::v1::Folded Fold(const ExecutionKey& key, const std::vector<HistoryEvent>& events);

}  // namespace wfe::history
