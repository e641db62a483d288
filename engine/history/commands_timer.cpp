#include <utility>

#include "engine/base/proto_time.h"
#include "engine/history/buffered.h"
#include "engine/history/commands.h"

namespace wfe::history {
namespace {

constexpr auto kBadStart = enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_START_TIMER_ATTRIBUTES;
constexpr auto kBadTimerCancel = enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_CANCEL_TIMER_ATTRIBUTES;

}  // namespace

CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::StartTimerCommandAttributes& attributes) {
  Builder& builder = context.builder;
  const Limits& limits = builder.limits();
  WFE_RETURN_IF_BAD(CheckId(attributes.timer_id(), "timer id", kBadStart, limits));
  const std::string name = "timer \"" + attributes.timer_id() + "\"";
  if (!attributes.has_start_to_fire_timeout() || FromProto(attributes.start_to_fire_timeout()) < Duration::zero()) {
    return BadCommand{kBadStart, name + " has no valid start_to_fire_timeout"};
  }
  if (builder.state().TimerById(attributes.timer_id()) != 0) {  // H20
    return BadCommand{enums::WORKFLOW_TASK_FAILED_CAUSE_START_TIMER_DUPLICATE_ID, name + " is already running"};
  }
  if (static_cast<int64_t>(builder.state().timers().size()) >= limits.max_pending_timers) {
    return BadCommand{kBadStart, name + ": " + std::to_string(limits.max_pending_timers) +
                                     " timers are running already (max_pending_timers)"};
  }
  HistoryEvent event = CommandEvent(enums::EVENT_TYPE_TIMER_STARTED, command);
  auto& started = *event.mutable_timer_started_event_attributes();
  started.set_timer_id(attributes.timer_id());
  *started.mutable_start_to_fire_timeout() = ToProto(FromProto(attributes.start_to_fire_timeout()));
  started.set_workflow_task_completed_event_id(context.completed_event_id);
  builder.Append(std::move(event));
  return std::nullopt;
}

CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::CancelTimerCommandAttributes& attributes) {
  Builder& builder = context.builder;
  const EventId started_event_id = builder.state().TimerById(attributes.timer_id());
  if (started_event_id == 0) {
    return BadCommand{kBadTimerCancel, "timer \"" + attributes.timer_id() + "\" is not running"};
  }
  // It fired while the worker was deciding to cancel it: the worker has not seen that, so it never happened.
  if (IsTimerFiringBuffered(builder.state(), started_event_id)) {
    builder.Record(note::BufferedTimerDropped{started_event_id});
  }
  HistoryEvent event = CommandEvent(enums::EVENT_TYPE_TIMER_CANCELED, command);
  auto& canceled = *event.mutable_timer_canceled_event_attributes();
  canceled.set_timer_id(attributes.timer_id());
  canceled.set_started_event_id(started_event_id);
  canceled.set_workflow_task_completed_event_id(context.completed_event_id);
  canceled.set_identity(context.input.request.identity());
  builder.Append(std::move(event));
  return std::nullopt;
}

}  // namespace wfe::history
