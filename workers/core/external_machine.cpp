#include "workers/core/external_machine.h"

#include "workers/core/payload_codec.h"

namespace wfe::core {

namespace {

/// Another workflow, another run of it, or a child where the history has a stranger.
template <class Attributes>
std::optional<Difference> CompareTarget(const Attributes& a, const sdk::ExternalCommand& target) {
  const auto& execution = a.workflow_execution();
  if (execution.workflow_id() != target.workflow_id) {
    return Difference{"workflow id", execution.workflow_id(), target.workflow_id};
  }
  if (execution.run_id() != target.run_id) return Difference{"run id", execution.run_id(), target.run_id};
  if (a.child_workflow_only() != target.child_only) {
    const auto text = [](bool child_only) { return child_only ? "true" : "false"; };
    return Difference{"child workflow only", text(a.child_workflow_only()), text(target.child_only)};
  }
  return std::nullopt;
}

}  // namespace

bool ExternalMachine::On(ExternalInput input) {
  for (const ExternalTransition& transition : kExternalTransitions) {
    if (transition.from == state_ && transition.on == input) {
      state_ = transition.to;
      return true;
    }
  }
  return false;
}

void ExternalMachine::Recorded(const history_pb::HistoryEvent& event) {
  On(ExternalInput::kRecorded);
  initiated_event_id_ = event.event_id();
}

command_pb::Command ExternalSignalMachine::ToCommand() const {
  command_pb::Command command;
  command.set_command_type(enums::COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION);
  auto& a = *command.mutable_signal_external_workflow_execution_command_attributes();
  a.mutable_execution()->set_workflow_id(command_.workflow_id);
  a.mutable_execution()->set_run_id(command_.run_id);
  a.set_signal_name(command_.name);
  input_ = EncodePayloads(command_.input);
  *a.mutable_input() = input_;
  a.set_child_workflow_only(command_.child_only);
  return command;
}

std::optional<Difference> ExternalSignalMachine::Compare(const history_pb::HistoryEvent& event) const {
  const auto& a = event.signal_external_workflow_execution_initiated_event_attributes();
  if (a.signal_name() != command_.name) return Difference{"signal name", a.signal_name(), command_.name};
  return CompareTarget(a, command_);
}

std::optional<Difference> ExternalSignalMachine::CompareValues(const history_pb::HistoryEvent& event) const {
  const auto& recorded = event.signal_external_workflow_execution_initiated_event_attributes().input();
  if (SameData(recorded, input_)) return std::nullopt;
  return Difference{"input", Fingerprint(recorded), Fingerprint(input_)};
}

void ExternalSignalMachine::Recorded(const history_pb::HistoryEvent& event) {
  ExternalMachine::Recorded(event);
  command_.input = nullptr;
  input_.Clear();
}

std::string ExternalSignalMachine::Describe() const {
  return "SignalExternalWorkflowExecution(workflow id=" + command_.workflow_id + ", signal name=" + command_.name + ")";
}

command_pb::Command ExternalCancelMachine::ToCommand() const {
  command_pb::Command command;
  command.set_command_type(enums::COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION);
  auto& a = *command.mutable_request_cancel_external_workflow_execution_command_attributes();
  a.set_workflow_id(command_.workflow_id);
  a.set_run_id(command_.run_id);
  a.set_child_workflow_only(command_.child_only);
  a.set_reason(command_.reason);
  return command;
}

std::optional<Difference> ExternalCancelMachine::Compare(const history_pb::HistoryEvent& event) const {
  return CompareTarget(event.request_cancel_external_workflow_execution_initiated_event_attributes(), command_);
}

std::string ExternalCancelMachine::Describe() const {
  return "RequestCancelExternalWorkflowExecution(workflow id=" + command_.workflow_id + ")";
}

}  // namespace wfe::core
