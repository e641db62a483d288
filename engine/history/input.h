// What can happen to an execution.  One small struct each; `now` and fresh ids are given beside it, never asked for.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/history/mutable_state.h"
#include "temporal/api/command/v1/message.pb.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "wfe/engine/v1/obligation.pb.h"

namespace wfe::history {

namespace ws = temporal::api::workflowservice::v1;
namespace common = temporal::api::common::v1;
namespace failure = temporal::api::failure::v1;

/// The engine has loaded this execution after a start: what was volatile is gone.  Gives events that were buffered
/// behind a lost workflow task their ids, and names again everything that must be offered.
struct Recovered {};

/// Time has passed: everything due by `now` happens, in due order (timers, timeouts, retries, back-offs, run timeout,
/// sticky fall-back).  The only timer input there is, so a stale timer cannot do harm; see NextDeadline.
struct Tick {
  /// Run id to use if the run times out and is retried; empty: one is derived from this run's id.
  std::string new_run_id;
  /// The run's first event, when NeedsFirstEvent asks for it.
  std::shared_ptr<const HistoryEvent> first_event;
};

/// The workflow that sent a signal or a cancel request; empty when a client did.
struct Sender {
  std::string ns;
  common::WorkflowExecution execution;
  EventId initiated_event_id = 0;  ///< Of its event that says so; 0: its close policy did.
  bool only_to_child = false;      ///< Refused by a run that is not its child.
};

struct SignalReceived {
  std::string signal_name;
  common::Payloads input;
  common::Header header;
  std::string identity;
  std::string request_id;
  Sender from = {};
};

struct CancelRequested {
  std::string reason;
  std::string identity;
  std::string request_id;
  Sender from = {};
};

struct TerminateRequested {
  std::string reason;
  common::Payloads details;
  std::string identity;
};

/// A poller took the workflow task.  Changes only the volatile part.
struct WorkflowTaskStarted {
  EventId scheduled_event_id = 0;
  int32_t attempt = 1;
  std::string identity;
  std::string request_id;
};

struct WorkflowTaskCompleted {
  EventId started_event_id = 0;
  int32_t attempt = 1;
  ws::RespondWorkflowTaskCompletedRequest request;
  /// Activities to hand back at once with the reply, as many as the worker asked for and the host allows (R2).
  bool allow_eager_activities = true;
  /// Run id to use if a command continues as new or the run is retried; empty: one is derived from this run's id.
  std::string new_run_id;
  /// The run's first event, when NeedsFirstEvent asks for it.
  std::shared_ptr<const HistoryEvent> first_event;
};

struct WorkflowTaskFailed {
  EventId started_event_id = 0;
  int32_t attempt = 1;
  temporal::api::enums::v1::WorkflowTaskFailedCause cause{};
  failure::Failure failure;
  std::string identity;
  std::string binary_checksum;
};

/// The worker's cache is gone or the sticky queue is (ResetStickyTaskQueue, ShutdownWorker).
struct StickyCleared {
  /// Clears only when the sticky queue has this name; empty: whatever it is.
  std::string only_queue;
};

/// A poller took the activity task.  Its Started event is written when it closes (S30); the start is bookkeeping.
struct ActivityTaskStarted {
  EventId scheduled_event_id = 0;
  int32_t attempt = 1;
  std::string identity;
  std::string request_id;
};

/// How an activity is named by the caller: by the token's ids, checked against the attempt (pitfall 8), or by activity
/// id alone (the *ById calls), where the attempt is 0.
struct ActivityRef {
  EventId scheduled_event_id = 0;
  int32_t attempt = 0;
  std::string activity_id;
};

struct ActivityTaskCompleted {
  ActivityRef activity;
  common::Payloads result;
  std::string identity;
};

struct ActivityTaskFailed {
  ActivityRef activity;
  failure::Failure failure;
  std::string identity;
  std::optional<common::Payloads> last_heartbeat_details;
};

struct ActivityTaskCanceled {
  ActivityRef activity;
  common::Payloads details;
  std::string identity;
};

struct ActivityHeartbeat {
  ActivityRef activity;
  common::Payloads details;
  std::string identity;
};

/// Why a duty was refused by the run it was owed to.
enum class Refusal { kNone, kNotFound, kAlreadyExists, kNamespaceNotFound, kTooManySignals };

/// A duty of this run that has an answer (IsAnswered in obligations.h) was paid or refused.
struct ObligationAnswered {
  std::shared_ptr<const engine::v1::Obligation> obligation;
  Refusal refusal = Refusal::kNone;
};

/// A child of this run has ended.  UNAVAILABLE while its start is not in the history: it is to be told again.
struct ChildEnded {
  std::shared_ptr<const engine::v1::Obligation> obligation;  ///< The child's, with `child_closed`.
};

using Input = std::variant<Recovered, Tick, SignalReceived, CancelRequested, TerminateRequested, WorkflowTaskStarted,
                           WorkflowTaskCompleted, WorkflowTaskFailed, StickyCleared, ActivityTaskStarted,
                           ActivityTaskCompleted, ActivityTaskFailed, ActivityTaskCanceled, ActivityHeartbeat,
                           ObligationAnswered, ChildEnded>;

/// A new run: by a client's start, by its parent, by continue-as-new, by a retry of the workflow.
struct StartInput {
  ExecutionKey key;
  std::string first_execution_run_id;  ///< Empty: this run is the first.
  ws::StartWorkflowExecutionRequest request;
  /// Set when this run follows another one.
  std::string continued_from_run_id;
  temporal::api::enums::v1::ContinueAsNewInitiator initiator{};
  failure::Failure continued_failure;
  common::Payloads last_completion_result;
  int32_t attempt = 1;
  std::optional<Duration> first_task_backoff;
  std::optional<Instant> execution_expiration;
  std::vector<temporal::api::workflow::v1::ResetPointInfo> reset_points;  ///< Of the runs before it.
  std::optional<engine::v1::Parent> parent;                               ///< Of a child workflow.
  common::WorkflowExecution root;                                         ///< At the top of its family.
};

}  // namespace wfe::history
