// What is asked of a shard, and what it answers.
#pragma once

#include <string>

#include "engine/base/function.h"
#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "temporal/api/common/v1/message.pb.h"
#include "temporal/api/enums/v1/query.pb.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "temporal/api/failure/v1/message.pb.h"
#include "temporal/api/query/v1/message.pb.h"

namespace wfe::shard {

/// Which run a caller means.
struct Target {
  WorkflowKey workflow;
  RunId run_id;  ///< Empty: the current run.
  /// Not empty: the current run, whatever `run_id` says, and it must belong to this chain (S82, WIRE-F5).
  std::string first_execution_run_id;
};

/// Who takes a task.
struct Taker {
  std::string identity;
  bool sticky = false;    ///< It polls its sticky queue, so it has the run in its cache.
  Function<bool()> gone;  ///< True when the caller has left; may be empty.
};

struct StartOutcome {
  std::string run_id;
  std::string first_execution_run_id;
  bool started = false;  ///< False when an existing run was found (S5, S6).
  temporal::api::enums::v1::WorkflowExecutionStatus status{};
  std::string eager_workflow_task;  ///< A serialized PollWorkflowTaskQueueResponse, or empty (S12).
};

struct MutateOutcome {
  std::string run_id;
  bool cancel_requested = false;  ///< Of an activity, for its heartbeat.
};

/// A page of a history, or the answer of a long poll for it.
struct HistoryPage {
  std::string history;          ///< Serialized History; may be empty.
  std::string next_page_token;  ///< Empty: the end.
};

struct HistoryRequest {
  Target target;
  int page_size = 0;
  std::string page_token;
  bool wait_new_event = false;
  bool close_event_only = false;
  bool follows_runs = true;  ///< The caller reads new_execution_run_id of a failed or timed-out run (WIRE-F4).
  Instant deadline = Instant::max();  ///< On the monotonic clock.
  Function<bool()> gone;              ///< True when the caller has left; may be empty.
};

struct QueryRequest {
  Target target;
  temporal::api::query::v1::WorkflowQuery query;
  temporal::api::enums::v1::QueryRejectCondition reject{};
  Instant deadline = Instant::max();
  Function<bool()> gone;  ///< True when the caller has left; may be empty.
};

/// How a chain of runs (retries, continue-as-new) ended.
struct ChainEnd {
  temporal::api::enums::v1::WorkflowExecutionStatus status{};
  temporal::api::common::v1::Payloads result;   ///< Of a completed one.
  temporal::api::failure::v1::Failure failure;  ///< Of a failed or timed-out one.
};

/// What a comparison of index and states found, see Shard::CheckDerived.
struct DerivedDifference {
  int64_t executions = 0;
  int64_t timers_missing = 0;
  int64_t timers_orphaned = 0;
};

}  // namespace wfe::shard
