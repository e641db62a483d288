// The state of one workflow execution in memory, in the order in which it is asked for.  How it is stored:
// state_codec.h.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/history/deadlines.h"
#include "engine/history/workflow_task_state.h"
#include "wfe/engine/v1/state.pb.h"

namespace wfe::history {

using HistoryEvent = temporal::api::history::v1::HistoryEvent;

/// An activity that is not closed in the history.
struct OpenActivity {
  engine::v1::PendingActivity scheduled;  ///< The fold's part.
  engine::v1::ActivityAttempt attempt;    ///< The bookkeeping's part.
  bool close_buffered = false;            ///< Its closing event waits in the buffer: for everybody else it has ended.
  std::optional<Due> due;                 ///< Its entry in the deadline index.
  int64_t bytes = 0;                      ///< What it adds to the size of the state.
};

/// A timer that is not over in the history.
struct OpenTimer {
  engine::v1::PendingTimer started;
  bool firing_buffered = false;  ///< Its firing waits in the buffer.
  int64_t bytes = 0;
};

/// A child workflow that is not closed in the history.
struct OpenChild {
  engine::v1::PendingChild initiated;
  bool start_buffered = false;  ///< That it started, or could not, waits in the buffer.
  bool close_buffered = false;
  int64_t bytes = 0;
};

/// A signal or cancel request to another workflow that is not answered in the history.
struct OpenExternal {
  engine::v1::PendingExternal initiated;
  bool answer_buffered = false;
  int64_t bytes = 0;
};

/// Events that arrived while a workflow task was out; they get ids when it ends.
struct EventBuffer {
  std::vector<HistoryEvent> events;
  int64_t bytes = 0;
  int64_t signals = 0;
  bool cancel_requested = false;
};

/// One execution.  Changed by Apply alone, in time that does not depend on how much is pending; owned by its shard,
/// used from the shard's strand.  It is moved from transition to transition; a copy is what a test wants.
class MutableState {
 public:
  /// The run as a whole, as its events tell it.  Its lists of open items and its workflow task are not kept there: they
  /// are below.
  const engine::v1::Folded& folded() const { return folded_; }
  /// What Temporal keeps out of the history.  Attempts, buffered events and the workflow task are below.
  const engine::v1::Bookkeeping& bookkeeping() const { return bookkeeping_; }
  const WorkflowTask& workflow_task() const { return workflow_task_; }
  /// By scheduled event id.
  const std::map<EventId, OpenActivity>& activities() const { return activities_; }
  /// By started event id.
  const std::map<EventId, OpenTimer>& timers() const { return timers_; }
  /// By initiated event id, both.
  const std::map<EventId, OpenChild>& children() const { return children_; }
  const std::map<EventId, OpenExternal>& externals() const { return externals_; }
  const EventBuffer& buffer() const { return buffer_; }
  /// What each open activity and timer waits for, soonest first; not what has ended in the buffer.
  const std::set<Due>& deadlines() const { return deadlines_; }

  /// nullptr, 0: none with this id is open.  The newest of two: an id is free again as soon as its activity is
  /// cancelled, though the closing event may still wait.
  const OpenActivity* ActivityById(const std::string& activity_id) const;
  EventId TimerById(const std::string& timer_id) const;

  bool IsOpen() const;
  bool HasPendingWorkflowTask() const { return workflow_task_.IsPending(); }
  ExecutionKey Key() const;
  /// The bytes of the state as it would be stored, kept up to date by every change (S58).  The run's own fields that
  /// are never large are counted as they were when the run started.
  int64_t SizeBytes() const;

 private:
  friend class StateEditor;

  engine::v1::Folded folded_;
  engine::v1::Bookkeeping bookkeeping_;
  WorkflowTask workflow_task_;
  std::map<EventId, OpenActivity> activities_;
  std::unordered_map<std::string, EventId> activity_ids_;
  std::map<EventId, OpenTimer> timers_;
  std::unordered_map<std::string, EventId> timer_ids_;
  std::set<Due> deadlines_;
  std::map<EventId, OpenChild> children_;
  std::map<EventId, OpenExternal> externals_;
  EventBuffer buffer_;
  int64_t folded_bytes_ = 0;
  int64_t items_bytes_ = 0;  // of activities, timers, children and externals
};

const engine::v1::PendingActivity* FindActivity(const MutableState& state, EventId scheduled_event_id);
const engine::v1::PendingActivity* FindActivityById(const MutableState& state, const std::string& activity_id);
const engine::v1::ActivityAttempt* FindAttempt(const MutableState& state, EventId scheduled_event_id);

}  // namespace wfe::history
