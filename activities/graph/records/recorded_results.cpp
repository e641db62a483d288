#include "activities/graph/records/recorded_results.h"

#include <optional>

#include "activities/graph/records/payload_value.h"
#include "engine/base/proto_time.h"

namespace wfe::graph {
namespace {

using nlohmann::json;
using temporal::api::common::v1::Payloads;

/// An activity or child that has begun.
struct Open {
  std::string type;
  std::optional<json> input;
  Instant begun;
};

}  // namespace

void RecordedResults::Add(const temporal::api::history::v1::History& history) {
  std::map<int64_t, Open> open;  // by the event that began it
  const auto end = [&](int64_t began, const Payloads& payloads, Instant at) {
    const auto found = open.find(began);
    if (found == open.end() || !found->second.input) return;
    std::optional<json> result = ValueOf(payloads);
    if (!result) return;
    RecordedResult recorded;
    recorded.activity = found->second.type;
    recorded.input_sha256 = InputHash(*found->second.input);
    recorded.result = *std::move(result);
    recorded.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(at - found->second.begun).count();
    const auto key = std::pair(recorded.activity, recorded.input_sha256);
    const auto [first, is_new] = by_input_.try_emplace(key, recorded);
    if (is_new) return;
    ++repeats_;
    if (first->second.result != recorded.result) ++contradictions_;
  };
  for (const auto& event : history.events()) {
    const Instant at = FromProto(event.event_time());
    if (event.has_activity_task_scheduled_event_attributes()) {
      const auto& a = event.activity_task_scheduled_event_attributes();
      open[event.event_id()] = {a.activity_type().name(), ValueOf(a.input()), at};
    } else if (event.has_activity_task_started_event_attributes()) {
      // The time in the queue is not the activity's own.
      const auto found = open.find(event.activity_task_started_event_attributes().scheduled_event_id());
      if (found != open.end()) found->second.begun = at;
    } else if (event.has_activity_task_completed_event_attributes()) {
      const auto& a = event.activity_task_completed_event_attributes();
      end(a.scheduled_event_id(), a.result(), at);
    } else if (event.has_start_child_workflow_execution_initiated_event_attributes()) {
      const auto& a = event.start_child_workflow_execution_initiated_event_attributes();
      open[event.event_id()] = {a.workflow_type().name(), ValueOf(a.input()), at};
    } else if (event.has_child_workflow_execution_completed_event_attributes()) {
      const auto& a = event.child_workflow_execution_completed_event_attributes();
      end(a.initiated_event_id(), a.result(), at);
    }
  }
}

std::vector<RecordedResult> RecordedResults::All() const {
  std::vector<RecordedResult> all;
  for (const auto& [key, result] : by_input_) all.push_back(result);
  return all;
}

}  // namespace wfe::graph
