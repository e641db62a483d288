#include "engine/shard/query_book.h"

#include <algorithm>

#include "engine/base/serialize.h"
#include "engine/history/failures.h"
#include "temporal/api/enums/v1/query.pb.h"
#include "temporal/api/errordetails/v1/message.pb.h"

namespace wfe::shard {

namespace enums = temporal::api::enums::v1;
namespace ws = temporal::api::workflowservice::v1;

namespace {

Error TaskFails() { return QueryNotReady("Cannot query workflow due to Workflow Task in failed state."); }

}  // namespace

Error QueryNotReady(std::string message) {
  temporal::api::errordetails::v1::WorkflowNotReadyFailure failure;
  Error error = FailedPrecondition(std::move(message));
  error.details.push_back({failure.GetTypeName(), Serialize(failure)});
  return error;
}

Error QueryFailed(const std::string& message, const temporal::api::failure::v1::Failure* cause) {
  temporal::api::errordetails::v1::QueryFailedFailure failure;
  constexpr int64_t kMaxFailureBytes = 1500;
  if (cause) *failure.mutable_failure() = history::Truncated(*cause, kMaxFailureBytes);
  Error error = InvalidArgument(message);
  error.details.push_back({failure.GetTypeName(), Serialize(failure)});
  return error;
}

Result<std::string> QueryResult(temporal::api::common::v1::Payloads result, int64_t max_bytes) {
  if (static_cast<int64_t>(result.ByteSizeLong()) > max_bytes) {
    return QueryFailed("Blob data size exceeds limit.", nullptr);
  }
  ws::QueryWorkflowResponse response;
  response.mutable_query_result()->Swap(&result);
  return Serialize(response);
}

Status QueryBook::CheckRoom(const ExecutionKey& key, bool rides) {
  if (rides) {
    for (PendingQuery* query : waiting_.Of(key)) {
      if (query->gone && query->gone()) Finish(key, std::string(query->id), Cancelled("the caller is gone"));
    }
    const auto of_run = waiting_.Of(key);
    const auto behind = std::count_if(of_run.begin(), of_run.end(), [](const PendingQuery* query) {
      return query->state == PendingQuery::State::kBuffered || query->state == PendingQuery::State::kAttached;
    });
    if (behind >= options_.max_buffered_queries) {
      return ResourceExhausted("consistent query buffer is full: " + std::to_string(behind) +
                               " wait for the workflow task of " + key.ToString());
    }
  }
  const auto of_run = static_cast<int64_t>(waiting_.Count(key));
  if (of_run >= options_.max_queries_per_run) {
    return ResourceExhausted(std::to_string(of_run) + " queries of " + key.ToString() +
                             " wait for an answer, no more are taken (max_queries_per_run)");
  }
  if (count_ >= options_.max_queries) {
    return ResourceExhausted(std::to_string(count_) +
                             " queries wait for an answer, no more are taken (max_queries)");
  }
  return Ok();
}

PendingQuery& QueryBook::Add(const ExecutionKey& key, QueryRequest request, Callback<std::string> done) {
  ++count_;
  auto query = std::make_unique<PendingQuery>();
  query->id = "query-" + std::to_string(++last_id_);
  query->query = std::move(request.query);
  query->done = std::move(done);
  query->gone = std::move(request.gone);
  const Duration left = std::max(Duration::zero(), request.deadline - clock_.Now());
  query->timer = timers_.After(left, strand_, [this, key, id = query->id] {
    Finish(key, id, DeadlineExceeded("no worker answered the query in time"));
  });
  return waiting_.Add(key, std::move(query));
}

PendingQuery* QueryBook::Find(const ExecutionKey& key, const std::string& id) const {
  for (PendingQuery* query : waiting_.Of(key)) {
    if (query->id == id) return query;
  }
  return nullptr;
}

void QueryBook::Finish(const ExecutionKey& key, const std::string& id, Result<std::string> answer) {
  for (const auto& query : waiting_.TakeIf(key, [&](const PendingQuery& one) { return one.id == id; })) {
    --count_;
    timers_.Cancel(query->timer);
    if (query->state == PendingQuery::State::kOffered) {
      sink_.Withdraw({key, matching::TaskKind::kQuery, 0, query->id});
    }
    query->done(std::move(answer));
  }
}

void QueryBook::FailAll(const Error& error) {
  count_ = 0;
  for (const auto& query : waiting_.TakeAll()) {
    timers_.Cancel(query->timer);
    query->done(error);
  }
}

void QueryBook::Attach(const ExecutionKey& key, const history::StartedWorkflowTask& task,
                       ws::PollWorkflowTaskQueueResponse* response) {
  for (PendingQuery* query : waiting_.Of(key)) {
    if (query->state != PendingQuery::State::kBuffered) continue;
    query->state = PendingQuery::State::kAttached;
    query->attached_to = task.started_event_id;
    query->attached_attempt = task.attempt;
    (*response->mutable_queries())[query->id] = query->query;
  }
}

QueryBook::Answers QueryBook::TakeAnswers(const ExecutionKey& key, ws::RespondWorkflowTaskCompletedRequest& request) {
  Answers answers;
  for (auto* const entry : InOrder(*request.mutable_query_results())) {
    auto& [id, result] = *entry;
    PendingQuery* query = Find(key, id);
    if (!query || query->state != PendingQuery::State::kAttached) continue;
    query->state = PendingQuery::State::kAnswered;
    if (result.result_type() == enums::QUERY_RESULT_TYPE_ANSWERED) {
      answers.emplace_back(id,
                           QueryResult(std::move(*result.mutable_answer()), options_.history.max_payload_bytes));
    } else {
      answers.emplace_back(id,
                           QueryFailed(result.error_message(), result.has_failure() ? &result.failure() : nullptr));
    }
  }
  return answers;
}

std::vector<std::string> QueryBook::Reconcile(const ExecutionKey& key, const history::MutableState& state) {
  std::vector<std::string> offered;
  if (!waiting_.Has(key)) return offered;
  const bool pending = state.IsOpen() && state.HasPendingWorkflowTask();
  const bool failing = pending && state.workflow_task().attempt >= options_.query_max_workflow_task_attempt;
  for (PendingQuery* query : waiting_.Of(key)) {
    if (query->state == PendingQuery::State::kAttached) {
      const auto& task = state.workflow_task().started;
      if (task && task->started_event_id == query->attached_to && task->attempt == query->attached_attempt) continue;
      query->state = PendingQuery::State::kBuffered;  // the task ended without an answer
    }
    if (query->state != PendingQuery::State::kBuffered) continue;
    if (failing) {
      Finish(key, std::string(query->id), TaskFails());
    } else if (!pending) {
      query->state = PendingQuery::State::kOffered;
      offered.push_back(query->id);
    }
  }
  return offered;
}

}  // namespace wfe::shard
