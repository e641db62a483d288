#include "engine/history/state_codec.h"

#include <utility>

#include "engine/base/proto_time.h"
#include "engine/history/state_edit.h"

namespace wfe::history {
namespace {

void WriteTask(const WorkflowTask& task, engine::v1::MutableState& row) {
  auto& bookkeeping = *row.mutable_bookkeeping();
  bookkeeping.set_workflow_task_attempt(task.attempt);
  if (task.not_before.has_value()) *bookkeeping.mutable_workflow_task_not_before() = ToProto(*task.not_before);
  if (task.IsTransient()) {
    bookkeeping.set_transient_workflow_task(true);
    *bookkeeping.mutable_transient_scheduled_time() = ToProto(task.scheduled_time);
  }
  if (!task.IsInHistory()) return;
  auto& written = *row.mutable_folded()->mutable_workflow_task();
  written.set_scheduled_event_id(task.scheduled_event_id);
  *written.mutable_scheduled_time() = ToProto(task.scheduled_time);
  *written.mutable_start_to_close_timeout() = ToProto(task.start_to_close_timeout);
  written.set_attempt(task.attempt);
  *written.mutable_task_queue() = task.queue;
}

WorkflowTask ReadTask(const engine::v1::MutableState& row) {
  const auto& bookkeeping = row.bookkeeping();
  WorkflowTask task;
  task.attempt = bookkeeping.workflow_task_attempt();
  if (bookkeeping.has_workflow_task_not_before()) task.not_before = FromProto(bookkeeping.workflow_task_not_before());
  if (row.folded().has_workflow_task()) {
    const auto& written = row.folded().workflow_task();
    task.kind = TaskKind::kNormal;
    task.scheduled_event_id = written.scheduled_event_id();
    task.scheduled_time = FromProto(written.scheduled_time());
    task.start_to_close_timeout = FromProto(written.start_to_close_timeout());
    task.queue = written.task_queue();
  } else if (bookkeeping.transient_workflow_task()) {
    task.kind = TaskKind::kTransient;
    task.scheduled_time = FromProto(bookkeeping.transient_scheduled_time());
  } else {
    return task;
  }
  task.state = task.not_before.has_value() ? TaskState::kBackingOff : TaskState::kOffered;
  return task;
}

}  // namespace

engine::v1::MutableState ToCheckpoint(const MutableState& state) {
  WFE_CHECK(state.folded().activities().empty() && state.folded().timers().empty() &&
                state.folded().children().empty() && state.folded().externals().empty() &&
                state.bookkeeping().activity_attempts().empty() && state.bookkeeping().buffered_events().empty(),
            "open items are kept in the state's own maps");
  engine::v1::MutableState row;
  *row.mutable_folded() = state.folded();
  *row.mutable_bookkeeping() = state.bookkeeping();
  WriteTask(state.workflow_task(), row);
  for (const auto& [id, activity] : state.activities()) {
    *row.mutable_folded()->add_activities() = activity.scheduled;
    *row.mutable_bookkeeping()->add_activity_attempts() = activity.attempt;
  }
  for (const auto& [id, timer] : state.timers()) *row.mutable_folded()->add_timers() = timer.started;
  for (const auto& [id, child] : state.children()) *row.mutable_folded()->add_children() = child.initiated;
  for (const auto& [id, external] : state.externals()) *row.mutable_folded()->add_externals() = external.initiated;
  for (const HistoryEvent& event : state.buffer().events) *row.mutable_bookkeeping()->add_buffered_events() = event;
  return row;
}

Result<MutableState> FromCheckpoint(engine::v1::MutableState row) {
  MutableState state;
  StateEditor edit(state);
  auto& folded = *row.mutable_folded();
  auto& bookkeeping = *row.mutable_bookkeeping();
  edit.workflow_task() = ReadTask(row);
  folded.clear_workflow_task();
  folded.clear_started();
  bookkeeping.clear_workflow_task_attempt();
  bookkeeping.clear_workflow_task_not_before();
  bookkeeping.clear_transient_workflow_task();
  bookkeeping.clear_transient_scheduled_time();

  google::protobuf::RepeatedPtrField<engine::v1::PendingActivity> activities;
  google::protobuf::RepeatedPtrField<engine::v1::ActivityAttempt> attempts;
  google::protobuf::RepeatedPtrField<engine::v1::PendingTimer> timers;
  google::protobuf::RepeatedPtrField<engine::v1::PendingChild> children;
  google::protobuf::RepeatedPtrField<engine::v1::PendingExternal> externals;
  google::protobuf::RepeatedPtrField<HistoryEvent> buffered;
  activities.Swap(folded.mutable_activities());
  timers.Swap(folded.mutable_timers());
  children.Swap(folded.mutable_children());
  externals.Swap(folded.mutable_externals());
  attempts.Swap(bookkeeping.mutable_activity_attempts());
  buffered.Swap(bookkeeping.mutable_buffered_events());
  edit.folded() = std::move(folded);
  edit.bookkeeping() = std::move(bookkeeping);
  edit.CountFolded();

  const auto damaged = [&](const std::string& what) {
    return DataLoss("the stored state of " + state.Key().ToString() + " is damaged: " + what);
  };
  if (attempts.size() != activities.size()) {
    return damaged(std::to_string(attempts.size()) + " attempts belong to " + std::to_string(activities.size()) +
                   " open activities");
  }
  const EventId next_event_id = state.folded().next_event_id();
  for (int i = 0; i < activities.size(); ++i) {
    const EventId id = activities[i].scheduled_event_id();
    if (id >= next_event_id) return damaged("activity " + std::to_string(id) + " is scheduled by no event");
    if (attempts[i].scheduled_event_id() != id || state.activities().contains(id)) {
      return damaged("activity " + std::to_string(id) + " has no attempt of its own");
    }
    edit.AddActivity(std::move(activities[i]), std::move(attempts[i]));
  }
  for (auto& timer : timers) {
    const EventId id = timer.started_event_id();
    if (id >= next_event_id) return damaged("timer " + std::to_string(id) + " is started by no event");
    if (state.timers().contains(id)) return damaged("timer " + std::to_string(id) + " is there twice");
    edit.AddTimer(std::move(timer));
  }
  for (auto& child : children) {
    const EventId id = child.initiated_event_id();
    if (id >= next_event_id) return damaged("child " + std::to_string(id) + " is initiated by no event");
    if (state.children().contains(id)) return damaged("child " + std::to_string(id) + " is there twice");
    edit.AddChild(std::move(child));
  }
  for (auto& external : externals) {
    const EventId id = external.initiated_event_id();
    if (id >= next_event_id) return damaged("request " + std::to_string(id) + " is initiated by no event");
    if (state.externals().contains(id)) return damaged("request " + std::to_string(id) + " is there twice");
    edit.AddExternal(std::move(external));
  }
  for (HistoryEvent& event : buffered) edit.Buffer(std::move(event));
  return state;
}

}  // namespace wfe::history
