// Activity tasks: poll, complete, fail, cancel, heartbeat; by token and by id (S35).
#include "engine/frontend/method_table.h"
#include "engine/frontend/polling.h"
#include "engine/frontend/validation.h"
#include "engine/runtime/services.h"

namespace wfe::frontend {

namespace ws = temporal::api::workflowservice::v1;
using engine::v1::TaskToken;

namespace {

/// Which activity of which run a request means.
struct Named {
  shard::Target target;
  history::ActivityRef activity;
};

template <class Request>
Result<Named> ByToken(const Services& services, const Request& request) {
  WFE_ASSIGN_OR_RETURN(const TaskToken token,
                       services.tokens.Open(request.task_token(), request.namespace_(), TaskToken::KIND_ACTIVITY));
  const ExecutionKey key = shard::KeyOf(token);
  return Named{{key.workflow(), key.run_id, {}}, {token.scheduled_event_id(), token.attempt(), token.activity_id()}};
}

template <class Request>
Result<Named> ById(const Services& services, const Request& request) {
  temporal::api::common::v1::WorkflowExecution execution;
  execution.set_workflow_id(request.workflow_id());
  execution.set_run_id(request.run_id());
  WFE_ASSIGN_OR_RETURN(shard::Target target, TargetOf(services, request.namespace_(), execution));
  WFE_RETURN_IF_ERROR(CheckId(services, "ActivityId", request.activity_id(), true));
  return Named{std::move(target), {0, 0, request.activity_id()}};
}

template <class Request>
Result<Named> Name(const Services& services, const Request& request) {
  if constexpr (requires { request.task_token(); }) {
    return ByToken(services, request);
  } else {
    return ById(services, request);
  }
}

template <class Request>
history::Input CompletedInput(history::ActivityRef activity, Request& request) {
  return history::ActivityTaskCompleted{std::move(activity), std::move(*request.mutable_result()), request.identity()};
}

template <class Request>
history::Input FailedInput(history::ActivityRef activity, Request& request) {
  history::ActivityTaskFailed input;
  input.activity = std::move(activity);
  input.failure = std::move(*request.mutable_failure());
  input.identity = request.identity();
  if (request.has_last_heartbeat_details()) {
    input.last_heartbeat_details = std::move(*request.mutable_last_heartbeat_details());
  }
  return input;
}

template <class Request>
history::Input CanceledInput(history::ActivityRef activity, Request& request) {
  return history::ActivityTaskCanceled{std::move(activity), std::move(*request.mutable_details()), request.identity()};
}

template <class Request>
history::Input HeartbeatInput(history::ActivityRef activity, Request& request) {
  return history::ActivityHeartbeat{std::move(activity), std::move(*request.mutable_details()), request.identity()};
}

void ReplyEmpty(const shard::MutateOutcome&, const Call& call) { call.ReplyBytes({}); }

template <class Response>
void ReplyHeartbeat(const shard::MutateOutcome& outcome, const Call& call) {
  Response response;
  response.set_cancel_requested(outcome.cancel_requested);
  call.Reply(response);
}

/// One method: the request names an activity, becomes an input, and the outcome becomes the reply.
template <class Request, class MakeInput, class MakeReply>
void ServeAnswer(MethodTable& table, Services& services, std::string_view method, MakeInput make_input,
                 MakeReply make_reply) {
  table.Serve<Request>(kWorkflowService, method, [&services, make_input, make_reply](Request request, Call call) {
    Result<Named> named = Name(services, request);
    if (!named) return call.Fail(std::move(named).error());
    history::Input input = make_input(std::move(named->activity), request);
    const WorkflowKey key = named->target.workflow;
    services.OnShard(key, [target = std::move(named->target), input = std::move(input), call = std::move(call),
                           make_reply](shard::Shard& shard) mutable {
      shard.Mutate(target, std::move(input),
                   [call = std::move(call), make_reply](Result<shard::MutateOutcome> outcome) {
                     if (!outcome) return call.Fail(std::move(outcome).error());
                     make_reply(*outcome, call);
                   });
    });
  });
}

void PollActivityTask(Services& services, const ws::PollActivityTaskQueueRequest& request, Call call) {
  for (Status valid : {CheckTaskQueue(services, request.task_queue()),
                       CheckId(services, "Identity", request.identity(), false),
                       CheckId(services, "WorkerInstanceKey", request.worker_instance_key(), false),
                       CheckVersioning(request)}) {
    if (!valid) return call.Fail(std::move(valid).error());
  }
  Poll(services, {Namespace(request.namespace_()), matching::QueueType::kActivity, request.task_queue().name()},
       /*sticky=*/false, request.identity(), request.worker_instance_key(), std::move(call));
}

}  // namespace

void ServeActivityTasks(MethodTable& table, Services& services) {
  table.ServeBriefly<ws::PollActivityTaskQueueRequest>(
      kWorkflowService, "PollActivityTaskQueue",
      [&services](const auto& request, Call call) { PollActivityTask(services, request, std::move(call)); });

  using Completed = ws::RespondActivityTaskCompletedRequest;
  using CompletedById = ws::RespondActivityTaskCompletedByIdRequest;
  ServeAnswer<Completed>(table, services, "RespondActivityTaskCompleted", CompletedInput<Completed>, ReplyEmpty);
  ServeAnswer<CompletedById>(table, services, "RespondActivityTaskCompletedById", CompletedInput<CompletedById>,
                             ReplyEmpty);

  using Failed = ws::RespondActivityTaskFailedRequest;
  using FailedById = ws::RespondActivityTaskFailedByIdRequest;
  ServeAnswer<Failed>(table, services, "RespondActivityTaskFailed", FailedInput<Failed>, ReplyEmpty);
  ServeAnswer<FailedById>(table, services, "RespondActivityTaskFailedById", FailedInput<FailedById>, ReplyEmpty);

  using Canceled = ws::RespondActivityTaskCanceledRequest;
  using CanceledById = ws::RespondActivityTaskCanceledByIdRequest;
  ServeAnswer<Canceled>(table, services, "RespondActivityTaskCanceled", CanceledInput<Canceled>, ReplyEmpty);
  ServeAnswer<CanceledById>(table, services, "RespondActivityTaskCanceledById", CanceledInput<CanceledById>,
                            ReplyEmpty);

  using Heartbeat = ws::RecordActivityTaskHeartbeatRequest;
  using HeartbeatById = ws::RecordActivityTaskHeartbeatByIdRequest;
  ServeAnswer<Heartbeat>(table, services, "RecordActivityTaskHeartbeat", HeartbeatInput<Heartbeat>,
                         ReplyHeartbeat<ws::RecordActivityTaskHeartbeatResponse>);
  ServeAnswer<HeartbeatById>(table, services, "RecordActivityTaskHeartbeatById", HeartbeatInput<HeartbeatById>,
                             ReplyHeartbeat<ws::RecordActivityTaskHeartbeatByIdResponse>);
}

}  // namespace wfe::frontend
