#include "workers/core/terminal_machine.h"

#include "engine/base/proto_time.h"
#include "workers/core/failure_codec.h"
#include "workers/core/payload_codec.h"

namespace wfe::core {

namespace {

struct EventOf {
  enums::EventType operator()(const sdk::WorkflowCompleted&) const {
    return enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED;
  }
  enums::EventType operator()(const sdk::WorkflowCancelled&) const {
    return enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED;
  }
  enums::EventType operator()(const sdk::ContinueAsNewCommand&) const {
    return enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW;
  }
  enums::EventType operator()(const std::exception&) const { return enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED; }
};

struct Describer {
  std::string operator()(const sdk::WorkflowCompleted&) const { return "CompleteWorkflowExecution"; }
  std::string operator()(const sdk::WorkflowCancelled&) const { return "CancelWorkflowExecution"; }
  std::string operator()(const sdk::ContinueAsNewCommand&) const { return "ContinueAsNewWorkflowExecution"; }
  std::string operator()(const std::exception& failure) const {
    return std::string("FailWorkflowExecution(") + failure.what() + ")";
  }
};

}  // namespace

TerminalMachine::TerminalMachine(sdk::WorkflowOutcome outcome, const sdk::WorkflowInfo& info,
                                 const history_pb::WorkflowExecutionStartedEventAttributes& started)
    : outcome_(std::move(outcome)), info_(info), started_(started), event_type_(std::visit(EventOf{}, outcome_)) {}

command_pb::Command TerminalMachine::ToCommand() const {
  command_pb::Command command;
  std::visit([&](const auto& each) { Fill(command, each); }, outcome_);
  return command;
}

void TerminalMachine::Fill(command_pb::Command& command, const sdk::WorkflowCompleted& completed) const {
  command.set_command_type(enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION);
  *command.mutable_complete_workflow_execution_command_attributes()->mutable_result() =
      EncodePayloads(completed.result);
}

void TerminalMachine::Fill(command_pb::Command& command, const sdk::WorkflowCancelled& cancelled) const {
  command.set_command_type(enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION);
  auto& a = *command.mutable_cancel_workflow_execution_command_attributes();
  if (!cancelled.details.is_null()) *a.mutable_details() = EncodePayloads(cancelled.details);
}

void TerminalMachine::Fill(command_pb::Command& command, const sdk::ContinueAsNewCommand& next) const {
  command.set_command_type(enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION);
  auto& a = *command.mutable_continue_as_new_workflow_execution_command_attributes();
  a.mutable_workflow_type()->set_name(next.workflow_type.empty() ? info_.workflow_type : next.workflow_type);
  a.mutable_task_queue()->set_name(next.task_queue.empty() ? info_.task_queue : next.task_queue);
  *a.mutable_input() = EncodePayloads(next.input);
  if (next.run_timeout > Duration::zero()) *a.mutable_workflow_run_timeout() = ToProto(next.run_timeout);
  if (next.task_timeout > Duration::zero()) *a.mutable_workflow_task_timeout() = ToProto(next.task_timeout);
  a.set_initiator(enums::CONTINUE_AS_NEW_INITIATOR_WORKFLOW);
  // The engine carries memo and search attributes (S84); these two it takes from the command.
  if (started_.has_retry_policy()) *a.mutable_retry_policy() = started_.retry_policy();
  if (started_.has_header()) *a.mutable_header() = started_.header();
}

template <class Failure>
void TerminalMachine::Fill(command_pb::Command& command, const Failure& failure) const {
  command.set_command_type(enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION);
  *command.mutable_fail_workflow_execution_command_attributes()->mutable_failure() = EncodeFailure(failure);
}

bool TerminalMachine::MayBecome(const history_pb::HistoryEvent& event) const {
  if (event.event_type() == event_type_) return true;
  if (event.event_type() != enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW) return false;
  const auto initiator = event.workflow_execution_continued_as_new_event_attributes().initiator();
  const bool failed = event_type_ == enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED;
  const bool completed = event_type_ == enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED;
  return (initiator == enums::CONTINUE_AS_NEW_INITIATOR_RETRY && failed) ||
         (initiator == enums::CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE && (failed || completed));
}

std::string TerminalMachine::Describe() const { return std::visit(Describer{}, outcome_); }

}  // namespace wfe::core
