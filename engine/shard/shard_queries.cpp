// Queries: on a workflow task when one is pending, as a task of their own when the run is idle or closed (S64-S68).
#include <algorithm>

#include "engine/base/proto_time.h"
#include "engine/base/serialize.h"
#include "engine/history/failures.h"
#include "engine/shard/shard_private.h"
#include "temporal/api/enums/v1/query.pb.h"
#include "temporal/api/enums/v1/task_queue.pb.h"
#include "temporal/api/errordetails/v1/message.pb.h"

namespace wfe::shard {

namespace enums = temporal::api::enums::v1;

namespace {

// A query task that its sticky worker does not take goes to the normal queue after this, if the worker named no time.
constexpr Duration kDefaultStickyTimeout = std::chrono::seconds(5);

bool Rejected(enums::QueryRejectCondition condition, enums::WorkflowExecutionStatus status) {
  switch (condition) {
    case enums::QUERY_REJECT_CONDITION_NOT_OPEN:
      return status != enums::WORKFLOW_EXECUTION_STATUS_RUNNING;
    case enums::QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY:
      return status != enums::WORKFLOW_EXECUTION_STATUS_RUNNING &&
             status != enums::WORKFLOW_EXECUTION_STATUS_COMPLETED &&
             status != enums::WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW;
    default:
      return false;
  }
}

Error NobodyPolls() { return FailedPrecondition("no poller seen for task queue recently, worker may be down"); }

}  // namespace

void Shard::Query(QueryRequest request, Callback<std::string> done) {
  Result<Execution*> loaded = Require(request.target);
  if (!loaded) return done(std::move(loaded).error());
  Execution& execution = **loaded;
  const history::MutableState& state = execution.state;

  if (Rejected(request.reject, state.folded().status())) {
    ws::QueryWorkflowResponse response;
    response.mutable_query_rejected()->set_status(state.folded().status());
    return AnswerDurably<std::string>(execution, std::move(done), Serialize(response));
  }
  const bool open = state.IsOpen();
  if (open && state.workflow_task().attempt >= options_.query_max_workflow_task_attempt) {
    return done(QueryNotReady("Cannot query workflow due to Workflow Task in failed state."));
  }
  const bool rides = open && state.HasPendingWorkflowTask();
  if (open && !rides && state.folded().last_completed_event_id() == 0) {
    return done(QueryNotReady("workflow is not ready to handle the query: its first workflow task is not scheduled yet"));
  }
  if (Status room = queries_.CheckRoom(execution.key, rides); !room) return done(std::move(room).error());
  const PendingQuery& added = queries_.Add(execution.key, std::move(request), std::move(done));
  if (rides) return;
  // What the query must see is committed; a worker may not see it before it is durable.
  gate_.WhenDurable(execution.last_commit, [this, key = execution.key, id = added.id] {
    const PendingQuery* waiting = queries_.Find(key, id);
    Result<Execution*> again = waiting ? Load(key) : Result<Execution*>(nullptr);
    if (waiting && again && waiting->state == PendingQuery::State::kBuffered) ReconcileQueries(**again);
  });
}

void Shard::SendQueryTask(const Execution& execution, PendingQuery& query, bool allow_sticky) {
  query.state = PendingQuery::State::kOffered;
  matching::TaskRef task{execution.key, matching::TaskKind::kQuery, 0, 1, query.id};
  const auto& bookkeeping = execution.state.bookkeeping();
  const std::string& normal = execution.state.folded().task_queue();
  const bool sticky = allow_sticky && bookkeeping.has_sticky();
  matching::QueueKey queue{execution.key.ns, matching::QueueType::kWorkflow,
                           sticky ? bookkeeping.sticky().name() : normal};
  auto nobody = [this, key = execution.key, id = query.id] {
    host_.executor.Post([this, key, id] { queries_.Finish(key, id, NobodyPolls()); });
  };
  host_.sink.OfferIfPolled(std::move(task), std::move(queue), sticky ? std::optional(normal) : std::nullopt,
                           std::move(nobody));
  if (!sticky) return;
  Duration patience = FromProto(bookkeeping.sticky().schedule_to_start_timeout());
  if (patience <= Duration::zero()) patience = kDefaultStickyTimeout;
  host_.timers.After(patience, host_.executor, [this, key = execution.key, id = query.id] {
    PendingQuery* waiting = queries_.Find(key, id);
    if (!waiting || waiting->state != PendingQuery::State::kOffered || waiting->delivered) return;
    Result<Execution*> loaded = Load(key);
    if (loaded) SendQueryTask(**loaded, *waiting, /*allow_sticky=*/false);
  });
}

void Shard::TakeQuery(const matching::TaskRef& task, Taker taker, Callback<std::string> done) {
  if (Status serving = Serving(); !serving) return done(std::move(serving).error());
  PendingQuery* query = queries_.Find(task.execution, task.query_id);
  if (!query || query->state != PendingQuery::State::kOffered) return done(NotFound("the query is over"));
  Result<Execution*> loaded = Load(task.execution);
  if (!loaded) return done(std::move(loaded).error());
  Execution& execution = **loaded;
  if (taker.gone && taker.gone()) return done(Cancelled("the poller is gone"));
  if (execution.state.IsOpen() && execution.state.HasPendingWorkflowTask()) {
    // A workflow task came first; sent now, the query would overtake it (pitfall 2).
    query->state = PendingQuery::State::kBuffered;
    return done(NotFound("the query rides on a workflow task"));
  }
  query->delivered = true;
  ws::PollWorkflowTaskQueueResponse response = PollAnswerFor(execution);
  engine::v1::TaskToken token = TokenFor(execution.key, engine::v1::TaskToken::KIND_QUERY);
  token.set_query_id(query->id);
  response.set_task_token(host_.tokens.Seal(std::move(token)));
  response.set_attempt(1);
  *response.mutable_query() = query->query;

  std::string history;
  if (!taker.sticky) {
    Result<TaskPage> page = TaskHistory(execution, 1, execution.state.folded().next_event_id());
    if (!page) return done(std::move(page).error());
    response.set_next_page_token(std::move(page->next_page_token));
    history = std::move(page->history);
  }
  std::string bytes = Serialize(response);
  AppendField(bytes, ws::PollWorkflowTaskQueueResponse::kHistoryFieldNumber, history);
  AnswerDurably<std::string>(execution, std::move(done), std::move(bytes));
}

void Shard::AnswerQuery(const engine::v1::TaskToken& token, const ws::RespondQueryTaskCompletedRequest& request,
                        Callback<MutateOutcome> done) {
  if (Status serving = Serving(); !serving) return done(std::move(serving).error());
  const ExecutionKey key = KeyOf(token);
  PendingQuery* query = queries_.Find(key, token.query_id());
  if (!query) return done(NotFound("query task not found, or already expired"));
  if (request.completed_type() == enums::QUERY_RESULT_TYPE_ANSWERED) {
    queries_.Finish(key, token.query_id(), QueryResult(request.query_result(), options_.history.max_payload_bytes));
  } else if (request.completed_type() == enums::QUERY_RESULT_TYPE_FAILED) {
    queries_.Finish(key, token.query_id(),
                QueryFailed(request.error_message(), request.has_failure() ? &request.failure() : nullptr));
  } else {
    return done(InvalidArgument("completed_type of a query answer must be ANSWERED or FAILED"));
  }
  done(MutateOutcome{.run_id = key.run_id.value(), .cancel_requested = false});
}

void Shard::ReconcileQueries(Execution& execution) {
  for (const std::string& query : queries_.Reconcile(execution.key, execution.state)) {
    gate_.WhenDurable(execution.last_commit, [this, key = execution.key, id = query] {
      PendingQuery* waiting = queries_.Find(key, id);
      Result<Execution*> loaded = waiting ? Load(key) : Result<Execution*>(nullptr);
      if (waiting && loaded) SendQueryTask(**loaded, *waiting, /*allow_sticky=*/true);
    });
  }
}

}  // namespace wfe::shard
