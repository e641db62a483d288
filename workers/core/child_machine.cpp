#include "workers/core/child_machine.h"

#include "engine/base/proto_time.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "workers/core/payload_codec.h"

namespace wfe::core {

namespace {

using Attributes = command_pb::StartChildWorkflowExecutionCommandAttributes;

enums::ParentClosePolicy Encode(sdk::ParentClosePolicy policy) {
  switch (policy) {
    case sdk::ParentClosePolicy::kTerminate:
      return enums::PARENT_CLOSE_POLICY_TERMINATE;
    case sdk::ParentClosePolicy::kAbandon:
      return enums::PARENT_CLOSE_POLICY_ABANDON;
    case sdk::ParentClosePolicy::kRequestCancel:
      return enums::PARENT_CLOSE_POLICY_REQUEST_CANCEL;
  }
  return enums::PARENT_CLOSE_POLICY_UNSPECIFIED;
}

enums::WorkflowIdReusePolicy Encode(sdk::WorkflowIdReusePolicy policy) {
  switch (policy) {
    case sdk::WorkflowIdReusePolicy::kAllowDuplicate:
      return enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE;
    case sdk::WorkflowIdReusePolicy::kAllowDuplicateFailedOnly:
      return enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY;
    case sdk::WorkflowIdReusePolicy::kRejectDuplicate:
      return enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE;
  }
  return enums::WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED;
}

void EncodeTimeouts(const sdk::ChildCommand& command, Attributes& a) {
  const auto set = [](Duration duration, auto mutable_field) {
    if (duration > Duration::zero()) *mutable_field() = ToProto(duration);
  };
  set(command.execution_timeout, [&] { return a.mutable_workflow_execution_timeout(); });
  set(command.run_timeout, [&] { return a.mutable_workflow_run_timeout(); });
  set(command.task_timeout, [&] { return a.mutable_workflow_task_timeout(); });
  set(command.retry_initial_interval, [&] { return a.mutable_retry_policy()->mutable_initial_interval(); });
  set(command.retry_maximum_interval, [&] { return a.mutable_retry_policy()->mutable_maximum_interval(); });
  if (command.retry_backoff_coefficient != 0) {
    a.mutable_retry_policy()->set_backoff_coefficient(command.retry_backoff_coefficient);
  }
  if (command.retry_maximum_attempts != 0) {
    a.mutable_retry_policy()->set_maximum_attempts(command.retry_maximum_attempts);
  }
  for (const std::string& type : command.retry_non_retryable_types) {
    a.mutable_retry_policy()->add_non_retryable_error_types(type);
  }
}

void EncodeLabels(const sdk::ChildCommand& command, Attributes& a) {
  if (command.memo.is_object()) {
    auto& fields = *a.mutable_memo()->mutable_fields();
    for (const auto& [name, value] : command.memo.items()) fields[name] = EncodePayload(value);
  }
  if (command.search_attributes.is_object()) {
    auto& fields = *a.mutable_search_attributes()->mutable_indexed_fields();
    for (const auto& [name, value] : command.search_attributes.items()) fields[name] = EncodePayload(value);
  }
  if (command.priority_key != 0) a.mutable_priority()->set_priority_key(command.priority_key);
  if (!command.fairness_key.empty()) a.mutable_priority()->set_fairness_key(command.fairness_key);
  if (command.fairness_weight != 0) a.mutable_priority()->set_fairness_weight(command.fairness_weight);
}

}  // namespace

command_pb::Command ChildMachine::ToCommand() const {
  command_pb::Command command;
  command.set_command_type(enums::COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION);
  auto& a = *command.mutable_start_child_workflow_execution_command_attributes();
  a.set_workflow_id(command_.workflow_id);
  a.mutable_workflow_type()->set_name(command_.workflow_type);
  a.mutable_task_queue()->set_name(command_.task_queue);
  a.mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  input_ = EncodePayloads(command_.input);
  *a.mutable_input() = input_;
  EncodeTimeouts(command_, a);
  EncodeLabels(command_, a);
  a.set_cron_schedule(command_.cron_schedule);
  a.set_parent_close_policy(Encode(command_.parent_close));
  a.set_workflow_id_reuse_policy(Encode(command_.id_reuse));
  if (!command_.static_summary.empty()) {
    *command.mutable_user_metadata()->mutable_summary() = EncodePayload(command_.static_summary);
  }
  if (!command_.static_details.empty()) {
    *command.mutable_user_metadata()->mutable_details() = EncodePayload(command_.static_details);
  }
  return command;
}

std::optional<Difference> ChildMachine::Compare(const history_pb::HistoryEvent& event) const {
  const auto& a = event.start_child_workflow_execution_initiated_event_attributes();
  if (a.workflow_type().name() != command_.workflow_type) {
    return Difference{"workflow type", a.workflow_type().name(), command_.workflow_type};
  }
  if (a.workflow_id() != command_.workflow_id) return Difference{"workflow id", a.workflow_id(), command_.workflow_id};
  return std::nullopt;
}

std::optional<Difference> ChildMachine::CompareValues(const history_pb::HistoryEvent& event) const {
  const auto& recorded = event.start_child_workflow_execution_initiated_event_attributes().input();
  if (SameData(recorded, input_)) return std::nullopt;
  return Difference{"input", Fingerprint(recorded), Fingerprint(input_)};
}

void ChildMachine::Recorded(const history_pb::HistoryEvent& event) {
  On(ChildInput::kRecorded);
  initiated_event_id_ = event.event_id();
  command_.input = nullptr;
  command_.memo = nullptr;
  command_.search_attributes = nullptr;
  input_.Clear();
}

std::string ChildMachine::Describe() const {
  return "StartChildWorkflowExecution(workflow type=" + command_.workflow_type +
         ", workflow id=" + command_.workflow_id + ")";
}

bool ChildMachine::On(ChildInput input) {
  for (const ChildTransition& transition : kChildTransitions) {
    if (transition.from == state_ && transition.on == input) {
      state_ = transition.to;
      return true;
    }
  }
  return false;
}

}  // namespace wfe::core
