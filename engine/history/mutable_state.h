// The state of one workflow execution: the stored message plus the volatile part that a crash may lose.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "wfe/engine/v1/state.pb.h"

namespace wfe::history {

using HistoryEvent = temporal::api::history::v1::HistoryEvent;

/// The workflow task a worker holds now.  Not stored: its Started event is committed with its completion (design rule
/// R1), so after a crash the task is offered again and the old holder's answer is refused.
struct StartedWorkflowTask {
  EventId started_event_id = 0;    ///< The id its Started event will get.
  EventId scheduled_event_id = 0;  ///< The id of its Scheduled event, to come when the task is transient.
  int32_t attempt = 1;
  Instant started_time;
  Instant deadline;  ///< start-to-close
  std::string identity;
  std::string request_id;
  int64_t history_size_bytes = 0;
  bool suggest_continue_as_new = false;
  std::vector<temporal::api::enums::v1::SuggestContinueAsNewReason> suggest_reasons;  ///< S55; why it is suggested
};

/// One execution.  Changed by Apply alone; owned by its shard, used from the shard's strand.
struct MutableState {
  engine::v1::MutableState stored;
  std::optional<StartedWorkflowTask> started_workflow_task;

  const engine::v1::Folded& folded() const { return stored.folded(); }
  const engine::v1::Bookkeeping& bookkeeping() const { return stored.bookkeeping(); }

  bool IsOpen() const;
  /// A workflow task is in the history as scheduled, or is due as a transient one; started or not.
  bool HasPendingWorkflowTask() const;
  ExecutionKey Key() const;
};

const engine::v1::PendingActivity* FindActivity(const MutableState& state, EventId scheduled_event_id);
const engine::v1::PendingActivity* FindActivityById(const MutableState& state, const std::string& activity_id);
const engine::v1::ActivityAttempt* FindAttempt(const MutableState& state, EventId scheduled_event_id);

}  // namespace wfe::history
