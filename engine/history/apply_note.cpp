#include "engine/base/proto_time.h"
#include "engine/history/decide.h"
#include "engine/history/machines.h"
#include "engine/history/state_edit.h"

namespace wfe::history {
namespace {

struct Applier {
  StateEditor edit;

  engine::v1::Bookkeeping& bookkeeping() { return edit.bookkeeping(); }

  /// Changes one attempt along an arrow of its table.
  template <class Change>
  void EditAttempt(EventId scheduled_event_id, AttemptOn on, Change change) {
    edit.EditActivity(scheduled_event_id, [&](OpenActivity& activity) {
      const AttemptState from = StateOf(activity.attempt);
      WFE_CHECK(Follow(kAttemptArrows, from, on).has_value(), "no such arrow for an activity's attempt");
      change(activity.attempt);
    });
  }

  void operator()(const note::AttemptStarted& note) {
    EditAttempt(note.scheduled_event_id, AttemptOn::kStart, [&](engine::v1::ActivityAttempt& attempt) {
      *attempt.mutable_started_time() = ToProto(note.time);
      attempt.set_started_identity(note.identity);
      attempt.set_started_request_id(note.request_id);
      attempt.set_last_worker_identity(note.identity);
      attempt.clear_last_heartbeat_time();
      attempt.set_backing_off(false);
    });
  }

  void operator()(const note::AttemptRetried& note) {
    EditAttempt(note.scheduled_event_id, AttemptOn::kRetry, [&](engine::v1::ActivityAttempt& attempt) {
      attempt.set_attempt(attempt.attempt() + 1);
      *attempt.mutable_last_complete_time() = ToProto(note.completed_time);
      *attempt.mutable_scheduled_time() = ToProto(note.scheduled_time);
      attempt.clear_started_time();
      attempt.clear_started_identity();
      attempt.clear_started_request_id();
      *attempt.mutable_last_failure() = note.last_failure;
      attempt.set_backing_off(true);
    });
  }

  void operator()(const note::AttemptReleased& note) {
    EditAttempt(note.scheduled_event_id, AttemptOn::kRelease,
                [](engine::v1::ActivityAttempt& attempt) { attempt.set_backing_off(false); });
  }

  void operator()(const note::Heartbeat& note) {
    if (note.time.has_value()) {
      EditAttempt(note.scheduled_event_id, AttemptOn::kHeartbeat, [&](engine::v1::ActivityAttempt& attempt) {
        *attempt.mutable_last_heartbeat_time() = ToProto(*note.time);
      });
    }
    edit.EditActivity(note.scheduled_event_id,
                      [&](OpenActivity& activity) { *activity.attempt.mutable_heartbeat_details() = note.details; });
  }

  void operator()(const note::EventBuffered& note) {
    WFE_CHECK(edit.workflow_task().IsPending(), "events wait only behind a workflow task (H5)");
    edit.Buffer(note.event);
  }

  void operator()(const note::BufferFlushed&) { edit.ClearBuffer(); }

  void operator()(const note::BufferedTimerDropped& note) { edit.DropFiring(note.started_event_id); }

  void operator()(const note::WorkflowTaskTaken& note) {
    edit.workflow_task().Move(TaskOn::kTake);
    edit.workflow_task().started = note.task;
  }

  void operator()(const note::WorkflowTaskLost&) {
    WorkflowTask& task = edit.workflow_task();
    task.Move(task.not_before.has_value() ? TaskOn::kLoseUnreleased : TaskOn::kLose);
  }

  void operator()(const note::WorkflowTaskRetried& note) {
    WorkflowTask& task = edit.workflow_task();
    task.Move(note.not_before.has_value() ? TaskOn::kRetryLater : TaskOn::kRetry);
    task.kind = TaskKind::kTransient;
    task.attempt = note.attempt;
    task.scheduled_time = note.scheduled_time;
    task.not_before = note.not_before;
  }

  void operator()(const note::WorkflowTaskReleased&) {
    edit.workflow_task().Move(TaskOn::kRelease);
    edit.workflow_task().not_before.reset();
  }

  void operator()(const note::WorkflowTaskDropped&) {
    WorkflowTask& task = edit.workflow_task();
    task.Move(TaskOn::kDrop);
    task.attempt = 1;
    task.not_before.reset();
  }

  void operator()(const note::StickySet& note) {
    bookkeeping().mutable_sticky()->set_name(note.queue);
    *bookkeeping().mutable_sticky()->mutable_schedule_to_start_timeout() = ToProto(note.schedule_to_start_timeout);
  }

  void operator()(const note::StickyUnset&) { bookkeeping().clear_sticky(); }

  void operator()(const note::StickyOffered& note) {
    *bookkeeping().mutable_sticky_offered_time() = ToProto(note.time);
  }

  void operator()(const note::FirstTaskDelayed& note) {
    *bookkeeping().mutable_first_task_at() = ToProto(note.until);
  }

  void operator()(const note::FirstTaskReleased&) { bookkeeping().clear_first_task_at(); }

  void operator()(const note::TransitionCounted&) {
    bookkeeping().set_state_transition_count(bookkeeping().state_transition_count() + 1);
  }
};

}  // namespace

void Apply(MutableState& state, const Note& note) { std::visit(Applier{StateEditor(state)}, note); }

}  // namespace wfe::history
