// H1, H2: the shape of a history as a list.
#include <algorithm>
#include <array>

#include "engine/lint/rule.h"

namespace wfe::lint {
namespace {

namespace enums = temporal::api::enums::v1;

/// The oneof member that belongs to a type is named after it: EVENT_TYPE_TIMER_FIRED, timer_fired_event_attributes.
bool AttributesMatchType(const HistoryEvent& event) {
  const auto* descriptor = HistoryEvent::descriptor();
  const auto* field = descriptor->FindFieldByNumber(static_cast<int>(event.attributes_case()));
  if (field == nullptr) return false;
  std::string expected(TypeName(event));
  std::transform(expected.begin(), expected.end(), expected.begin(),
                 [](char c) { return c == '_' ? c : c - 'A' + 'a'; });
  return field->name() == expected + "_event_attributes";
}

void IdsAreDense(const HistoryView& history, Report& report) {
  if (history.events().empty()) {
    report.Add(0, "the history is empty");
    return;
  }
  EventId expected = 1;
  for (const HistoryEvent& event : history.events()) {
    const bool first = expected == 1;
    if (event.event_id() != expected) report.Add(event, "expected event id " + std::to_string(expected));
    if (first != event.has_workflow_execution_started_event_attributes()) {
      report.Add(event,
                 first ? "the first event must be WORKFLOW_EXECUTION_STARTED" : "only the first event may be this");
    }
    if (!enums::EventType_IsValid(event.event_type()) || event.event_type() == enums::EVENT_TYPE_UNSPECIFIED) {
      // S53: what we do not know we must not pass over, unless its writer says that we may.
      if (!event.worker_may_ignore()) report.Add(event, "unknown type " + std::to_string(event.event_type()));
    } else if (!AttributesMatchType(event)) {
      report.Add(event, "its attributes are those of another type");
    }
    if (!event.has_event_time()) report.Add(event, "it has no time");
    expected = event.event_id() + 1;
  }
}

/// When the workflow task that ended last had started: events that arrived since then were kept back until it ended.
/// Some servers write the next task's Scheduled event before them, so the window lasts until that one starts.
class ArrivalWindow {
 public:
  void See(const HistoryEvent& event) {
    if (event.has_workflow_task_started_event_attributes()) {
      started_ = TimeOf(event);
      open_ = false;
    } else if (IsWorkflowTaskEvent(event.event_type()) && !event.has_workflow_task_scheduled_event_attributes()) {
      open_ = started_.has_value();
    }
  }
  /// The event may carry the time at which it arrived while the task was out.
  bool Contains(const HistoryEvent& event) const {
    return open_ && !CommandedBy(event) && !IsWorkflowTaskEvent(event.event_type()) && TimeOf(event) >= *started_;
  }

 private:
  std::optional<Instant> started_;
  bool open_ = false;
};

/// An answer of a Nexus operation's handler carries a time that comes in an HTTP header, which has whole seconds.
bool IsInWholeSeconds(const HistoryView& history, const HistoryEvent& event) {
  const EventId scheduled = NexusScheduledEventId(event);
  const HistoryEvent* const asked = scheduled == 0 ? nullptr : history.Find(scheduled);
  const Instant time = TimeOf(event);
  const Instant second = std::chrono::floor<std::chrono::seconds>(time);
  return asked != nullptr && time == second && time >= std::chrono::floor<std::chrono::seconds>(TimeOf(*asked));
}

void TimesNeverDecrease(const HistoryView& history, Report& report) {
  Instant latest = Instant::min();
  ArrivalWindow arrivals;
  for (const HistoryEvent& event : history.events()) {
    const Instant time = TimeOf(event);
    arrivals.See(event);
    if (event.has_activity_task_started_event_attributes()) {
      // Written late, with the time the attempt really started.
      const HistoryEvent* scheduled = history.Find(event.activity_task_started_event_attributes().scheduled_event_id());
      if (scheduled != nullptr && time < TimeOf(*scheduled)) {
        report.Add(event, "it lies before its Scheduled event " + std::to_string(scheduled->event_id()));
      }
      continue;
    }
    if (const auto reference = ActivityReferenceOf(event); reference && reference->started_event_id) {
      const HistoryEvent* started = history.Find(*reference->started_event_id);
      if (started != nullptr && time < TimeOf(*started)) {
        report.Add(event, "it lies before its Started event " + std::to_string(started->event_id()));
      }
    }
    const bool excused =
        history.options().foreign && (arrivals.Contains(event) || IsInWholeSeconds(history, event));
    if (time < latest && !excused) {
      report.Add(event, "its time " + FormatIso8601Millis(time) + " lies before that of an earlier event, " +
                            FormatIso8601Millis(latest));
    }
    latest = std::max(latest, time);
  }
}

constexpr auto kStructureRules = std::to_array<Rule>({
    {"H1", "the first event is WorkflowExecutionStarted; event ids are 1, 2, 3 …", IdsAreDense},
    {"H2", "event times never decrease", TimesNeverDecrease},
});

}  // namespace

std::span<const Rule> StructureRules() { return kStructureRules; }

}  // namespace wfe::lint
