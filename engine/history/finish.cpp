#include "engine/history/finish.h"

#include <algorithm>
#include <utility>

#include "engine/history/close.h"
#include "engine/history/failures.h"
#include "engine/history/pending_offers.h"
#include "engine/history/workflow_task.h"

namespace wfe::history {
namespace {

/// S51: a worker that holds its task too long must not make the buffer grow without end.
void HoldBufferToLimits(Builder& builder) {
  const EventBuffer& buffer = builder.state().buffer();
  if (!builder.state().workflow_task().started.has_value() || buffer.events.empty()) return;
  const Limits& limits = builder.limits();
  if (static_cast<int64_t>(buffer.events.size()) <= limits.max_buffered_events &&
      buffer.bytes <= limits.max_buffered_bytes) {
    return;
  }
  FailStartedTask(builder, {.cause = enums::WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
                            .failure = ServerFailure("too many events were buffered behind the workflow task", true),
                            .identity = {},
                            .binary_checksum = {}});
}

/// S54, S58: a run beyond the limits is terminated, whatever brought it there: an event, a heartbeat, a failed attempt.
void HoldSizesToLimits(Builder& builder) {
  if (!builder.is_durable()) return;
  const Limits& limits = builder.limits();
  const int64_t count = builder.state().folded().next_event_id() - 1;
  const int64_t bytes = builder.state().bookkeeping().history_size_bytes();
  if (count > limits.max_history_events) {
    TerminateRun(builder, "Workflow history count exceeds limit: " + std::to_string(count) + " events, at most " +
                              std::to_string(limits.max_history_events) + " (max_history_events)");
  } else if (bytes > limits.max_history_bytes) {
    TerminateRun(builder, "Workflow history size exceeds limit: " + std::to_string(bytes) + " bytes, at most " +
                              std::to_string(limits.max_history_bytes) + " (max_history_bytes)");
  } else if (const int64_t state = builder.state().SizeBytes(); state > limits.max_state_bytes) {
    TerminateRun(builder, "Workflow mutable state size exceeds limit: " + std::to_string(state) + " bytes, at most " +
                              std::to_string(limits.max_state_bytes) + " (max_state_bytes)");
  }
}

/// A later step of the same transition may have ended what an earlier one offered.
bool IsStale(const MutableState& state, const Effect& effect) {
  if (const auto* offer = std::get_if<OfferActivityTask>(&effect)) {
    const auto* attempt = FindAttempt(state, offer->scheduled_event_id);
    return attempt == nullptr || attempt->has_started_time() || attempt->attempt() != offer->attempt;
  }
  if (const auto* eager = std::get_if<DeliverEagerActivity>(&effect)) {
    return FindAttempt(state, eager->scheduled_event_id) == nullptr;
  }
  return false;
}

}  // namespace

Transition Finish(Builder builder) {
  if (builder.state().IsOpen()) HoldBufferToLimits(builder);
  if (builder.state().IsOpen()) HoldSizesToLimits(builder);
  if (builder.state().IsOpen() && builder.asked_for_workflow_task() && !builder.state().HasPendingWorkflowTask() &&
      !builder.state().bookkeeping().has_first_task_at()) {
    ScheduleWorkflowTask(builder);
  }

  auto& effects = builder.transition().effects;
  std::erase_if(effects, [&](const Effect& effect) { return IsStale(builder.state(), effect); });
  if (builder.state().IsOpen() && builder.offer_workflow_task()) {
    builder.Emit(WorkflowTaskOffer(builder.state()));
    builder.transition().new_workflow_task_scheduled = true;
  }
  if (builder.was_open() && !builder.state().IsOpen()) {
    builder.Emit(RunClosed{builder.state().folded().new_run_id()});
  }
  if (builder.is_durable()) builder.Record(note::TransitionCounted{});
  builder.transition().needs_commit = builder.is_durable();
  return std::move(builder).Take();
}

}  // namespace wfe::history
