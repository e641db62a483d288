// Answers to what a run owes, and what others owe to it: how its children started and ended, whether its signals and
// cancel requests arrived.
#include <utility>

#include "engine/history/finish.h"
#include "engine/history/handlers.h"
#include "engine/history/obligations.h"

namespace wfe::history {
namespace {

using Answered = ObligationAnswered;

common::WorkflowExecution ExecutionOf(const std::string& workflow_id, const std::string& run_id) {
  common::WorkflowExecution execution;
  execution.set_workflow_id(workflow_id);
  execution.set_run_id(run_id);
  return execution;
}

HistoryEvent ChildStarted(const Obligation::StartChild& duty) {
  const auto& initiated = duty.initiated();
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED);
  auto& started = *event.mutable_child_workflow_execution_started_event_attributes();
  started.set_namespace_(initiated.namespace_());
  started.set_initiated_event_id(duty.initiated_event_id());
  *started.mutable_workflow_execution() = ExecutionOf(initiated.workflow_id(), duty.run_id());
  *started.mutable_workflow_type() = initiated.workflow_type();
  if (initiated.has_header()) *started.mutable_header() = initiated.header();
  return event;
}

HistoryEvent ChildNotStarted(const Obligation::StartChild& duty, Refusal refusal) {
  const auto& initiated = duty.initiated();
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED);
  auto& failed = *event.mutable_start_child_workflow_execution_failed_event_attributes();
  failed.set_namespace_(initiated.namespace_());
  failed.set_workflow_id(initiated.workflow_id());
  *failed.mutable_workflow_type() = initiated.workflow_type();
  failed.set_cause(refusal == Refusal::kAlreadyExists
                       ? enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS
                       : enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND);
  failed.set_control(initiated.control());
  failed.set_initiated_event_id(duty.initiated_event_id());
  return event;
}

HistoryEvent SignalAnswer(const Obligation& obligation, Refusal refusal) {
  const auto& duty = obligation.signal();
  const auto& initiated = duty.initiated();
  if (refusal == Refusal::kNone) {
    HistoryEvent event = NewEvent(enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED);
    auto& signaled = *event.mutable_external_workflow_execution_signaled_event_attributes();
    signaled.set_initiated_event_id(duty.initiated_event_id());
    signaled.set_namespace_(obligation.namespace_());
    *signaled.mutable_workflow_execution() = initiated.workflow_execution();
    signaled.set_control(initiated.control());
    return event;
  }
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED);
  auto& failed = *event.mutable_signal_external_workflow_execution_failed_event_attributes();
  failed.set_cause(refusal == Refusal::kTooManySignals
                       ? enums::SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_SIGNAL_COUNT_LIMIT_EXCEEDED
                   : refusal == Refusal::kNamespaceNotFound
                       ? enums::SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND
                       : enums::SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND);
  failed.set_namespace_(obligation.namespace_());
  *failed.mutable_workflow_execution() = initiated.workflow_execution();
  failed.set_initiated_event_id(duty.initiated_event_id());
  return event;
}

HistoryEvent CancelAnswer(const Obligation& obligation, Refusal refusal) {
  const auto& duty = obligation.cancel();
  const auto& initiated = duty.initiated();
  if (refusal == Refusal::kNone) {
    HistoryEvent event = NewEvent(enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED);
    auto& requested = *event.mutable_external_workflow_execution_cancel_requested_event_attributes();
    requested.set_initiated_event_id(duty.initiated_event_id());
    requested.set_namespace_(obligation.namespace_());
    *requested.mutable_workflow_execution() = initiated.workflow_execution();
    return event;
  }
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED);
  auto& failed = *event.mutable_request_cancel_external_workflow_execution_failed_event_attributes();
  failed.set_cause(refusal == Refusal::kNamespaceNotFound
                       ? enums::CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND
                       : enums::CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND);
  failed.set_namespace_(obligation.namespace_());
  *failed.mutable_workflow_execution() = initiated.workflow_execution();
  failed.set_initiated_event_id(duty.initiated_event_id());
  return event;
}

