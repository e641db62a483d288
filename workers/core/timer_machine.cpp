#include "workers/core/timer_machine.h"

#include "engine/base/proto_time.h"
#include "workers/core/payload_codec.h"

namespace wfe::core {

command_pb::Command TimerMachine::ToCommand() const {
  command_pb::Command command;
  command.set_command_type(enums::COMMAND_TYPE_START_TIMER);
  auto& a = *command.mutable_start_timer_command_attributes();
  a.set_timer_id(id_);
  *a.mutable_start_to_fire_timeout() = ToProto(duration_);
  return command;
}

std::optional<Difference> TimerMachine::Compare(const history_pb::HistoryEvent& event) const {
  const std::string& expected = event.timer_started_event_attributes().timer_id();
  if (expected == id_) return std::nullopt;
  return Difference{"timer id", expected, id_};
}

std::optional<Difference> TimerMachine::CompareValues(const history_pb::HistoryEvent& event) const {
  const Duration recorded = FromProto(event.timer_started_event_attributes().start_to_fire_timeout());
  if (recorded == duration_) return std::nullopt;
  const auto text = [](Duration duration) { return std::to_string(duration.count()) + " ns"; };
  return Difference{"duration", text(recorded), text(duration_)};
}

bool TimerMachine::On(TimerInput input) {
  for (const TimerTransition& transition : kTimerTransitions) {
    if (transition.from == state_ && transition.on == input) {
      state_ = transition.to;
      return true;
    }
  }
  return false;
}

command_pb::Command CancelTimerMachine::ToCommand() const {
  command_pb::Command command;
  command.set_command_type(enums::COMMAND_TYPE_CANCEL_TIMER);
  command.mutable_cancel_timer_command_attributes()->set_timer_id(timer_id_);
  return command;
}

std::optional<Difference> CancelTimerMachine::Compare(const history_pb::HistoryEvent& event) const {
  const std::string& expected = event.timer_canceled_event_attributes().timer_id();
  if (expected == timer_id_) return std::nullopt;
  return Difference{"timer id", expected, timer_id_};
}

}  // namespace wfe::core
