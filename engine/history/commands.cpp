#include "engine/history/commands.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/history/attribute_limits.h"
#include "engine/history/too_much.h"

namespace wfe::history {
namespace {

using enums::CommandType;

bool IsTerminal(CommandType type) {
  constexpr auto kTerminal = std::to_array<CommandType>(
      {enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION, enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION,
       enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION, enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION});
  return std::find(kTerminal.begin(), kTerminal.end(), type) != kTerminal.end();
}

/// What is wrong with a command of this type that has no attributes, or that is not served at all.
enums::WorkflowTaskFailedCause CauseFor(CommandType type) {
  switch (type) {
    case enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SCHEDULE_ACTIVITY_ATTRIBUTES;
    case enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_ACTIVITY_ATTRIBUTES;
    case enums::COMMAND_TYPE_START_TIMER:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_START_TIMER_ATTRIBUTES;
    case enums::COMMAND_TYPE_CANCEL_TIMER:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_CANCEL_TIMER_ATTRIBUTES;
    case enums::COMMAND_TYPE_RECORD_MARKER:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_RECORD_MARKER_ATTRIBUTES;
    case enums::COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SEARCH_ATTRIBUTES;
    case enums::COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_MODIFY_WORKFLOW_PROPERTIES_ATTRIBUTES;
    case enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_COMPLETE_WORKFLOW_EXECUTION_ATTRIBUTES;
    case enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_FAIL_WORKFLOW_EXECUTION_ATTRIBUTES;
    case enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_CANCEL_WORKFLOW_EXECUTION_ATTRIBUTES;
    case enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_CONTINUE_AS_NEW_ATTRIBUTES;
    case enums::COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_START_CHILD_EXECUTION_ATTRIBUTES;
    case enums::COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SIGNAL_WORKFLOW_EXECUTION_ATTRIBUTES;
    case enums::COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_ATTRIBUTES;
    case enums::COMMAND_TYPE_PROTOCOL_MESSAGE:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_UPDATE_WORKFLOW_EXECUTION_MESSAGE;
    case enums::COMMAND_TYPE_SCHEDULE_NEXUS_OPERATION:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SCHEDULE_NEXUS_OPERATION_ATTRIBUTES;
    case enums::COMMAND_TYPE_REQUEST_CANCEL_NEXUS_OPERATION:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_NEXUS_OPERATION_ATTRIBUTES;
    default:
      return enums::WORKFLOW_TASK_FAILED_CAUSE_UNSPECIFIED;
  }
}

std::string NameOf(CommandType type) {
  const std::string& name = enums::CommandType_Name(type);
  return name.empty() ? "command type " + std::to_string(static_cast<int>(type)) : name;
}

BadCommand Unserved(CommandType type) { return {CauseFor(type), NameOf(type) + " is not served by this engine"}; }

CommandResult Dispatch(CommandContext& context, const command::Command& command) {
  const auto missing = [&] {
    return BadCommand{CauseFor(command.command_type()),
                      NameOf(command.command_type()) + " has no attributes of its type"};
  };
  switch (command.command_type()) {
    case enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK:
      if (!command.has_schedule_activity_task_command_attributes()) return missing();
      return Run(context, command, command.schedule_activity_task_command_attributes());
    case enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK:
      if (!command.has_request_cancel_activity_task_command_attributes()) return missing();
      return Run(context, command, command.request_cancel_activity_task_command_attributes());
    case enums::COMMAND_TYPE_START_TIMER:
      if (!command.has_start_timer_command_attributes()) return missing();
      return Run(context, command, command.start_timer_command_attributes());
    case enums::COMMAND_TYPE_CANCEL_TIMER:
      if (!command.has_cancel_timer_command_attributes()) return missing();
      return Run(context, command, command.cancel_timer_command_attributes());
    case enums::COMMAND_TYPE_RECORD_MARKER:
      if (!command.has_record_marker_command_attributes()) return missing();
      return Run(context, command, command.record_marker_command_attributes());
    case enums::COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
      if (!command.has_upsert_workflow_search_attributes_command_attributes()) return missing();
      return Run(context, command, command.upsert_workflow_search_attributes_command_attributes());
    case enums::COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES:
      if (!command.has_modify_workflow_properties_command_attributes()) return missing();
      return Run(context, command, command.modify_workflow_properties_command_attributes());
    case enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION:
      if (!command.has_complete_workflow_execution_command_attributes()) return missing();
      return Run(context, command, command.complete_workflow_execution_command_attributes());
    case enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION:
      if (!command.has_fail_workflow_execution_command_attributes()) return missing();
      return Run(context, command, command.fail_workflow_execution_command_attributes());
    case enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION:
      if (!command.has_cancel_workflow_execution_command_attributes()) return missing();
      return Run(context, command, command.cancel_workflow_execution_command_attributes());
    case enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION:
      if (!command.has_continue_as_new_workflow_execution_command_attributes()) return missing();
      return Run(context, command, command.continue_as_new_workflow_execution_command_attributes());
    case enums::COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION:
      if (!command.has_start_child_workflow_execution_command_attributes()) return missing();
      return Run(context, command, command.start_child_workflow_execution_command_attributes());
    case enums::COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION:
      if (!command.has_signal_external_workflow_execution_command_attributes()) return missing();
      return Run(context, command, command.signal_external_workflow_execution_command_attributes());
    case enums::COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION:
      if (!command.has_request_cancel_external_workflow_execution_command_attributes()) return missing();
      return Run(context, command, command.request_cancel_external_workflow_execution_command_attributes());
    default:
      return Unserved(command.command_type());
  }
}

}  // namespace

CommandResult RunCommands(CommandContext& context) {
  if (context.input.request.messages_size() > 0) {
    return BadCommand{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_UPDATE_WORKFLOW_EXECUTION_MESSAGE,
                      "protocol messages are not served by this engine"};
  }
  std::optional<CommandType> closed_by;
  for (const command::Command& command : context.input.request.commands()) {
    const CommandType type = command.command_type();
    if (closed_by.has_value()) {
      if (IsTerminal(type)) continue;  // the first one counts (H10)
      return BadCommand{CauseFor(*closed_by),
                        NameOf(*closed_by) + " must be last, but " + NameOf(type) + " follows it"};
    }
    if (IsTerminal(type)) {
      if (!context.builder.state().buffer().events.empty()) {  // S15
        return BadCommand{enums::WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND, "UnhandledCommand"};
      }
      closed_by = type;
    }
    if (auto problem = Problem(command.user_metadata(), context.builder.limits())) {  // S60
      return BadCommand{CauseFor(type), NameOf(type) + ": " + *problem};
    }
    WFE_RETURN_IF_BAD(Dispatch(context, command));
  }
  return std::nullopt;
}

CommandResult CheckId(const std::string& value, const std::string& what, enums::WorkflowTaskFailedCause cause,
                      const Limits& limits) {
  if (value.empty()) return BadCommand{cause, what + " is not set"};
  if (auto problem = TooMuch(what, value.size(), limits.max_id_bytes, "max_id_bytes")) {
    return BadCommand{cause, std::move(*problem)};
  }
  return std::nullopt;
}

CommandResult CheckSize(size_t bytes, const std::string& what, const Limits& limits) {
  if (auto problem = TooMuch(what, bytes, limits.max_payload_bytes, "max_payload_bytes")) {
    return BadCommand{enums::WORKFLOW_TASK_FAILED_CAUSE_PAYLOADS_TOO_LARGE, std::move(*problem)};
  }
  return std::nullopt;
}

HistoryEvent CommandEvent(enums::EventType type, const command::Command& command) {
  HistoryEvent event = NewEvent(type);
  if (command.has_user_metadata()) *event.mutable_user_metadata() = command.user_metadata();
  *event.mutable_event_group_markers() = command.event_group_markers();
  return event;
}

}  // namespace wfe::history
