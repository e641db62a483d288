// H20, H22: timers and signals.
#include <array>
#include <set>

#include "engine/lint/rule.h"

namespace wfe::lint {
namespace {

struct TimerEnd {
  EventId started_event_id = 0;
  std::string timer_id;
  bool fired = false;
};

std::optional<TimerEnd> TimerEndOf(const HistoryEvent& event) {
  if (event.has_timer_fired_event_attributes()) {
    const auto& fired = event.timer_fired_event_attributes();
    return TimerEnd{fired.started_event_id(), fired.timer_id(), true};
  }
  if (event.has_timer_canceled_event_attributes()) {
    const auto& canceled = event.timer_canceled_event_attributes();
    return TimerEnd{canceled.started_event_id(), canceled.timer_id(), false};
  }
  return std::nullopt;
}

void TimersFireOnceInTime(const HistoryView& history, Report& report) {
  std::map<std::string, EventId> open;  // timer id to started event
  std::set<EventId> ended;
  for (const HistoryEvent& event : history.events()) {
    if (event.has_timer_started_event_attributes()) {
      const std::string& id = event.timer_started_event_attributes().timer_id();
      const auto [holder, inserted] = open.try_emplace(id, event.event_id());
      if (!inserted) report.Add(event, "timer id " + id + " is open since event " + std::to_string(holder->second));
      continue;
    }
    const auto end = TimerEndOf(event);
    if (!end) continue;
    const HistoryEvent* started =
        history.FindEarlier(end->started_event_id, temporal::api::enums::v1::EVENT_TYPE_TIMER_STARTED, event);
    if (started == nullptr) {
      report.Add(event,
                 "event " + std::to_string(end->started_event_id) + ", which it names, is no earlier TIMER_STARTED");
      continue;
    }
    const auto& timer = started->timer_started_event_attributes();
    if (timer.timer_id() != end->timer_id) {
      report.Add(event, "timer id " + end->timer_id + ", but event " + std::to_string(end->started_event_id) +
                            " started " + timer.timer_id());
    }
    if (!ended.insert(end->started_event_id).second) {
      report.Add(event, "timer " + end->timer_id + " was over before");
    }
    const Instant due = TimeOf(*started) + ToDuration(timer.start_to_fire_timeout());
    if (end->fired && !history.deadlines_unknown() && TimeOf(event) + history.timer_tolerance() < due) {
      report.Add(event, "at " + FormatIso8601Millis(TimeOf(event)) + ", before it is due, " + FormatIso8601Millis(due));
    }
    open.erase(timer.timer_id());
  }
}

void SignalsAreOnce(const HistoryView& history, Report& report) {
  std::map<std::string, EventId> seen;
  for (const HistoryEvent& event : history.events()) {
    if (!event.has_workflow_execution_signaled_event_attributes()) continue;
    const std::string& id = event.workflow_execution_signaled_event_attributes().request_id();
    if (id.empty()) continue;
    const auto [first, inserted] = seen.try_emplace(id, event.event_id());
    if (!inserted) report.Add(event, "request " + id + " is already event " + std::to_string(first->second));
  }
}

constexpr auto kTimerRules = std::to_array<Rule>({
    {"H20", "a timer fires or is cancelled at most once, and never early", TimersFireOnceInTime},
    {"H22", "each accepted signal appears once", SignalsAreOnce},
});

}  // namespace

std::span<const Rule> TimerRules() { return kTimerRules; }

}  // namespace wfe::lint
