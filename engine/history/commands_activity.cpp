#include <algorithm>
#include <utility>

#include "engine/base/proto_time.h"
#include "engine/history/attribute_limits.h"
#include "engine/history/buffered.h"
#include "engine/history/commands.h"
#include "engine/history/pending_offers.h"
#include "engine/history/retry.h"
#include "engine/history/timeouts.h"

namespace wfe::history {
namespace {

constexpr auto kBadSchedule = enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SCHEDULE_ACTIVITY_ATTRIBUTES;
constexpr auto kBadActivityCancel = enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_ACTIVITY_ATTRIBUTES;
/// What Temporal gives as details when an activity is cancelled that nobody had started.
constexpr const char* kNotStarted = "\"ACTIVITY_ID_NOT_STARTED\"";

using Attributes = command::ScheduleActivityTaskCommandAttributes;
using Scheduled = api::history::v1::ActivityTaskScheduledEventAttributes;

CommandResult CheckTimeouts(const Attributes& attributes, const std::string& name) {
  const auto negative = [](const google::protobuf::Duration& timeout) { return FromProto(timeout) < Duration::zero(); };
  if (negative(attributes.schedule_to_close_timeout()) || negative(attributes.schedule_to_start_timeout()) ||
      negative(attributes.start_to_close_timeout()) || negative(attributes.heartbeat_timeout())) {
    return BadCommand{kBadSchedule, name + " has a negative timeout"};
  }
  if (!Timeout(attributes.schedule_to_close_timeout()) && !Timeout(attributes.start_to_close_timeout())) {  // S25
    return BadCommand{kBadSchedule, name + " has neither a schedule-to-close nor a start-to-close timeout"};
  }
  return std::nullopt;
}

/// Fills in what is missing and cuts what is too long (S26).
void FillTimeouts(const Attributes& attributes, const engine::v1::Folded& folded, Scheduled& scheduled) {
  const std::optional<Duration> run = Timeout(folded.workflow_run_timeout());
  const auto schedule_to_close = Earlier(Timeout(attributes.schedule_to_close_timeout()), run);
  const auto schedule_to_start = Earlier(Timeout(attributes.schedule_to_start_timeout()), schedule_to_close);
  const auto start_to_close = Earlier(Timeout(attributes.start_to_close_timeout()), schedule_to_close);
  std::optional<Duration> heartbeat = Timeout(attributes.heartbeat_timeout());
  if (heartbeat.has_value()) heartbeat = Earlier(heartbeat, start_to_close);
  // All four are written, 0 for none: SDKs take an absent one for something else than zero (WIRE-F17).
  const auto written = [](std::optional<Duration> timeout) { return ToProto(timeout.value_or(Duration::zero())); };
  *scheduled.mutable_schedule_to_close_timeout() = written(schedule_to_close);
  *scheduled.mutable_schedule_to_start_timeout() = written(schedule_to_start);
  *scheduled.mutable_start_to_close_timeout() = written(start_to_close);
  *scheduled.mutable_heartbeat_timeout() = written(heartbeat);
}

/// Its closing event waits for its place in the history.
bool IsOver(const CommandContext& context, EventId scheduled_event_id) {
  const auto closes_it = [&](const HistoryEvent& event) { return ActivityOf(event) == scheduled_event_id; };
  return IsActivityCloseBuffered(context.builder.state(), scheduled_event_id) ||
         std::any_of(context.canceled.begin(), context.canceled.end(), closes_it);
}

/// The id of an activity that the workflow has cancelled is free as soon as it has ended, though nothing says so yet.
bool IsIdInUse(const CommandContext& context, const std::string& activity_id) {
  const OpenActivity* activity = context.builder.state().ActivityById(activity_id);
  if (activity == nullptr) return false;
  const engine::v1::PendingActivity& scheduled = activity->scheduled;
  return scheduled.cancel_requested_event_id() == 0 || !IsOver(context, scheduled.scheduled_event_id());
}

CommandResult Check(const CommandContext& context, const Attributes& attributes) {
  const Limits& limits = context.builder.limits();
  const MutableState& state = context.builder.state();
  const std::string name = "activity \"" + attributes.activity_id() + "\"";
  WFE_RETURN_IF_BAD(CheckId(attributes.activity_id(), "activity id", kBadSchedule, limits));
  WFE_RETURN_IF_BAD(CheckId(attributes.activity_type().name(), "activity type of " + name, kBadSchedule, limits));
  if (!attributes.task_queue().name().empty()) {
    WFE_RETURN_IF_BAD(CheckId(attributes.task_queue().name(), "task queue of " + name, kBadSchedule, limits));
  }
  WFE_RETURN_IF_BAD(CheckTimeouts(attributes, name));
  if (auto problem = Problem(attributes.priority())) return BadCommand{kBadSchedule, name + ": " + *problem};
  WFE_RETURN_IF_BAD(CheckSize(attributes.input().ByteSizeLong(), "input of " + name, limits));
  if (attributes.has_retry_policy()) {
    const Status policy = CheckRetryPolicy(attributes.retry_policy());
    if (!policy.has_value()) return BadCommand{kBadSchedule, name + ": " + policy.error().message};
  }
  if (IsIdInUse(context, attributes.activity_id())) {  // H18
    return BadCommand{enums::WORKFLOW_TASK_FAILED_CAUSE_SCHEDULE_ACTIVITY_DUPLICATE_ID, name + " is already open"};
  }
  const auto ended = static_cast<int64_t>(context.canceled.size());
  if (static_cast<int64_t>(state.activities().size()) - ended >= limits.max_pending_activities) {  // S31
    return BadCommand{enums::WORKFLOW_TASK_FAILED_CAUSE_PENDING_ACTIVITIES_LIMIT_EXCEEDED,
                      name + ": " + std::to_string(limits.max_pending_activities) +
                          " activities are open already (max_pending_activities)"};
  }
  return std::nullopt;
}

/// The worker that completes the task has a free slot for this activity: it starts in the same batch (R2).
bool StartsEagerly(const CommandContext& context, const Attributes& attributes, const Scheduled& scheduled) {
  return attributes.request_eager_execution() && context.input.allow_eager_activities &&
         scheduled.task_queue().name() == context.builder.state().folded().task_queue();
}

}  // namespace

CommandResult Run(CommandContext& context, const command::Command& command, const Attributes& attributes) {
  WFE_RETURN_IF_BAD(Check(context, attributes));
  Builder& builder = context.builder;
  HistoryEvent event = CommandEvent(enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, command);
  Scheduled& scheduled = *event.mutable_activity_task_scheduled_event_attributes();
  scheduled.set_activity_id(attributes.activity_id());
  *scheduled.mutable_activity_type() = attributes.activity_type();
  const std::string& queue = attributes.task_queue().name();
  scheduled.mutable_task_queue()->set_name(queue.empty() ? builder.state().folded().task_queue() : queue);
  scheduled.mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  if (attributes.has_header()) *scheduled.mutable_header() = attributes.header();
  if (attributes.has_input()) *scheduled.mutable_input() = attributes.input();
  FillTimeouts(attributes, builder.state().folded(), scheduled);
  scheduled.set_workflow_task_completed_event_id(context.completed_event_id);
  *scheduled.mutable_retry_policy() = WithDefaults(attributes.retry_policy());  // S17
  if (attributes.has_priority()) *scheduled.mutable_priority() = attributes.priority();
  scheduled.set_use_workflow_build_id(attributes.use_workflow_build_id());

  const bool eager = StartsEagerly(context, attributes, scheduled);
  const EventId id = builder.Append(std::move(event));
  if (eager) {
    context.eager.push_back(id);
  } else {
    builder.Emit(*ActivityTaskOffer(builder.state(), id));
  }
  return std::nullopt;
}

CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::RequestCancelActivityTaskCommandAttributes& attributes) {
  Builder& builder = context.builder;
  const EventId id = attributes.scheduled_event_id();
  const auto* activity = FindActivity(builder.state(), id);
  const std::string name = "activity scheduled by event " + std::to_string(id);
  if (activity == nullptr) return BadCommand{kBadActivityCancel, name + " is not open"};
  if (activity->cancel_requested_event_id() != 0) return BadCommand{kBadActivityCancel, name + " is already being cancelled"};

  HistoryEvent event = CommandEvent(enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED, command);
  auto& requested = *event.mutable_activity_task_cancel_requested_event_attributes();
  requested.set_scheduled_event_id(id);
  requested.set_workflow_task_completed_event_id(context.completed_event_id);
  const EventId requested_event_id = builder.Append(std::move(event));

  // Ended already: its closing event follows from the buffer.  Running: its worker learns of it by heartbeat (S34).
  if (IsActivityCloseBuffered(builder.state(), id) || FindAttempt(builder.state(), id)->has_started_time()) {
    return std::nullopt;
  }
  // Nobody holds it, so nobody could confirm: it is cancelled here and now (H10, H15).
  HistoryEvent event_later = NewEvent(enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED);
  auto& canceled = *event_later.mutable_activity_task_canceled_event_attributes();
  canceled.set_scheduled_event_id(id);
  canceled.set_latest_cancel_requested_event_id(requested_event_id);
  auto& details = *canceled.mutable_details()->add_payloads();
  (*details.mutable_metadata())["encoding"] = "json/plain";
  details.set_data(kNotStarted);
  canceled.set_identity(context.input.request.identity());
  context.canceled.push_back(std::move(event_later));
  return std::nullopt;
}

void FinishCommands(CommandContext& context) {
  Builder& builder = context.builder;
  for (HistoryEvent& event : context.canceled) {
    builder.Append(std::move(event));
    builder.AskForWorkflowTask();
  }
  for (const EventId id : context.eager) {
    if (FindActivity(builder.state(), id) == nullptr) continue;  // cancelled by a later command
    builder.Record(note::AttemptStarted{.scheduled_event_id = id,
                                        .time = builder.EventTime(),
                                        .identity = context.input.request.identity(),
                                        .request_id = "eager-" + std::to_string(id)});
    builder.Emit(DeliverEagerActivity{.scheduled_event_id = id, .attempt = 1});
  }
}

}  // namespace wfe::history
