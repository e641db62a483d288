// Queries: on a workflow task when one is pending, as a task of their own when the run is idle or closed (S64-S68).
#include <algorithm>

#include "engine/base/serialize.h"
#include "engine/history/failures.h"
#include "engine/history/proto_time.h"
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

Error NotReady(std::string message) {
  temporal::api::errordetails::v1::WorkflowNotReadyFailure failure;
  Error error = FailedPrecondition(std::move(message));
  error.details.push_back({failure.GetTypeName(), Serialize(failure)});
  return error;
}

Error QueryFailed(const std::string& message, const temporal::api::failure::v1::Failure* cause) {
  temporal::api::errordetails::v1::QueryFailedFailure failure;
  // Cut to what fits into an error's details (SEC-M2).
  constexpr int64_t kMaxFailureBytes = 1500;
  if (cause) *failure.mutable_failure() = history::Truncated(*cause, kMaxFailureBytes);
  Error error = InvalidArgument(message);
  error.details.push_back({failure.GetTypeName(), Serialize(failure)});
  return error;
}

/// What a worker answered, or that it is too much to hand on: Temporal's words, which SDKs show (WIRE-F15).
Result<std::string> ResultOf(temporal::api::common::v1::Payloads result, int64_t max_bytes) {
  if (static_cast<int64_t>(result.ByteSizeLong()) > max_bytes) {
    return QueryFailed("Blob data size exceeds limit.", nullptr);
  }
  ws::QueryWorkflowResponse response;
  response.mutable_query_result()->Swap(&result);
  return Serialize(response);
}

Error NobodyPolls() { return FailedPrecondition("no poller seen for task queue recently, worker may be down"); }

}  // namespace

void Shard::Query(QueryRequest request, Callback<std::string> done) {
  WFE_CHECK(host_.executor.OnStrand());
  if (stopped_) return done(ShuttingDown());
  Result<ExecutionKey> key = Resolve(request.target);
  if (!key) return done(std::move(key).error());
  Result<Execution*> loaded = Load(*key);
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
    return done(NotReady("Cannot query workflow due to Workflow Task in failed state."));
  }
  const bool rides = open && state.HasPendingWorkflowTask();
  if (open && !rides && state.folded().last_completed_event_id() == 0) {
    return done(NotReady("workflow is not ready to handle the query: its first workflow task is not scheduled yet"));
  }
  if (rides) {
    for (PendingQuery* query : QueriesOf(*key)) {
      if (query->gone && query->gone()) FinishQuery(*key, std::string(query->id), Cancelled("the caller is gone"));
    }
    const auto buffered = QueriesOf(*key);
    const auto behind = std::count_if(buffered.begin(), buffered.end(), [](const PendingQuery* query) {
      return query->state == PendingQuery::State::kBuffered || query->state == PendingQuery::State::kAttached;
    });
    if (behind >= options_.max_buffered_queries) {
      return done(ResourceExhausted("consistent query buffer is full: " + std::to_string(behind) +
                                    " wait for the workflow task of " + key->ToString()));
    }
  }

  if (const auto of_run = queries_.find(*key);
      of_run != queries_.end() && static_cast<int64_t>(of_run->second.size()) >= options_.max_queries_per_run) {
    return done(ResourceExhausted(std::to_string(of_run->second.size()) + " queries of " + key->ToString() +
                                  " wait for an answer, no more are taken (max_queries_per_run)"));
  }
  if (waiting_queries_ >= options_.max_queries) {
    return done(ResourceExhausted(std::to_string(waiting_queries_) +
                                  " queries wait for an answer, no more are taken (max_queries)"));
  }
  ++waiting_queries_;
  auto query = std::make_unique<PendingQuery>();
  PendingQuery& added = *query;
  query->id = "query-" + std::to_string(++next_query_);
  query->query = std::move(request.query);
  query->done = std::move(done);
  query->gone = std::move(request.gone);
  const Duration left = std::max(Duration::zero(), request.deadline - WaitNow());
  query->timer = host_.timers.After(left, host_.executor, [this, key = *key, id = query->id] {
    FinishQuery(key, id, DeadlineExceeded("no worker answered the query in time"));
  });
  queries_[*key].push_back(std::move(query));
  if (rides) return;
  // What the query must see is committed; a worker may not see it before it is durable.
  WhenDurable(execution.last_commit, [this, key = *key, id = added.id] {
    PendingQuery* waiting = FindQuery(key, id);
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
    host_.executor.Post([this, key, id] { FinishQuery(key, id, NobodyPolls()); });
  };
  host_.sink.OfferIfPolled(std::move(task), std::move(queue), sticky ? std::optional(normal) : std::nullopt,
                           std::move(nobody));
  if (!sticky) return;
  Duration patience = history::FromProto(bookkeeping.sticky().schedule_to_start_timeout());
  if (patience <= Duration::zero()) patience = kDefaultStickyTimeout;
  host_.timers.After(patience, host_.executor, [this, key = execution.key, id = query.id] {
    PendingQuery* waiting = FindQuery(key, id);
    if (!waiting || waiting->state != PendingQuery::State::kOffered || waiting->delivered) return;
    Result<Execution*> loaded = Load(key);
    if (loaded) SendQueryTask(**loaded, *waiting, /*allow_sticky=*/false);
  });
}

