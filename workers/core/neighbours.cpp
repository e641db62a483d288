#include "workers/core/neighbours.h"

#include "workers/core/failure_codec.h"
#include "workers/core/payload_codec.h"

namespace wfe::core {

namespace {

using Event = history_pb::HistoryEvent;

/// The event that initiated what this one is about; nullopt: it is not about another workflow.
std::optional<int64_t> InitiatedOf(const Event& event) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED:
      return event.start_child_workflow_execution_failed_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
      return event.child_workflow_execution_started_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED:
      return event.child_workflow_execution_completed_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED:
      return event.child_workflow_execution_failed_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED:
      return event.child_workflow_execution_canceled_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT:
      return event.child_workflow_execution_timed_out_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED:
      return event.child_workflow_execution_terminated_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:
      return event.signal_external_workflow_execution_failed_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED:
      return event.external_workflow_execution_signaled_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:
      return event.request_cancel_external_workflow_execution_failed_event_attributes().initiated_event_id();
    case enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
      return event.external_workflow_execution_cancel_requested_event_attributes().initiated_event_id();
    default:
      return std::nullopt;
  }
}

bool IsAboutChild(enums::EventType type) {
  return type >= enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED &&
         type <= enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED;
}

sdk::ChildWorkflowFailure::Data DataOf(const ChildMachine& child, const std::string& ns, enums::RetryState retry_state,
                                       const failure_pb::Failure& cause) {
  return {.ns = ns,
          .workflow_id = child.workflow_id(),
          .run_id = child.run_id(),
          .workflow_type = child.workflow_type(),
          .initiated_event_id = child.initiated_event_id(),
          .started_event_id = child.started_event_id(),
          .retry_state = static_cast<sdk::RetryState>(retry_state),
          .cause = DecodeFailure(cause)};
}

sdk::ChildStartFailure StartFailureOf(const Event& event, const ChildMachine& child, const std::string& ns) {
  using Reason = sdk::ChildStartFailure::Reason;
  const auto [reason, type, message] = [&]() -> std::tuple<Reason, std::string, std::string> {
    switch (event.start_child_workflow_execution_failed_event_attributes().cause()) {
      case enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS:
        return {Reason::kAlreadyStarted, "WorkflowExecutionAlreadyStarted", "a workflow of that id exists already"};
      case enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND:
        return {Reason::kNamespaceNotFound, "NamespaceNotFound", "its namespace does not exist"};
      default:
        return {Reason::kOther, "ChildStartFailure", "the engine gives no reason"};
    }
  }();
  failure_pb::Failure cause = MakeFailure(message, type);
  cause.mutable_application_failure_info()->set_non_retryable(true);
  return {reason, DataOf(child, ns, enums::RETRY_STATE_NON_RETRYABLE_FAILURE, cause)};
}

sdk::ChildResolution CompletionOf(const Event& event, const ChildMachine& child, const std::string& ns) {
  auto result = DecodePayloads(event.child_workflow_execution_completed_event_attributes().result());
  if (result.has_value()) return sdk::ChildCompleted{std::move(result.value())};
  // As if the child had failed with it: the code decides, and its task does not fail for ever (SEC-M10).
  failure_pb::Failure cause =
      MakeFailure("the result of " + child.workflow_type() + " cannot be read: " + result.error().message,
                  "INVALID_RESULT");
  cause.mutable_application_failure_info()->set_non_retryable(true);
  return sdk::ChildWorkflowFailure(DataOf(child, ns, enums::RETRY_STATE_NON_RETRYABLE_FAILURE, cause));
}

