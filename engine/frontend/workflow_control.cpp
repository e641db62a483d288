// Start, signal, cancel, terminate, describe.
#include "engine/base/serialize.h"
#include "engine/frontend/method_table.h"
#include "engine/frontend/validation.h"
#include "engine/runtime/services.h"
#include "engine/shard/history_bytes.h"

namespace wfe::frontend {

namespace ws = temporal::api::workflowservice::v1;

namespace {

WorkflowKey KeyOf(const ws::StartWorkflowExecutionRequest& request) {
  return {Namespace(request.namespace_()), WorkflowId(request.workflow_id())};
}

void StartWorkflow(Services& services, ws::StartWorkflowExecutionRequest request, Call call) {
  if (Status valid = CheckStart(services, &request); !valid) return call.Fail(std::move(valid).error());
  // Named first: arguments are evaluated in any order, and the other one moves the request away.
  const WorkflowKey key = KeyOf(request);
  services.OnShard(key, [request = std::move(request), call = std::move(call)](shard::Shard& shard) mutable {
    shard.Start(std::move(request), [call = std::move(call)](Result<shard::StartOutcome> outcome) {
      if (!outcome) return call.Fail(std::move(outcome).error());
      ws::StartWorkflowExecutionResponse response;
      response.set_run_id(outcome->run_id);
      response.set_first_execution_run_id(outcome->first_execution_run_id);
      response.set_started(outcome->started);
      response.set_status(outcome->status);
      std::string bytes = Serialize(response);
      if (!outcome->eager_workflow_task.empty()) {
        shard::AppendField(bytes, ws::StartWorkflowExecutionResponse::kEagerWorkflowTaskFieldNumber,
                           outcome->eager_workflow_task);
      }
      call.ReplyBytes(std::move(bytes));
    });
  });
}

void SignalWithStart(Services& services, ws::SignalWithStartWorkflowExecutionRequest request, Call call) {
  ws::StartWorkflowExecutionRequest start;
  start.set_namespace_(request.namespace_());
  start.set_workflow_id(request.workflow_id());
  start.mutable_workflow_type()->Swap(request.mutable_workflow_type());
  start.mutable_task_queue()->Swap(request.mutable_task_queue());
  if (request.has_input()) start.mutable_input()->Swap(request.mutable_input());
  if (request.has_workflow_execution_timeout()) {
    *start.mutable_workflow_execution_timeout() = request.workflow_execution_timeout();
  }
  if (request.has_workflow_run_timeout()) *start.mutable_workflow_run_timeout() = request.workflow_run_timeout();
  if (request.has_workflow_task_timeout()) *start.mutable_workflow_task_timeout() = request.workflow_task_timeout();
  start.set_identity(request.identity());
  start.set_request_id(request.request_id());
  start.set_workflow_id_reuse_policy(request.workflow_id_reuse_policy());
  start.set_workflow_id_conflict_policy(request.workflow_id_conflict_policy());
  if (request.has_retry_policy()) start.mutable_retry_policy()->Swap(request.mutable_retry_policy());
  start.set_cron_schedule(request.cron_schedule());
  if (request.has_memo()) start.mutable_memo()->Swap(request.mutable_memo());
  if (request.has_search_attributes()) start.mutable_search_attributes()->Swap(request.mutable_search_attributes());
  if (request.has_header()) *start.mutable_header() = request.header();
  if (request.has_workflow_start_delay()) *start.mutable_workflow_start_delay() = request.workflow_start_delay();
  if (request.has_user_metadata()) start.mutable_user_metadata()->Swap(request.mutable_user_metadata());
  if (request.has_priority()) start.mutable_priority()->Swap(request.mutable_priority());

  if (Status valid = CheckStart(services, &start); !valid) return call.Fail(std::move(valid).error());
  if (Status valid = CheckId(services, "SignalName", request.signal_name(), true); !valid) {
    return call.Fail(std::move(valid).error());
  }
  if (Status valid = CheckPayload(services, "Signal input", request.signal_input()); !valid) {
    return call.Fail(std::move(valid).error());
  }
  history::SignalReceived signal;
  signal.signal_name = request.signal_name();
  signal.input = std::move(*request.mutable_signal_input());
  signal.header = std::move(*request.mutable_header());
  signal.identity = request.identity();
  signal.request_id = request.request_id();
  const WorkflowKey key = KeyOf(start);
  services.OnShard(
      key, [start = std::move(start), signal = std::move(signal), call = std::move(call)](shard::Shard& shard) mutable {
        shard.SignalWithStart(std::move(start), std::move(signal),
                              [call = std::move(call)](Result<shard::StartOutcome> outcome) {
                                if (!outcome) return call.Fail(std::move(outcome).error());
                                ws::SignalWithStartWorkflowExecutionResponse response;
                                response.set_run_id(outcome->run_id);
                                response.set_first_execution_run_id(outcome->first_execution_run_id);
                                response.set_started(outcome->started);
                                call.Reply(response);
                              });
      });
}

void Signal(Services& services, ws::SignalWorkflowExecutionRequest request, Call call) {
  Result<shard::Target> target = TargetOf(services, request.namespace_(), request.workflow_execution());
  if (!target) return call.Fail(std::move(target).error());
  for (Status valid : {CheckId(services, "SignalName", request.signal_name(), true),
                       CheckId(services, "RequestId", request.request_id(), false),
                       CheckPayload(services, "Signal input", request.input())}) {
    if (!valid) return call.Fail(std::move(valid).error());
  }
  history::SignalReceived signal;
  signal.signal_name = std::move(*request.mutable_signal_name());
  signal.input = std::move(*request.mutable_input());
  signal.header = std::move(*request.mutable_header());
  signal.identity = std::move(*request.mutable_identity());
  signal.request_id = std::move(*request.mutable_request_id());
  const WorkflowKey key = target->workflow;
  services.OnShard(key, [target = *std::move(target), signal = std::move(signal),
                         call = std::move(call)](shard::Shard& shard) mutable {
    shard.Signal(target, std::move(signal),
                 [call = std::move(call)](Result<shard::MutateOutcome> outcome) { call.ReplyEmpty(outcome); });
  });
}

void Mutate(Services& services, Result<shard::Target> target, history::Input input, Call call) {
  if (!target) return call.Fail(std::move(target).error());
  const WorkflowKey key = target->workflow;
  services.OnShard(key, [target = *std::move(target), input = std::move(input),
                         call = std::move(call)](shard::Shard& shard) mutable {
    shard.Mutate(target, std::move(input),
                 [call = std::move(call)](Result<shard::MutateOutcome> outcome) { call.ReplyEmpty(outcome); });
  });
}

void Cancel(Services& services, ws::RequestCancelWorkflowExecutionRequest request, Call call) {
  history::CancelRequested input;
  input.reason = request.reason();
  input.identity = request.identity();
  input.request_id = request.request_id();
  Mutate(services,
         TargetOf(services, request.namespace_(), request.workflow_execution(), request.first_execution_run_id()),
         std::move(input), std::move(call));
}

void Terminate(Services& services, ws::TerminateWorkflowExecutionRequest request, Call call) {
  if (Status valid = CheckPayload(services, "Details", request.details()); !valid) {
    return call.Fail(std::move(valid).error());
  }
  history::TerminateRequested input;
  input.reason = request.reason();
  input.details = std::move(*request.mutable_details());
  input.identity = request.identity();
  Mutate(services,
         TargetOf(services, request.namespace_(), request.workflow_execution(), request.first_execution_run_id()),
         std::move(input), std::move(call));
}

void Describe(Services& services, const ws::DescribeWorkflowExecutionRequest& request, Call call) {
  Result<shard::Target> target = TargetOf(services, request.namespace_(), request.execution());
  if (!target) return call.Fail(std::move(target).error());
  const WorkflowKey key = target->workflow;
  services.OnShard(key, [target = *std::move(target), call = std::move(call)](shard::Shard& shard) mutable {
    shard.Describe(target, [call = std::move(call)](Result<std::string> response) {
      if (!response) return call.Fail(std::move(response).error());
      call.ReplyBytes(*std::move(response));
    });
  });
}

}  // namespace

void ServeWorkflowControl(MethodTable& table, Services& services) {
  table.Serve<ws::StartWorkflowExecutionRequest>(
      kWorkflowService, "StartWorkflowExecution",
      [&services](auto request, Call call) { StartWorkflow(services, std::move(request), std::move(call)); });
  table.Serve<ws::SignalWithStartWorkflowExecutionRequest>(
      kWorkflowService, "SignalWithStartWorkflowExecution",
      [&services](auto request, Call call) { SignalWithStart(services, std::move(request), std::move(call)); });
  table.Serve<ws::SignalWorkflowExecutionRequest>(
      kWorkflowService, "SignalWorkflowExecution",
      [&services](auto request, Call call) { Signal(services, std::move(request), std::move(call)); });
  table.Serve<ws::RequestCancelWorkflowExecutionRequest>(
      kWorkflowService, "RequestCancelWorkflowExecution",
      [&services](auto request, Call call) { Cancel(services, std::move(request), std::move(call)); });
  table.Serve<ws::TerminateWorkflowExecutionRequest>(
      kWorkflowService, "TerminateWorkflowExecution",
      [&services](auto request, Call call) { Terminate(services, std::move(request), std::move(call)); });
  table.ServeBriefly<ws::DescribeWorkflowExecutionRequest>(
      kWorkflowService, "DescribeWorkflowExecution",
      [&services](const auto& request, Call call) { Describe(services, request, std::move(call)); });
}

}  // namespace wfe::frontend
