#include "engine/history/decide.h"
#include "engine/history/machines.h"
#include "engine/history/proto_time.h"
#include "engine/history/state_edit.h"

namespace wfe::history {
namespace {

/// Changes one attempt along an arrow of its table.
engine::v1::ActivityAttempt& AttemptFor(MutableState& state, EventId scheduled_event_id, AttemptOn on) {
  auto* attempt = MutableAttempt(state, scheduled_event_id);
  WFE_CHECK(attempt != nullptr, "a note is about an open activity");
  WFE_CHECK(Follow(kAttemptArrows, StateOf(*attempt), on).has_value(), "no such arrow for an activity's attempt");
  return *attempt;
}

engine::v1::Bookkeeping& TaskFor(MutableState& state, TaskOn on) {
  WFE_CHECK(Follow(kTaskArrows, WorkflowTaskState(state), on).has_value(), "no such arrow for the workflow task");
  return *state.stored.mutable_bookkeeping();
}

struct Applier {
  MutableState& state;

  engine::v1::Bookkeeping& bookkeeping() const { return *state.stored.mutable_bookkeeping(); }

  void operator()(const note::AttemptStarted& note) const {
    auto& attempt = AttemptFor(state, note.scheduled_event_id, AttemptOn::kStart);
    *attempt.mutable_started_time() = ToProto(note.time);
    attempt.set_started_identity(note.identity);
    attempt.set_started_request_id(note.request_id);
    attempt.set_last_worker_identity(note.identity);
    attempt.clear_last_heartbeat_time();
    attempt.set_backing_off(false);
  }

  void operator()(const note::AttemptRetried& note) const {
    auto& attempt = AttemptFor(state, note.scheduled_event_id, AttemptOn::kRetry);
    attempt.set_attempt(attempt.attempt() + 1);
    *attempt.mutable_last_complete_time() = ToProto(note.completed_time);
    *attempt.mutable_scheduled_time() = ToProto(note.scheduled_time);
    attempt.clear_started_time();
    attempt.clear_started_identity();
    attempt.clear_started_request_id();
    *attempt.mutable_last_failure() = note.last_failure;
    attempt.set_backing_off(true);
  }

  void operator()(const note::AttemptReleased& note) const {
    AttemptFor(state, note.scheduled_event_id, AttemptOn::kRelease).set_backing_off(false);
  }

  void operator()(const note::Heartbeat& note) const {
    auto* attempt = MutableAttempt(state, note.scheduled_event_id);
    WFE_CHECK(attempt != nullptr, "a note is about an open activity");
    if (note.time.has_value()) {
      AttemptFor(state, note.scheduled_event_id, AttemptOn::kHeartbeat);
      *attempt->mutable_last_heartbeat_time() = ToProto(*note.time);
    }
    *attempt->mutable_heartbeat_details() = note.details;
  }

  void operator()(const note::EventBuffered& note) const {
    WFE_CHECK(state.started_workflow_task.has_value(), "events wait only behind a started workflow task (H5)");
    *bookkeeping().add_buffered_events() = note.event;
  }

  void operator()(const note::BufferFlushed&) const { bookkeeping().clear_buffered_events(); }

  void operator()(const note::BufferedTimerDropped& note) const {
    EraseIf(*bookkeeping().mutable_buffered_events(), [&](const HistoryEvent& event) {
      return event.has_timer_fired_event_attributes() &&
             event.timer_fired_event_attributes().started_event_id() == note.started_event_id;
    });
  }

  void operator()(const note::WorkflowTaskTaken& note) const {
    TaskFor(state, TaskOn::kTake);
    state.started_workflow_task = note.task;
  }

  void operator()(const note::WorkflowTaskLost&) const {
    TaskFor(state, TaskOn::kLose);
    state.started_workflow_task.reset();
  }

  void operator()(const note::WorkflowTaskRetried& note) const {
    auto& book = TaskFor(state, TaskOn::kRetry);
    state.started_workflow_task.reset();
    book.set_workflow_task_attempt(note.attempt);
    book.set_transient_workflow_task(true);
    *book.mutable_transient_scheduled_time() = ToProto(note.scheduled_time);
    book.clear_workflow_task_not_before();
    if (note.not_before.has_value()) *book.mutable_workflow_task_not_before() = ToProto(*note.not_before);
  }

  void operator()(const note::WorkflowTaskReleased&) const {
    TaskFor(state, TaskOn::kRelease).clear_workflow_task_not_before();
  }

  void operator()(const note::WorkflowTaskDropped&) const {
    auto& book = TaskFor(state, TaskOn::kDrop);
    state.started_workflow_task.reset();
    book.set_workflow_task_attempt(1);
    book.set_transient_workflow_task(false);
    book.clear_transient_scheduled_time();
    book.clear_workflow_task_not_before();
  }

  void operator()(const note::StickySet& note) const {
    bookkeeping().mutable_sticky()->set_name(note.queue);
    *bookkeeping().mutable_sticky()->mutable_schedule_to_start_timeout() = ToProto(note.schedule_to_start_timeout);
  }

  void operator()(const note::StickyUnset&) const { bookkeeping().clear_sticky(); }

  void operator()(const note::StickyOffered& note) const {
    *bookkeeping().mutable_sticky_offered_time() = ToProto(note.time);
  }

  void operator()(const note::FirstTaskDelayed& note) const {
    *bookkeeping().mutable_first_task_at() = ToProto(note.until);
  }

  void operator()(const note::FirstTaskReleased&) const { bookkeeping().clear_first_task_at(); }

  void operator()(const note::TransitionCounted&) const {
    bookkeeping().set_state_transition_count(bookkeeping().state_transition_count() + 1);
  }
};

}  // namespace

bool IsVolatile(const Note& note) {
  return std::holds_alternative<note::WorkflowTaskTaken>(note) || std::holds_alternative<note::WorkflowTaskLost>(note);
}

void Apply(MutableState& state, const Note& note) { std::visit(Applier{state}, note); }

}  // namespace wfe::history
