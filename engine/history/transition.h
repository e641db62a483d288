// What one input means for an execution.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/history/mutable_state.h"

namespace wfe::history {

/// A workflow task is there to be taken from `queue`.  Offering the same task twice is harmless: the second start of it
/// is refused by Decide.
struct OfferWorkflowTask {
  std::string queue;
  bool sticky = false;
  std::string normal_queue;  ///< Of the execution; equals `queue` unless sticky.
  EventId scheduled_event_id = 0;
  int32_t attempt = 1;
};

/// An activity attempt is there to be taken.
struct OfferActivityTask {
  std::string queue;
  EventId scheduled_event_id = 0;
  int32_t attempt = 1;
};

/// These activities were started together with the completion and go back in its reply (R2).
struct DeliverEagerActivity {
  EventId scheduled_event_id = 0;
  int32_t attempt = 1;
};

/// The run is closed: wake who waits for it, forget its tasks.
struct RunClosed {
  std::string new_run_id;  ///< Of the run that follows, or empty.
};

using Effect = std::variant<OfferWorkflowTask, OfferActivityTask, DeliverEagerActivity, RunClosed>;

struct Transition {
  /// To append, in order; already applied to `next`.
  std::vector<HistoryEvent> events;
  /// The state after the transition: events and notes applied.
  MutableState next;
  /// To carry out after the commit is durable.
  std::vector<Effect> effects;
  /// A following run that starts in the same commit (continue-as-new, workflow retry).
  std::unique_ptr<Transition> new_run;
  /// False when only the volatile part changed: nothing to commit.
  bool needs_commit = true;
  /// Replies carry these.
  bool cancel_requested = false;  ///< Of the activity, for a heartbeat's reply.
  /// The completion was refused and turned into a failed task of this cause (S15, bad commands); the caller's RPC
  /// answers INVALID_ARGUMENT with `refusal`.
  std::optional<std::string> refusal;
  /// A workflow task of this execution was scheduled again while completing (RespondWorkflowTaskCompleted with
  /// return_new_workflow_task may carry it).
  bool new_workflow_task_scheduled = false;
};

}  // namespace wfe::history
