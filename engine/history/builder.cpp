#include "engine/history/builder.h"

#include <algorithm>
#include <utility>

#include "engine/base/proto_time.h"
#include "engine/history/buffered.h"
#include "engine/history/obligations.h"
#include "engine/history/state_edit.h"

namespace wfe::history {

HistoryEvent NewEvent(enums::EventType type) {
  HistoryEvent event;
  event.set_event_type(type);
  return event;
}

Builder::Builder(MutableState& state, Instant now, const Limits& limits)
    : state_(state), now_(now), limits_(limits), was_open_(state.IsOpen()) {}

Instant Builder::EventTime() const {
  if (!state().folded().has_last_event_time()) return now_;
  return std::max(now_, FromProto(state().folded().last_event_time()));
}

EventId Builder::Append(HistoryEvent event) { return AppendAt(std::move(event), EventTime()); }

EventId Builder::AppendAt(HistoryEvent event, Instant time) {
  const EventId id = state().folded().next_event_id();
  event.set_event_id(id);
  *event.mutable_event_time() = ToProto(time);
  OweAtClose(*this, event);
  Apply(state_, event);
  transition_.events.push_back(std::move(event));
  durable_ = true;
  return id;
}

void Builder::Record(Note note) {
  Apply(state_, note);
  if (IsVolatile(note)) return;
  durable_ = true;
  transition_.notes.push_back({.events_before = transition_.events.size(), .note = std::move(note)});
}

void Builder::Happen(HistoryEvent event) {
  if (state().workflow_task().started.has_value()) {
    Record(note::EventBuffered{std::move(event)});
  } else {
    Append(std::move(event));
  }
  AskForWorkflowTask();
}

void Builder::HappenToActivity(std::optional<HistoryEvent> started, Instant started_time, HistoryEvent closed) {
  if (state().workflow_task().started.has_value()) {
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

Transition Joined(Transition first, Transition second) {
  WFE_CHECK(first.owed.empty(), "what is owed is numbered by the last transition of a commit");
  for (PlacedNote& placed : second.notes) placed.events_before += first.events.size();
  const auto append = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  append(first.events, second.events);
  append(first.notes, second.notes);
  append(first.effects, second.effects);
  second.events = std::move(first.events);
  second.notes = std::move(first.notes);
  second.effects = std::move(first.effects);
  second.needs_commit = second.needs_commit || first.needs_commit;
  // They are stored as one, so they count as one.
  auto& bookkeeping = StateEditor(second.next).bookkeeping();
  bookkeeping.set_state_transition_count(bookkeeping.state_transition_count() - 1);
  return second;
}

}  // namespace wfe::history
