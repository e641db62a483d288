// The queries that wait for an answer.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/base/executor.h"
#include "engine/base/ids.h"
#include "engine/history/mutable_state.h"
#include "engine/shard/callback.h"
#include "engine/shard/options.h"
#include "engine/shard/parked.h"
#include "engine/shard/requests.h"
#include "engine/shard/task_sink.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"

namespace wfe::shard {

struct PendingQuery {
  enum class State {
    kBuffered,  ///< Waits for the workflow task that is pending (pitfall 2).
    kAttached,  ///< Rides on the workflow task that a worker holds.
    kOffered,   ///< A query task of its own, in a queue or with a worker.
    kAnswered,  ///< The answer waits until what it shows is durable.
  };
  std::string id;
  temporal::api::query::v1::WorkflowQuery query;
  State state = State::kBuffered;
  EventId attached_to = 0;  ///< Started event id and attempt of the task it rides on.
  int32_t attached_attempt = 0;
  bool delivered = false;  ///< A worker holds the query's own task.
  Function<bool()> gone;
  TimerService::TimerId timer = 0;
  Callback<std::string> done;
};

/// Who asked what, and how far each question is on its way (S64-S68); the shard sends them.  Bounded by number.  Queries
/// hold no execution in memory.  Belongs to one strand, on which everything here is called and all answers run.
class QueryBook {
 public:
  /// `clock` is the scale of the deadlines.
  QueryBook(const Options& options, const Clock& clock, TimerService& timers, Executor& strand, TaskSink& sink)
      : options_(options), clock_(clock), timers_(timers), strand_(strand), sink_(sink) {}

  /// One more query of this run may come; `rides`: behind its workflow task.  Callers that have left make room.
  Status CheckRoom(const ExecutionKey& key, bool rides);
  /// Buffered until its deadline.  CheckRoom has let it in.
  PendingQuery& Add(const ExecutionKey& key, QueryRequest request, Callback<std::string> done);
  PendingQuery* Find(const ExecutionKey& key, const std::string& id) const;
  /// Answers it and withdraws its task; harmless when it is over.
  void Finish(const ExecutionKey& key, const std::string& id, Result<std::string> answer);
  void FailAll(const Error& error);

  /// The buffered ones ride on this task from here on.
  void Attach(const ExecutionKey& key, const history::StartedWorkflowTask& task,
              temporal::api::workflowservice::v1::PollWorkflowTaskQueueResponse* response);
  using Answers = std::vector<std::pair<std::string, Result<std::string>>>;
  /// What the completion of a task says of the queries that rode on it.  They are over when Finish gives them this,
  /// which the owner does when the completion is durable: the answers show what it does.
  Answers TakeAnswers(const ExecutionKey& key,
                      temporal::api::workflowservice::v1::RespondWorkflowTaskCompletedRequest& request);
  /// The run has moved: those that rode on a task that is over wait again, those behind a task that fails again and
  /// again are refused (S67), and those with no task to wait for are offered: their ids.
  std::vector<std::string> Reconcile(const ExecutionKey& key, const history::MutableState& state);

 private:
  const Options& options_;
  const Clock& clock_;
  TimerService& timers_;
  Executor& strand_;
  TaskSink& sink_;
  Parked<ExecutionKey, PendingQuery> waiting_;
  int64_t count_ = 0;
  uint64_t last_id_ = 0;
};

Error QueryNotReady(std::string message);
/// In Temporal's words, with the worker's failure cut to what fits into an error's details (SEC-M2).
Error QueryFailed(const std::string& message, const temporal::api::failure::v1::Failure* cause);
/// What a worker answered, as a serialized QueryWorkflowResponse, or that it is too much to hand on (WIRE-F15).
Result<std::string> QueryResult(temporal::api::common::v1::Payloads result, int64_t max_bytes);

}  // namespace wfe::shard
