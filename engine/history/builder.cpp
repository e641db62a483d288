#include "engine/history/builder.h"

#include <algorithm>
#include <utility>

#include "engine/history/buffered.h"
#include "engine/history/proto_time.h"

namespace wfe::history {

HistoryEvent NewEvent(enums::EventType type) {
  HistoryEvent event;
  event.set_event_type(type);
  return event;
}

Builder::Builder(const MutableState& state, Instant now, const Limits& limits)
    : now_(now), limits_(limits), was_open_(state.IsOpen()) {
  transition_.next = state;
}

Instant Builder::EventTime() const {
  if (!state().folded().has_last_event_time()) return now_;
  return std::max(now_, FromProto(state().folded().last_event_time()));
}

EventId Builder::Append(HistoryEvent event) { return AppendAt(std::move(event), EventTime()); }

EventId Builder::AppendAt(HistoryEvent event, Instant time) {
  const EventId id = state().folded().next_event_id();
  event.set_event_id(id);
  *event.mutable_event_time() = ToProto(time);
  Apply(transition_.next, event);
  transition_.events.push_back(std::move(event));
  durable_ = true;
  return id;
}

void Builder::Record(const Note& note) {
  Apply(transition_.next, note);
  durable_ = durable_ || !IsVolatile(note);
}

void Builder::Happen(HistoryEvent event) {
  if (state().started_workflow_task.has_value()) {
    Record(note::EventBuffered{std::move(event)});
  } else {
    Append(std::move(event));
  }
  AskForWorkflowTask();
}

void Builder::HappenToActivity(std::optional<HistoryEvent> started, Instant started_time, HistoryEvent closed) {
  if (state().started_workflow_task.has_value()) {
    if (started.has_value()) {
      *started->mutable_event_time() = ToProto(started_time);
      Record(note::EventBuffered{*std::move(started)});
    }
    Record(note::EventBuffered{std::move(closed)});
  } else {
    if (started.has_value()) SetActivityStartedEventId(closed, AppendAt(*std::move(started), started_time));
    Append(std::move(closed));
  }
  AskForWorkflowTask();
}

}  // namespace wfe::history
