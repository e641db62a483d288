#include "workers/core/activity_machine.h"

#include "engine/base/proto_time.h"
#include "workers/core/payload_codec.h"
#include "workers/core/result_caching.h"

namespace wfe::core {

command_pb::Command ActivityMachine::ToCommand() const {
  command_pb::Command command;
  command.set_command_type(enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK);
  auto& a = *command.mutable_schedule_activity_task_command_attributes();
  a.set_activity_id(command_.activity_id);
  a.mutable_activity_type()->set_name(command_.activity_type);
  a.mutable_task_queue()->set_name(command_.task_queue);
  a.mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  input_ = EncodePayloads(command_.input);
  *a.mutable_input() = input_;
  const auto set = [](Duration duration, auto mutable_field) {
    if (duration > Duration::zero()) *mutable_field() = ToProto(duration);
  };
  set(command_.schedule_to_close, [&] { return a.mutable_schedule_to_close_timeout(); });
  set(command_.schedule_to_start, [&] { return a.mutable_schedule_to_start_timeout(); });
  set(command_.start_to_close, [&] { return a.mutable_start_to_close_timeout(); });
  set(command_.heartbeat, [&] { return a.mutable_heartbeat_timeout(); });
  set(command_.retry_initial_interval, [&] { return a.mutable_retry_policy()->mutable_initial_interval(); });
  set(command_.retry_maximum_interval, [&] { return a.mutable_retry_policy()->mutable_maximum_interval(); });
  if (command_.retry_backoff_coefficient != 0) {
    a.mutable_retry_policy()->set_backoff_coefficient(command_.retry_backoff_coefficient);
  }
  if (command_.retry_maximum_attempts != 0) {
    a.mutable_retry_policy()->set_maximum_attempts(command_.retry_maximum_attempts);
  }
  for (const std::string& type : command_.retry_non_retryable_types) {
    a.mutable_retry_policy()->add_non_retryable_error_types(type);
  }
  if (command_.cache.ttl > Duration::zero()) AskForCaching(command_.cache, *a.mutable_header());
  a.set_request_eager_execution(eager_ && command_.allow_eager);
  return command;
}

std::optional<Difference> ActivityMachine::Compare(const history_pb::HistoryEvent& event) const {
  const auto& a = event.activity_task_scheduled_event_attributes();
  if (a.activity_type().name() != command_.activity_type) {
    return Difference{"activity type", a.activity_type().name(), command_.activity_type};
  }
  if (a.activity_id() != command_.activity_id) return Difference{"activity id", a.activity_id(), command_.activity_id};
  return std::nullopt;
}

std::optional<Difference> ActivityMachine::CompareValues(const history_pb::HistoryEvent& event) const {
  const auto& recorded = event.activity_task_scheduled_event_attributes().input();
  if (SameData(recorded, input_)) return std::nullopt;
  return Difference{"input", Fingerprint(recorded), Fingerprint(input_)};
}

void ActivityMachine::Recorded(const history_pb::HistoryEvent& event) {
  On(ActivityInput::kRecorded);
  scheduled_event_id_ = event.event_id();
  command_.input = nullptr;
  input_.Clear();
}

std::string ActivityMachine::Describe() const {
  return "ScheduleActivityTask(activity type=" + command_.activity_type + ", activity id=" + command_.activity_id + ")";
}

bool ActivityMachine::On(ActivityInput input) {
  for (const ActivityTransition& transition : kActivityTransitions) {
    if (transition.from == state_ && transition.on == input) {
      state_ = transition.to;
      return true;
    }
  }
  return false;
}

command_pb::Command CancelActivityMachine::ToCommand() const {
  command_pb::Command command;
  command.set_command_type(enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK);
  command.mutable_request_cancel_activity_task_command_attributes()->set_scheduled_event_id(
      activity_->scheduled_event_id());
  return command;
}

std::optional<Difference> CancelActivityMachine::Compare(const history_pb::HistoryEvent& event) const {
  const int64_t expected = event.activity_task_cancel_requested_event_attributes().scheduled_event_id();
  if (expected == activity_->scheduled_event_id()) return std::nullopt;
  return Difference{"scheduled event id", std::to_string(expected), std::to_string(activity_->scheduled_event_id())};
}

std::string CancelActivityMachine::Describe() const {
  return "RequestCancelActivityTask(scheduled event id=" + std::to_string(activity_->scheduled_event_id()) + ")";
}

}  // namespace wfe::core
