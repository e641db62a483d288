#include "engine/history/pending_offers.h"

#include "engine/base/proto_time.h"
#include "engine/history/decide.h"
#include "engine/history/names.h"

namespace wfe::history {

OfferWorkflowTask WorkflowTaskOffer(const MutableState& state) {
  OfferWorkflowTask offer{.queue = state.folded().task_queue(),
                          .sticky = false,
                          .normal_queue = state.folded().task_queue(),
                          .scheduled_event_id = state.folded().next_event_id(),
                          .attempt = state.workflow_task().attempt};
  if (const WorkflowTask& task = state.workflow_task(); task.IsInHistory()) {
    offer.queue = task.queue.name();
    offer.sticky = task.queue.kind() == enums::TASK_QUEUE_KIND_STICKY;
    offer.scheduled_event_id = task.scheduled_event_id;
  }
  return offer;
}

std::optional<OfferActivityTask> ActivityTaskOffer(const MutableState& state, EventId scheduled_event_id) {
  const auto* activity = FindActivity(state, scheduled_event_id);
  const auto* attempt = FindAttempt(state, scheduled_event_id);
  if (activity == nullptr || attempt == nullptr) return std::nullopt;
  return OfferActivityTask{
      .queue = activity->task_queue(), .scheduled_event_id = scheduled_event_id, .attempt = attempt->attempt()};
}

std::vector<Effect> PendingOffers(const MutableState& state, Instant now) {
  std::vector<Effect> offers;
  if (!state.IsOpen()) return offers;
  const WorkflowTask& task = state.workflow_task();
  const bool task_is_due = !task.not_before.has_value() || *task.not_before <= now;
  if (task.IsPending() && !task.started.has_value() && task_is_due) offers.push_back(WorkflowTaskOffer(state));
  for (const auto& [id, activity] : state.activities()) {
    if (activity.attempt.has_started_time() || activity.close_buffered) continue;
    if (activity.attempt.backing_off() && FromProto(activity.attempt.scheduled_time()) > now) continue;
    if (auto offer = ActivityTaskOffer(state, id)) offers.push_back(*offer);
  }
  return offers;
}

}  // namespace wfe::history