/// How a child that had started ended.
sdk::ChildResolution EndOf(const Event& event, const ChildMachine& child, const std::string& ns) {
  enums::RetryState retry_state = enums::RETRY_STATE_NON_RETRYABLE_FAILURE;
  failure_pb::Failure cause;
  switch (event.event_type()) {
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED:
      return CompletionOf(event, child, ns);
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED:
      retry_state = event.child_workflow_execution_failed_event_attributes().retry_state();
      cause = event.child_workflow_execution_failed_event_attributes().failure();
      break;
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT:
      retry_state = event.child_workflow_execution_timed_out_event_attributes().retry_state();
      cause.set_message("the child workflow timed out");
      cause.mutable_timeout_failure_info()->set_timeout_type(enums::TIMEOUT_TYPE_START_TO_CLOSE);
      break;
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED:
      cause.set_message("the child workflow was terminated");
      cause.mutable_terminated_failure_info();
      break;
    default: {
      cause.set_message("the child workflow was cancelled");
      auto& info = *cause.mutable_canceled_failure_info();
      const auto& a = event.child_workflow_execution_canceled_event_attributes();
      if (a.has_details()) *info.mutable_details() = a.details();
    }
  }
  return sdk::ChildWorkflowFailure(DataOf(child, ns, retry_state, cause));
}

sdk::ExternalWorkflowFailure::Reason ReasonOf(const Event& event) {
  using Reason = sdk::ExternalWorkflowFailure::Reason;
  if (event.event_type() == enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED) {
    switch (event.signal_external_workflow_execution_failed_event_attributes().cause()) {
      case enums::SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND:
        return Reason::kNotFound;
      case enums::SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND:
        return Reason::kNamespaceNotFound;
      case enums::SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_SIGNAL_COUNT_LIMIT_EXCEEDED:
        return Reason::kTooManySignals;
      default:
        return Reason::kOther;
    }
  }
  switch (event.request_cancel_external_workflow_execution_failed_event_attributes().cause()) {
    case enums::CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND:
      return Reason::kNotFound;
    case enums::CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND:
      return Reason::kNamespaceNotFound;
    default:
      return Reason::kOther;
  }
}

}  // namespace

// ---- Code out -----------------------------------------------------------------------------------------------------

std::shared_ptr<CommandMachine> Neighbours::StartChild(sdk::ChildCommand command, int64_t task) {
  const uint64_t seq = command.seq;
  auto child = std::make_shared<ChildMachine>(std::move(command), task);
  children_.emplace(seq, child);
  return child;
}

std::shared_ptr<CommandMachine> Neighbours::WithdrawChild(uint64_t seq, int64_t task) {
  const auto found = children_.find(seq);
  if (found == children_.end() || !found->second->Unsent(task)) return nullptr;
  std::shared_ptr<CommandMachine> child = std::move(found->second);
  children_.erase(found);
  return child;
}

std::shared_ptr<CommandMachine> Neighbours::RequestCancelChild(uint64_t seq, const std::string& reason, int64_t task) {
  const auto found = children_.find(seq);
  if (found == children_.end() || found->second->state() != ChildState::kStarted) return nullptr;
  // Without a run id: the child may have continued as new.
  sdk::ExternalCancelCommand command;
  command.workflow_id = found->second->workflow_id();
  command.child_only = true;
  command.reason = reason;
  return std::make_shared<ExternalCancelMachine>(std::move(command), seq, task);
}

std::shared_ptr<CommandMachine> Neighbours::Signal(sdk::ExternalSignalCommand command, int64_t task) {
  const uint64_t seq = command.seq;
  auto machine = std::make_shared<ExternalSignalMachine>(std::move(command), task);
  requests_.emplace(seq, machine);
  return machine;
}

std::shared_ptr<CommandMachine> Neighbours::Cancel(sdk::ExternalCancelCommand command, int64_t task) {
  const uint64_t seq = command.seq;
  auto machine = std::make_shared<ExternalCancelMachine>(std::move(command), /*child=*/0, task);
  requests_.emplace(seq, machine);
  return machine;
}

std::shared_ptr<CommandMachine> Neighbours::WithdrawRequest(uint64_t seq, int64_t task) {
  const auto found = requests_.find(seq);
  if (found == requests_.end() || !found->second->Unsent(task)) return nullptr;
  std::shared_ptr<CommandMachine> machine = std::move(found->second);
  requests_.erase(found);
  return machine;
}

// ---- History in ---------------------------------------------------------------------------------------------------

