// Workflow tasks: poll, complete, fail; and a worker's goodbye.
#include "engine/frontend/method_table.h"
#include "engine/frontend/polling.h"
#include "engine/frontend/search_attributes.h"
#include "engine/frontend/validation.h"
#include "engine/runtime/services.h"
#include "temporal/api/enums/v1/failed_cause.pb.h"
#include "temporal/api/enums/v1/task_queue.pb.h"

namespace wfe::frontend {

namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;
using engine::v1::TaskToken;

namespace {

void PollWorkflowTask(Services& services, const ws::PollWorkflowTaskQueueRequest& request, Call call) {
  for (Status valid : {CheckTaskQueue(services, request.task_queue()),
                       CheckId(services, "Identity", request.identity(), false),
                       CheckId(services, "WorkerInstanceKey", request.worker_instance_key(), false),
                       CheckVersioning(request)}) {
    if (!valid) return call.Fail(std::move(valid).error());
  }
  Poll(services, {Namespace(request.namespace_()), matching::QueueType::kWorkflow, request.task_queue().name()},
       request.task_queue().kind() == enums::TASK_QUEUE_KIND_STICKY, request.identity(), request.worker_instance_key(),
       std::move(call));
}

/// The search attributes that commands set, held to the namespace's registry (WIRE-F14).
Status CheckCommands(const Services& services, ws::RespondWorkflowTaskCompletedRequest* request) {
  for (auto& command : *request->mutable_commands()) {
    temporal::api::common::v1::SearchAttributes* attributes = nullptr;
    if (command.has_upsert_workflow_search_attributes_command_attributes()) {
      attributes = command.mutable_upsert_workflow_search_attributes_command_attributes()->mutable_search_attributes();
    } else if (command.continue_as_new_workflow_execution_command_attributes().has_search_attributes()) {
      attributes =
          command.mutable_continue_as_new_workflow_execution_command_attributes()->mutable_search_attributes();
    } else if (command.start_child_workflow_execution_command_attributes().has_search_attributes()) {
      attributes = command.mutable_start_child_workflow_execution_command_attributes()->mutable_search_attributes();
    }
    if (attributes != nullptr) {
      WFE_RETURN_IF_ERROR(CheckSearchAttributes(services, request->namespace_(), attributes));
    }
  }
  return Ok();
}

/// A command may name another namespace, which must be there; as a real server does, the call is refused and the task
/// stays with its worker.
Status CheckNamespaces(const Services& services, const ws::RespondWorkflowTaskCompletedRequest& request) {
  for (const auto& command : request.commands()) {
    const std::string* named = nullptr;
    if (command.has_start_child_workflow_execution_command_attributes()) {
      named = &command.start_child_workflow_execution_command_attributes().namespace_();
    } else if (command.has_signal_external_workflow_execution_command_attributes()) {
      named = &command.signal_external_workflow_execution_command_attributes().namespace_();
    } else if (command.has_request_cancel_external_workflow_execution_command_attributes()) {
      named = &command.request_cancel_external_workflow_execution_command_attributes().namespace_();
    }
    if (named != nullptr && !named->empty()) WFE_RETURN_IF_ERROR(CheckNamespace(services, *named));
  }
  return Ok();
}

/// The task fails with what is wrong with its answer, and so does the call.
void RefuseCompletion(Services& services, TaskToken token, const ws::RespondWorkflowTaskCompletedRequest& request,
                      std::string why, Call call) {
  ws::RespondWorkflowTaskFailedRequest failed;
  failed.set_cause(enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SEARCH_ATTRIBUTES);
  failed.mutable_failure()->set_message(why);
  failed.mutable_failure()->set_source("Server");
  failed.mutable_failure()->mutable_server_failure_info()->set_non_retryable(true);
  failed.set_identity(request.identity());
  failed.set_binary_checksum(request.binary_checksum());
  const WorkflowKey key = shard::KeyOf(token).workflow();
  services.OnShard(key, [token = std::move(token), failed = std::move(failed), why = std::move(why),
                         call = std::move(call)](shard::Shard& shard) mutable {
    shard.FailWorkflowTask(token, std::move(failed),
                           [why = std::move(why), call = std::move(call)](Result<shard::MutateOutcome> outcome) {
                             call.Fail(outcome ? InvalidArgument(why) : std::move(outcome).error());
                           });
  });
}

void CompleteWorkflowTask(Services& services, ws::RespondWorkflowTaskCompletedRequest request, Call call) {
  if (request.intermediate_page()) {
    return call.Fail(Unimplemented("paginated RespondWorkflowTaskCompleted is not served by wfe"));
  }
  Result<TaskToken> token =
      services.tokens.Open(request.task_token(), request.namespace_(), TaskToken::KIND_WORKFLOW_TASK);
  if (!token) return call.Fail(std::move(token).error());
  if (Status valid = CheckNamespaces(services, request); !valid) return call.Fail(std::move(valid).error());
  if (Status valid = CheckCommands(services, &request); !valid) {
    return RefuseCompletion(services, *std::move(token), request, "BadSearchAttributes: " + valid.error().message,
                            std::move(call));
  }
  request.clear_task_token();
  const WorkflowKey key = shard::KeyOf(*token).workflow();
  services.OnShard(key, [token = *std::move(token), request = std::move(request),
                         call = std::move(call)](shard::Shard& shard) mutable {
    shard.CompleteWorkflowTask(token, std::move(request), [call = std::move(call)](Result<std::string> response) {
      if (!response) return call.Fail(std::move(response).error());
      call.ReplyBytes(*std::move(response));
    });
  });
}

void FailWorkflowTask(Services& services, ws::RespondWorkflowTaskFailedRequest request, Call call) {
  Result<TaskToken> token =
      services.tokens.Open(request.task_token(), request.namespace_(), TaskToken::KIND_WORKFLOW_TASK);
  if (!token) return call.Fail(std::move(token).error());
  const WorkflowKey key = shard::KeyOf(*token).workflow();
  services.OnShard(key, [token = *std::move(token), request = std::move(request),
                         call = std::move(call)](shard::Shard& shard) mutable {
    shard.FailWorkflowTask(token, std::move(request), [call = std::move(call)](Result<shard::MutateOutcome> outcome) {
      call.ReplyEmpty(outcome);
    });
  });
}

void ResetSticky(Services& services, const ws::ResetStickyTaskQueueRequest& request, Call call) {
  Result<shard::Target> target = TargetOf(services, request.namespace_(), request.execution());
  if (!target) return call.Fail(std::move(target).error());
  const WorkflowKey key = target->workflow;
  services.OnShard(key, [target = *std::move(target), call = std::move(call)](shard::Shard& shard) mutable {
    shard.Mutate(target, history::StickyCleared{},
                 [call = std::move(call)](Result<shard::MutateOutcome> outcome) { call.ReplyEmpty(outcome); });
  });
}

// Pitfall 7: what waits at the leaving worker's sticky queue goes to the normal queue at once, and its polls end before
// it hangs up, so that no task is lost with them (WIRE-F22).
void ShutdownWorker(Services& services, const ws::ShutdownWorkerRequest& request, Call call) {
  for (Status valid : {CheckId(services, "StickyTaskQueue", request.sticky_task_queue(), false),
                       CheckId(services, "WorkerInstanceKey", request.worker_instance_key(), false)}) {
    if (!valid) return call.Fail(std::move(valid).error());
  }
  if (!request.sticky_task_queue().empty()) {
    services.broker->DrainSticky(
        {Namespace(request.namespace_()), matching::QueueType::kWorkflow, request.sticky_task_queue()});
  }
  if (!request.worker_instance_key().empty()) services.broker->ShutDownWorker(request.worker_instance_key());
  call.ReplyBytes({});
}

}  // namespace

void ServeWorkflowTasks(MethodTable& table, Services& services) {
  table.ServeBriefly<ws::PollWorkflowTaskQueueRequest>(
      kWorkflowService, "PollWorkflowTaskQueue",
      [&services](const auto& request, Call call) { PollWorkflowTask(services, request, std::move(call)); });
  table.Serve<ws::RespondWorkflowTaskCompletedRequest>(
      kWorkflowService, "RespondWorkflowTaskCompleted",
      [&services](auto request, Call call) { CompleteWorkflowTask(services, std::move(request), std::move(call)); });
  table.Serve<ws::RespondWorkflowTaskFailedRequest>(
      kWorkflowService, "RespondWorkflowTaskFailed",
      [&services](auto request, Call call) { FailWorkflowTask(services, std::move(request), std::move(call)); });
  table.ServeBriefly<ws::ResetStickyTaskQueueRequest>(
      kWorkflowService, "ResetStickyTaskQueue",
      [&services](const auto& request, Call call) { ResetSticky(services, request, std::move(call)); });
  table.ServeBriefly<ws::ShutdownWorkerRequest>(
      kWorkflowService, "ShutdownWorker",
      [&services](const auto& request, Call call) { ShutdownWorker(services, request, std::move(call)); });
}

}  // namespace wfe::frontend
