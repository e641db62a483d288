#include "engine/history/pending_offers.h"

#include "engine/history/buffered.h"
#include "engine/history/decide.h"
#include "engine/history/names.h"
#include "engine/history/proto_time.h"

namespace wfe::history {

OfferWorkflowTask WorkflowTaskOffer(const MutableState& state) {
  OfferWorkflowTask offer{.queue = state.folded().task_queue(),
                          .sticky = false,
                          .normal_queue = state.folded().task_queue(),
                          .scheduled_event_id = state.folded().next_event_id(),
                          .attempt = state.bookkeeping().workflow_task_attempt()};
  if (state.folded().has_workflow_task()) {
    const auto& task = state.folded().workflow_task();
    offer.queue = task.task_queue().name();
    offer.sticky = task.task_queue().kind() == enums::TASK_QUEUE_KIND_STICKY;
    offer.scheduled_event_id = task.scheduled_event_id();
    offer.attempt = task.attempt();
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
  const auto& book = state.bookkeeping();
  const bool task_is_due = !book.has_workflow_task_not_before() || FromProto(book.workflow_task_not_before()) <= now;
  if (state.HasPendingWorkflowTask() && !state.started_workflow_task.has_value() && task_is_due) {
    offers.push_back(WorkflowTaskOffer(state));
  }
  for (const auto& attempt : book.activity_attempts()) {
    if (attempt.has_started_time()) continue;
    if (attempt.backing_off() && FromProto(attempt.scheduled_time()) > now) continue;
    if (IsActivityCloseBuffered(state, attempt.scheduled_event_id())) continue;
    if (auto offer = ActivityTaskOffer(state, attempt.scheduled_event_id())) offers.push_back(*offer);
  }
  return offers;
}

}  // namespace wfe::history
