#include "engine/history/state_edit.h"

#include <algorithm>

#include "engine/base/proto_time.h"
#include "engine/history/buffered.h"
#include "engine/history/framed_size.h"

namespace wfe::history {
namespace {

Due DueOf(const OpenTimer& timer) {
  return {.at = FromProto(timer.started.due()), .kind = DueKind::kTimer, .id = timer.started.started_event_id()};
}

}  // namespace

void StateEditor::AddActivity(engine::v1::PendingActivity scheduled, engine::v1::ActivityAttempt attempt) {
  const EventId id = scheduled.scheduled_event_id();
  state_.activity_ids_.insert_or_assign(scheduled.activity_id(), id);
  OpenActivity activity;
  activity.scheduled = std::move(scheduled);
  activity.attempt = std::move(attempt);
  const auto [added, is_new] = state_.activities_.emplace(id, std::move(activity));
  WFE_CHECK(is_new, "an event schedules one activity");
  Book(added->second);
}

void StateEditor::RemoveActivity(EventId scheduled_event_id) {
  const auto found = state_.activities_.find(scheduled_event_id);
  if (found == state_.activities_.end()) return;
  OpenActivity& activity = found->second;
  if (activity.due.has_value()) state_.deadlines_.erase(*activity.due);
  state_.items_bytes_ -= activity.bytes;
  const auto by_id = state_.activity_ids_.find(activity.scheduled.activity_id());
  if (by_id != state_.activity_ids_.end() && by_id->second == scheduled_event_id) state_.activity_ids_.erase(by_id);
  state_.activities_.erase(found);
}

void StateEditor::Book(OpenActivity& activity) {
  const int64_t bytes = FramedSize(activity.scheduled) + FramedSize(activity.attempt);
  state_.items_bytes_ += bytes - std::exchange(activity.bytes, bytes);
  const std::optional<Due> due = activity.close_buffered ? std::nullopt : NextDue(activity);
  if (due == activity.due) return;
  if (activity.due.has_value() && due.has_value()) {
    auto entry = state_.deadlines_.extract(*activity.due);
    entry.value() = *due;
    state_.deadlines_.insert(std::move(entry));
  } else if (activity.due.has_value()) {
    state_.deadlines_.erase(*activity.due);
  } else {
    state_.deadlines_.insert(*due);
  }
  activity.due = due;
}

void StateEditor::AddTimer(engine::v1::PendingTimer started) {
  const EventId id = started.started_event_id();
  state_.timer_ids_.insert_or_assign(started.timer_id(), id);
  OpenTimer timer{.started = std::move(started)};
  timer.bytes = FramedSize(timer.started);
  state_.items_bytes_ += timer.bytes;
  state_.deadlines_.insert(DueOf(timer));
  const bool is_new = state_.timers_.emplace(id, std::move(timer)).second;
  WFE_CHECK(is_new, "an event starts one timer");
}

void StateEditor::RemoveTimer(EventId started_event_id) {
  const auto found = state_.timers_.find(started_event_id);
  if (found == state_.timers_.end()) return;
  const OpenTimer& timer = found->second;
  state_.deadlines_.erase(DueOf(timer));
  state_.items_bytes_ -= timer.bytes;
  const auto by_id = state_.timer_ids_.find(timer.started.timer_id());
  if (by_id != state_.timer_ids_.end() && by_id->second == started_event_id) state_.timer_ids_.erase(by_id);
  state_.timers_.erase(found);
}

void StateEditor::AddChild(engine::v1::PendingChild initiated) {
  const EventId id = initiated.initiated_event_id();
  OpenChild child{.initiated = std::move(initiated)};
  child.bytes = FramedSize(child.initiated);
  state_.items_bytes_ += child.bytes;
  const bool is_new = state_.children_.emplace(id, std::move(child)).second;
  WFE_CHECK(is_new, "an event initiates one child");
}

void StateEditor::SetChildStarted(EventId initiated_event_id, EventId started_event_id) {
  const auto found = state_.children_.find(initiated_event_id);
  WFE_CHECK(found != state_.children_.end(), "a child that starts is open");
  OpenChild& child = found->second;
  child.initiated.set_started_event_id(started_event_id);
  const int64_t bytes = FramedSize(child.initiated);
  state_.items_bytes_ += bytes - std::exchange(child.bytes, bytes);
}

void StateEditor::RemoveChild(EventId initiated_event_id) {
  const auto found = state_.children_.find(initiated_event_id);
  if (found == state_.children_.end()) return;
  state_.items_bytes_ -= found->second.bytes;
  state_.children_.erase(found);
}

void StateEditor::AddExternal(engine::v1::PendingExternal initiated) {
  const EventId id = initiated.initiated_event_id();
  OpenExternal external{.initiated = std::move(initiated)};
  external.bytes = FramedSize(external.initiated);
  state_.items_bytes_ += external.bytes;
  const bool is_new = state_.externals_.emplace(id, std::move(external)).second;
  WFE_CHECK(is_new, "an event initiates one request");
}

void StateEditor::RemoveExternal(EventId initiated_event_id) {
  const auto found = state_.externals_.find(initiated_event_id);
  if (found == state_.externals_.end()) return;
  state_.items_bytes_ -= found->second.bytes;
  state_.externals_.erase(found);
}

void StateEditor::SetFiringBuffered(EventId started_event_id, bool buffered) {
  const auto found = state_.timers_.find(started_event_id);
  if (found == state_.timers_.end()) return;
  found->second.firing_buffered = buffered;
  if (buffered) {
    state_.deadlines_.erase(DueOf(found->second));
  } else {
    state_.deadlines_.insert(DueOf(found->second));
  }
}

void StateEditor::CountBuffered(const HistoryEvent& event, int sign) {
  EventBuffer& buffer = state_.buffer_;
  buffer.bytes += sign * static_cast<int64_t>(event.ByteSizeLong());
  const bool buffered = sign > 0;
  if (event.has_workflow_execution_signaled_event_attributes()) {
    buffer.signals += sign;
  } else if (event.has_workflow_execution_cancel_requested_event_attributes()) {
    buffer.cancel_requested = buffered;
  } else if (event.has_timer_fired_event_attributes()) {
    SetFiringBuffered(event.timer_fired_event_attributes().started_event_id(), buffered);
  } else if (const ChildEvent child = ChildOf(event); child.initiated_event_id != 0) {
    const auto found = state_.children_.find(child.initiated_event_id);
    if (found == state_.children_.end()) return;
    // A start that failed is the child's end as well.
    const bool failed = event.has_start_child_workflow_execution_failed_event_attributes();
    if (child.closes || failed) found->second.close_buffered = buffered;
    if (!child.closes) found->second.start_buffered = buffered;
  } else if (const EventId request = ExternalOf(event); request != 0) {
    const auto found = state_.externals_.find(request);
    if (found != state_.externals_.end()) found->second.answer_buffered = buffered;
  } else if (const EventId id = ActivityOf(event); id != 0 && state_.activities_.contains(id)) {
    EditActivity(id, [&](OpenActivity& activity) { activity.close_buffered = buffered; });
  }
}

void StateEditor::Buffer(HistoryEvent event) {
  CountBuffered(event, 1);
  state_.buffer_.events.push_back(std::move(event));
}

void StateEditor::ClearBuffer() {
  for (const HistoryEvent& event : state_.buffer_.events) CountBuffered(event, -1);
  state_.buffer_ = EventBuffer();
}

void StateEditor::DropFiring(EventId started_event_id) {
  std::erase_if(state_.buffer_.events, [&](const HistoryEvent& event) {
    const bool it_is = event.has_timer_fired_event_attributes() &&
                       event.timer_fired_event_attributes().started_event_id() == started_event_id;
    if (it_is) CountBuffered(event, -1);
    return it_is;
  });
}

void StateEditor::Close() {
  state_.activities_.clear();
  state_.activity_ids_.clear();
  state_.timers_.clear();
  state_.timer_ids_.clear();
  state_.deadlines_.clear();
  state_.children_.clear();
  state_.externals_.clear();
  state_.buffer_ = EventBuffer();
  state_.items_bytes_ = 0;
  CountFolded();
}

}  // namespace wfe::history