void Shard::TakeQuery(const matching::TaskRef& task, Taker taker, Callback<std::string> done) {
  WFE_CHECK(host_.executor.OnStrand());
  if (stopped_) return done(ShuttingDown());
  PendingQuery* query = FindQuery(task.execution, task.query_id);
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
  const engine::v1::Folded& folded = execution.state.folded();
  ws::PollWorkflowTaskQueueResponse response;
  engine::v1::TaskToken token;
  token.set_namespace_(execution.key.ns.value());
  token.set_workflow_id(execution.key.workflow_id.value());
  token.set_run_id(execution.key.run_id.value());
  token.set_kind(engine::v1::TaskToken::KIND_QUERY);
  token.set_query_id(query->id);
  response.set_task_token(host_.tokens.Seal(std::move(token)));
  response.mutable_workflow_execution()->set_workflow_id(execution.key.workflow_id.value());
  response.mutable_workflow_execution()->set_run_id(execution.key.run_id.value());
  *response.mutable_workflow_type() = folded.workflow_type();
  response.set_previous_started_event_id(folded.last_completed_started_event_id());
  response.set_attempt(1);
  response.mutable_workflow_execution_task_queue()->set_name(folded.task_queue());
  response.mutable_workflow_execution_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  *response.mutable_query() = query->query;

  std::string history;
  if (!taker.sticky) {
    Result<TaskPage> page = TaskHistory(execution, 1, folded.next_event_id());
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
  WFE_CHECK(host_.executor.OnStrand());
  if (stopped_) return done(ShuttingDown());
  const ExecutionKey key = KeyOf(token);
  PendingQuery* query = FindQuery(key, token.query_id());
  if (!query) return done(NotFound("query task not found, or already expired"));
  if (request.completed_type() == enums::QUERY_RESULT_TYPE_ANSWERED) {
    FinishQuery(key, token.query_id(), ResultOf(request.query_result(), options_.history.max_payload_bytes));
  } else if (request.completed_type() == enums::QUERY_RESULT_TYPE_FAILED) {
    FinishQuery(key, token.query_id(),
                QueryFailed(request.error_message(), request.has_failure() ? &request.failure() : nullptr));
  } else {
    return done(InvalidArgument("completed_type of a query answer must be ANSWERED or FAILED"));
  }
  done(MutateOutcome{.run_id = key.run_id.value(), .cancel_requested = false});
}

// --- Riding on workflow tasks.

void Shard::AttachQueries(const Execution& execution, ws::PollWorkflowTaskQueueResponse* response) {
  const history::StartedWorkflowTask& task = *execution.state.workflow_task().started;
  for (PendingQuery* query : QueriesOf(execution.key)) {
    if (query->state != PendingQuery::State::kBuffered) continue;
    query->state = PendingQuery::State::kAttached;
    query->attached_to = task.started_event_id;
    query->attached_attempt = task.attempt;
    (*response->mutable_queries())[query->id] = query->query;
  }
}

void Shard::TakeQueryResults(const Execution& execution, ws::RespondWorkflowTaskCompletedRequest& request) {
  for (auto* const entry : InOrder(*request.mutable_query_results())) {
    auto& [id, result] = *entry;
    PendingQuery* query = FindQuery(execution.key, id);
    if (!query || query->state != PendingQuery::State::kAttached) continue;
    query->state = PendingQuery::State::kAnswered;
    Result<std::string> answer = std::string();
    if (result.result_type() == enums::QUERY_RESULT_TYPE_ANSWERED) {
      answer = ResultOf(std::move(*result.mutable_answer()), options_.history.max_payload_bytes);
    } else {
      answer = QueryFailed(result.error_message(), result.has_failure() ? &result.failure() : nullptr);
    }
    // The answer shows what this completion does, so it waits until that is durable: it is the next commit.
    WhenDurable(handed_in_ + 1,
                [this, key = execution.key, answered = query->id, answer = std::move(answer)]() mutable {
                  FinishQuery(key, answered, std::move(answer));
                });
  }
}

void Shard::ReconcileQueries(Execution& execution) {
  if (!queries_.contains(execution.key)) return;
  const history::MutableState& state = execution.state;
  const bool pending = state.IsOpen() && state.HasPendingWorkflowTask();
  const bool failing =
      pending && state.workflow_task().attempt >= options_.query_max_workflow_task_attempt;
  for (PendingQuery* query : QueriesOf(execution.key)) {
    if (query->state == PendingQuery::State::kAttached) {
      const auto& task = state.workflow_task().started;
      if (task && task->started_event_id == query->attached_to && task->attempt == query->attached_attempt) continue;
      query->state = PendingQuery::State::kBuffered;  // the task ended without an answer
    }
    if (query->state != PendingQuery::State::kBuffered) continue;
    if (failing) {  // S67
      FinishQuery(execution.key, std::string(query->id),
                  NotReady("Cannot query workflow due to Workflow Task in failed state."));
    } else if (!pending) {
      query->state = PendingQuery::State::kOffered;
      WhenDurable(execution.last_commit, [this, key = execution.key, id = query->id] {
        PendingQuery* waiting = FindQuery(key, id);
        Result<Execution*> loaded = waiting ? Load(key) : Result<Execution*>(nullptr);
        if (waiting && loaded) SendQueryTask(**loaded, *waiting, /*allow_sticky=*/true);
      });
    }
  }
}

std::vector<Shard::PendingQuery*> Shard::QueriesOf(const ExecutionKey& key) {
  std::vector<PendingQuery*> queries;
  const auto found = queries_.find(key);
  if (found == queries_.end()) return queries;
  for (const std::unique_ptr<PendingQuery>& query : found->second) queries.push_back(query.get());
  return queries;
}

Shard::PendingQuery* Shard::FindQuery(const ExecutionKey& key, const std::string& query_id) {
  for (PendingQuery* query : QueriesOf(key)) {
    if (query->id == query_id) return query;
  }
  return nullptr;
}

void Shard::FinishQuery(const ExecutionKey& key, const std::string& query_id, Result<std::string> answer) {
  const auto found = queries_.find(key);
  if (found == queries_.end()) return;
  auto finished = TakeIf(found->second, [&](const PendingQuery& query) { return query.id == query_id; });
  if (found->second.empty()) queries_.erase(found);
  for (std::unique_ptr<PendingQuery>& query : finished) {
    --waiting_queries_;
    host_.timers.Cancel(query->timer);
    if (query->state == PendingQuery::State::kOffered) {
      host_.sink.Withdraw({key, matching::TaskKind::kQuery, 0, query->id});
    }
    query->done(std::move(answer));
  }
}

}  // namespace wfe::shard