/// What all events that close a child have; started_event_id too, unless the start is still buffered.
template <class Attributes>
Attributes& FillClosed(Attributes& closed, const Obligation::ChildClosed& told, const OpenChild& child) {
  closed.set_namespace_(child.initiated.namespace_());
  *closed.mutable_workflow_execution() = ExecutionOf(child.initiated.workflow_id(), told.run_id());
  *closed.mutable_workflow_type() = told.workflow_type();
  closed.set_initiated_event_id(child.initiated.initiated_event_id());
  closed.set_started_event_id(child.initiated.started_event_id());
  return closed;
}

HistoryEvent ChildClosedEvent(const Obligation::ChildClosed& told, const OpenChild& child) {
  HistoryEvent event;
  switch (told.status()) {
    case enums::WORKFLOW_EXECUTION_STATUS_COMPLETED: {
      event = NewEvent(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED);
      auto& completed = FillClosed(*event.mutable_child_workflow_execution_completed_event_attributes(), told, child);
      if (told.has_result()) *completed.mutable_result() = told.result();
      break;
    }
    case enums::WORKFLOW_EXECUTION_STATUS_FAILED: {
      event = NewEvent(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED);
      auto& failed = FillClosed(*event.mutable_child_workflow_execution_failed_event_attributes(), told, child);
      *failed.mutable_failure() = told.failure();
      failed.set_retry_state(told.retry_state());
      break;
    }
    case enums::WORKFLOW_EXECUTION_STATUS_CANCELED: {
      event = NewEvent(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED);
      auto& canceled = FillClosed(*event.mutable_child_workflow_execution_canceled_event_attributes(), told, child);
      if (told.has_result()) *canceled.mutable_details() = told.result();
      break;
    }
    case enums::WORKFLOW_EXECUTION_STATUS_TIMED_OUT: {
      event = NewEvent(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT);
      auto& timed_out = FillClosed(*event.mutable_child_workflow_execution_timed_out_event_attributes(), told, child);
      timed_out.set_retry_state(told.retry_state());
      break;
    }
    default:
      event = NewEvent(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED);
      FillClosed(*event.mutable_child_workflow_execution_terminated_event_attributes(), told, child);
      break;
  }
  return event;
}

bool WaitsForStart(const MutableState& state, EventId initiated_event_id) {
  const auto child = state.children().find(initiated_event_id);
  return child != state.children().end() && child->second.initiated.started_event_id() == 0 &&
         !child->second.start_buffered;
}

bool WaitsForAnswer(const MutableState& state, EventId initiated_event_id) {
  const auto external = state.externals().find(initiated_event_id);
  return external != state.externals().end() && !external->second.answer_buffered;
}

}  // namespace

Result<Transition> On(Builder builder, const Answered& input) {
  const Obligation& obligation = *input.obligation;
  if (obligation.has_start_child() && WaitsForStart(builder.state(), obligation.start_child().initiated_event_id())) {
    const auto& duty = obligation.start_child();
    builder.Happen(input.refusal == Refusal::kNone ? ChildStarted(duty) : ChildNotStarted(duty, input.refusal));
  } else if (obligation.has_signal() &&
             WaitsForAnswer(builder.state(), obligation.signal().initiated_event_id())) {
    builder.Happen(SignalAnswer(obligation, input.refusal));
  } else if (obligation.has_cancel() &&
             WaitsForAnswer(builder.state(), obligation.cancel().initiated_event_id())) {
    builder.Happen(CancelAnswer(obligation, input.refusal));
  }
  return Finish(std::move(builder));
}

Result<Transition> On(Builder builder, const ChildEnded& input) {
  const Obligation::ChildClosed& told = input.obligation->child_closed();
  const auto found = builder.state().children().find(told.parent().initiated_event_id());
  if (found == builder.state().children().end() || found->second.close_buffered) return Finish(std::move(builder));
  const OpenChild& child = found->second;
  if (child.initiated.started_event_id() == 0 && !child.start_buffered) {
    return Unavailable("the start of child workflow " + child.initiated.workflow_id() + " is not recorded yet");
  }
  builder.Happen(ChildClosedEvent(told, child));
  return Finish(std::move(builder));
}

}  // namespace wfe::history