void Neighbours::Recorded(const std::shared_ptr<CommandMachine>& machine, const Event& event) {
  // Each of these events comes from its own kind of machine only.
  switch (event.event_type()) {
    case enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
      children_by_event_.emplace(event.event_id(), std::static_pointer_cast<ChildMachine>(machine));
      return;
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
      requests_by_event_.emplace(event.event_id(), std::static_pointer_cast<ExternalMachine>(machine));
      return;
    default:
      return;
  }
}

bool Neighbours::IsAnswer(enums::EventType type) {
  Event event;
  event.set_event_type(type);
  return InitiatedOf(event).has_value();
}

std::optional<std::string> Neighbours::Answer(const Event& event, const std::string& ns,
                                              sdk::WorkflowInstance& instance) {
  const int64_t initiated = InitiatedOf(event).value_or(0);
  return IsAboutChild(event.event_type()) ? AnswerChild(event, initiated, ns, instance)
                                          : AnswerRequest(event, initiated, instance);
}

std::optional<std::string> Neighbours::AnswerChild(const Event& event, int64_t initiated, const std::string& ns,
                                                   sdk::WorkflowInstance& instance) {
  const auto found = children_by_event_.find(initiated);
  if (found == children_by_event_.end()) {
    return "is about a child that event " + std::to_string(initiated) + " did not initiate, or that has ended";
  }
  const std::shared_ptr<ChildMachine> child = found->second;
  if (event.event_type() == enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED) {
    if (!child->On(ChildInput::kStart)) return "starts child " + child->workflow_id() + " a second time";
    child->Started(event.child_workflow_execution_started_event_attributes().workflow_execution().run_id(),
                   event.event_id());
    instance.ChildStarted(child->seq(), child->run_id());
    return std::nullopt;
  }
  const bool never_began = event.event_type() == enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED;
  if (!child->On(never_began ? ChildInput::kStartFail : ChildInput::kClose)) {
    return "ends child " + child->workflow_id() + (never_began ? ", which had started" : ", which had not started");
  }
  children_by_event_.erase(found);
  children_.erase(child->seq());
  instance.ChildResolved(child->seq(), never_began ? sdk::ChildResolution(StartFailureOf(event, *child, ns))
                                                   : EndOf(event, *child, ns));
  return std::nullopt;
}

std::optional<std::string> Neighbours::AnswerRequest(const Event& event, int64_t initiated,
                                                     sdk::WorkflowInstance& instance) {
  const auto found = requests_by_event_.find(initiated);
  if (found == requests_by_event_.end()) {
    return "answers a request that event " + std::to_string(initiated) + " did not initiate, or that was answered";
  }
  const std::shared_ptr<ExternalMachine> request = found->second;
  requests_by_event_.erase(found);
  request->On(ExternalInput::kAnswer);
  const bool reached = event.event_type() == enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED ||
                       event.event_type() == enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED;
  const auto* cancel = dynamic_cast<const ExternalCancelMachine*>(request.get());
  if (cancel != nullptr && cancel->child() != 0) {
    // One that did not arrive came too late: the end of the child says all.
    if (reached) instance.ChildCancelRequested(cancel->child());
    return std::nullopt;
  }
  const sdk::ExternalCommand& target = request->target();
  requests_.erase(target.seq);
  std::optional<sdk::ExternalWorkflowFailure> failure;
  if (!reached) {
    failure.emplace(sdk::ExternalWorkflowFailure::Data{.what = request->What(),
                                                       .workflow_id = target.workflow_id,
                                                       .run_id = target.run_id,
                                                       .initiated_event_id = initiated,
                                                       .reason = ReasonOf(event)});
  }
  instance.ExternalResolved(target.seq, std::move(failure));
  return std::nullopt;
}

std::string Neighbours::ToString() const {
  std::string text;
  for (const auto& [seq, child] : children_) {
    text += "    child workflow " + child->workflow_type() + " (id " + child->workflow_id() +
            (child->state() == ChildState::kStarted ? ")\n" : ", not started yet)\n");
  }
  for (const auto& [seq, request] : requests_) {
    text += "    " + request->What() + " for workflow " + request->target().workflow_id + "\n";
  }
  return text;
}

}  // namespace wfe::core
