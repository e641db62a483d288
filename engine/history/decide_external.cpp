// Signals, cancel requests, termination: what clients do to a run.
#include <utility>

#include "engine/history/close.h"
#include "engine/history/finish.h"
#include "engine/history/handlers.h"
#include "engine/history/too_much.h"

namespace wfe::history {
namespace {

/// The run's first workflow task need not wait any longer.
void ReleaseFirstTask(Builder& builder) {
  if (builder.state().bookkeeping().has_first_task_at()) builder.Record(note::FirstTaskReleased{});
}

Status CheckSignal(const MutableState& state, const SignalReceived& input, const Limits& limits) {
  const std::string where = " (" + state.Key().ToString() + ")";
  if (input.signal_name.empty()) return InvalidArgument("signal name is not set" + where);
  if (const auto problem = TooMuch("signal name", input.signal_name.size(), limits.max_id_bytes, "max_id_bytes")) {
    return InvalidArgument(*problem + where);
  }
  if (const auto problem = TooMuch("input of signal " + input.signal_name, input.input.ByteSizeLong(),
                                   limits.max_payload_bytes, "max_payload_bytes")) {
    return InvalidArgument(*problem + where);
  }
  if (state.folded().signal_count() + state.buffer().signals >= limits.max_signals) {  // S62
    return InvalidArgument("exceeded workflow execution limit for signal events: " +
                           std::to_string(limits.max_signals) + " (max_signals)" + where);
  }
  return Ok();
}

/// Temporal's word for it is the same as for a workflow that is not there.
Status CheckSender(const MutableState& state, const Sender& from) {
  if (!from.only_to_child) return Ok();
  const engine::v1::Parent& parent = state.folded().parent();
  if (parent.namespace_() == from.ns && parent.workflow_id() == from.execution.workflow_id() &&
      parent.run_id() == from.execution.run_id()) {
    return Ok();
  }
  return NotFound(state.Key().ToString() + " is no child of workflow " + from.execution.workflow_id() + ", run " +
                  from.execution.run_id());
}

}  // namespace

Result<Transition> On(Builder builder, const SignalReceived& input) {
  WFE_RETURN_IF_ERROR(CheckSender(builder.state(), input.from));
  WFE_RETURN_IF_ERROR(CheckSignal(builder.state(), input, builder.limits()));
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED);
  auto& signaled = *event.mutable_workflow_execution_signaled_event_attributes();
  signaled.set_signal_name(input.signal_name);
  if (input.input.payloads_size() > 0) *signaled.mutable_input() = input.input;
  if (input.header.fields_size() > 0) *signaled.mutable_header() = input.header;
  signaled.set_identity(input.identity);
  if (input.from.execution.workflow_id().empty()) {
    signaled.set_request_id(input.request_id);
  } else {
    *signaled.mutable_external_workflow_execution() = input.from.execution;
  }
  builder.Happen(std::move(event));
  // A start delay ends with the first signal (S11); the back-off of a following run does not.
  if (builder.state().folded().continued_from_run_id().empty()) ReleaseFirstTask(builder);
  return Finish(std::move(builder));
}

Result<Transition> On(Builder builder, const CancelRequested& input) {
  WFE_RETURN_IF_ERROR(CheckSender(builder.state(), input.from));
  if (builder.state().folded().cancel_requested() || builder.state().buffer().cancel_requested) {
    return Finish(std::move(builder));  // S81: asking again changes nothing
  }
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED);
  auto& requested = *event.mutable_workflow_execution_cancel_requested_event_attributes();
  requested.set_cause(input.reason);
  requested.set_identity(input.identity);
  if (!input.from.execution.workflow_id().empty()) {
    *requested.mutable_external_workflow_execution() = input.from.execution;
    requested.set_external_initiated_event_id(input.from.initiated_event_id);
  }
  builder.Happen(std::move(event));
  // Whoever cancels a waiting run does not want to wait for it.
  ReleaseFirstTask(builder);
  return Finish(std::move(builder));
}

Result<Transition> On(Builder builder, const TerminateRequested& input) {
  TerminateRun(builder, input.reason, input.details, input.identity);
  return Finish(std::move(builder));
}

}  // namespace wfe::history
