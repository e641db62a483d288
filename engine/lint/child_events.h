// What a parent's history tells about its children, and what a run tells about its parent.  Private to engine/lint.
#pragma once

#include <optional>
#include <string>

#include "engine/lint/history_view.h"

namespace wfe::lint {

/// What an event tells about a child that an earlier event initiated.
struct ChildEvent {
  EventId initiated_event_id = 0;
  std::optional<EventId> started_event_id;  ///< Of a closing event.
  std::string ns;
  std::string workflow_id;
  std::string run_id;  ///< Empty when the child has not started.
  std::string workflow_type;
};

/// nullopt for events that are about no child, and for the one that initiates it.
std::optional<ChildEvent> ChildEventOf(const HistoryEvent& event);

/// The closing event of a child whose own history ends with this one; UNSPECIFIED for one that does not end a chain.
EventType ToldToTheParent(EventType closing);

}  // namespace wfe::lint
