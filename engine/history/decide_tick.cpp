// What time does, and what a restart leaves to be done.
#include <utility>

#include "engine/history/activity.h"
#include "engine/history/close.h"
#include "engine/history/deadlines.h"
#include "engine/history/failures.h"
#include "engine/history/finish.h"
#include "engine/history/handlers.h"
#include "engine/history/pending_offers.h"
#include "engine/history/workflow_task.h"

namespace wfe::history {
namespace {

/// A strand gives others a turn after so many (F16).
constexpr int kMaxStepsOfATick = 256;

void FireTimer(Builder& builder, EventId started_event_id) {
  const auto found = builder.state().timers().find(started_event_id);
  WFE_CHECK(found != builder.state().timers().end(), "a due timer is open");
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_TIMER_FIRED);
  event.mutable_timer_fired_event_attributes()->set_timer_id(found->second.started.timer_id());
  event.mutable_timer_fired_event_attributes()->set_started_event_id(started_event_id);
  builder.Happen(std::move(event));
}

void ReleaseActivity(Builder& builder, EventId scheduled_event_id) {
  builder.Record(note::AttemptReleased{scheduled_event_id});
  builder.Emit(*ActivityTaskOffer(builder.state(), scheduled_event_id));
}

void TimeOutRun(Builder& builder, const RunRetry& retry) {
  HistoryEvent event = NewEvent(enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT);
  auto& timed_out = *event.mutable_workflow_execution_timed_out_event_attributes();
  timed_out.set_retry_state(retry.state);
  timed_out.set_new_execution_run_id(retry.new_run_id);
  builder.Append(std::move(event));
}

void Handle(Builder& builder, const Due& due, const Tick& input) {
  switch (due.kind) {
    case DueKind::kExecutionTimeout:
      AbandonStartedTask(builder, "the workflow execution timed out");
      return TimeOutRun(builder, {.state = enums::RETRY_STATE_TIMEOUT, .new_run_id = {}});
    case DueKind::kRunTimeout:
      AbandonStartedTask(builder, "the workflow run timed out");
      return TimeOutRun(
          builder, RetryRun(builder, WorkflowTimeoutFailure(), input.new_run_id, input.first_event.get()));
    case DueKind::kFirstTask:
      builder.Record(note::FirstTaskReleased{});
      return builder.AskForWorkflowTask();
    case DueKind::kTimer:
      return FireTimer(builder, due.id);
    case DueKind::kActivityRelease:
      return ReleaseActivity(builder, due.id);
    case DueKind::kActivityStartToClose:
      return TimeOutActivity(builder, due.id, enums::TIMEOUT_TYPE_START_TO_CLOSE);
    case DueKind::kActivityScheduleToStart:
      return TimeOutActivity(builder, due.id, enums::TIMEOUT_TYPE_SCHEDULE_TO_START);
    case DueKind::kActivityScheduleToClose:
      return TimeOutActivity(builder, due.id, enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE);
    case DueKind::kActivityHeartbeat:
      return TimeOutActivity(builder, due.id, enums::TIMEOUT_TYPE_HEARTBEAT);
    case DueKind::kWorkflowTaskRelease:
      builder.Record(note::WorkflowTaskReleased{});
      return builder.OfferPendingWorkflowTask();
    case DueKind::kWorkflowTaskTimeout:
      return TimeOutStartedTask(builder);
    case DueKind::kStickyTimeout:
      return LeaveStickyQueue(builder);
  }
}

}  // namespace

Result<Transition> On(Builder builder, const Tick& input) {
  // Each step ends what was due or moves it into the future.  What is left stays due: the next Tick goes on with it.
  for (int steps = 0; steps < kMaxStepsOfATick; ++steps) {
    const auto due = NextDue(builder.state());
    if (!due.has_value() || due->at > builder.now()) break;
    Handle(builder, *due, input);
  }
  return Finish(std::move(builder));
}

Result<Transition> On(Builder builder, const Recovered&) {
  if (builder.state().workflow_task().started.has_value()) builder.Record(note::WorkflowTaskLost{});
  FlushBufferedEvents(builder);
  // The sticky worker gets its whole timeout to come back.
  if (WaitsOnStickyQueue(builder.state())) builder.Record(note::StickyOffered{builder.EventTime()});
  const Instant now = builder.now();
  Transition transition = Finish(std::move(builder));
  transition.effects = PendingOffers(transition.next, now);
  return transition;
}

}  // namespace wfe::history
