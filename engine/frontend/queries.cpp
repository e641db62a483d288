// Queries and their answers (S64-S68).
#include "engine/frontend/method_table.h"
#include "engine/frontend/validation.h"
#include "engine/runtime/services.h"

namespace wfe::frontend {

namespace ws = temporal::api::workflowservice::v1;
using engine::v1::TaskToken;

namespace {

void Query(Services& services, ws::QueryWorkflowRequest request, Call call) {
  Result<shard::Target> target = TargetOf(services, request.namespace_(), request.execution());
  if (!target) return call.Fail(std::move(target).error());
  for (Status valid : {CheckId(services, "QueryType", request.query().query_type(), true),
                       CheckPayload(services, "Query arguments", request.query())}) {
    if (!valid) return call.Fail(std::move(valid).error());
  }
  shard::QueryRequest query;
  query.target = *std::move(target);
  query.query = std::move(*request.mutable_query());
  query.reject = request.query_reject_condition();
  query.deadline = call.WaitUntil(services.WaitClock().Now(), services.options.shard.max_query_wait,
                                  services.options.shard.long_poll_margin);
  query.gone = [call] { return call.IsCancelled(); };
  const WorkflowKey key = query.target.workflow;
  services.OnShard(key, [query = std::move(query), call = std::move(call)](shard::Shard& shard) mutable {
    shard.Query(std::move(query), [call = std::move(call)](Result<std::string> response) {
      if (!response) return call.Fail(std::move(response).error());
      call.ReplyBytes(*std::move(response));
    });
  });
}

void AnswerQuery(Services& services, ws::RespondQueryTaskCompletedRequest request, Call call) {
  Result<TaskToken> token = services.tokens.Open(request.task_token(), request.namespace_(), TaskToken::KIND_QUERY);
  if (!token) return call.Fail(std::move(token).error());
  const WorkflowKey key = shard::KeyOf(*token).workflow();
  services.OnShard(key, [token = *std::move(token), request = std::move(request),
                         call = std::move(call)](shard::Shard& shard) mutable {
    shard.AnswerQuery(token, request,
                      [call = std::move(call)](Result<shard::MutateOutcome> outcome) { call.ReplyEmpty(outcome); });
  });
}

}  // namespace

void ServeQueries(MethodTable& table, Services& services) {
  table.Serve<ws::QueryWorkflowRequest>(kWorkflowService, "QueryWorkflow", [&services](auto request, Call call) {
    Query(services, std::move(request), std::move(call));
  });
  table.Serve<ws::RespondQueryTaskCompletedRequest>(
      kWorkflowService, "RespondQueryTaskCompleted",
      [&services](auto request, Call call) { AnswerQuery(services, std::move(request), std::move(call)); });
}

}  // namespace wfe::frontend
