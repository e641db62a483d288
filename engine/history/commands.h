// The commands of a completed workflow task: each gives one event (H10) or fails the task.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "engine/history/builder.h"

namespace wfe::history {

/// A command that cannot be carried out: the workflow task fails with this cause, and nothing of it remains.
struct BadCommand {
  enums::WorkflowTaskFailedCause cause{};
  std::string message;
};
using CommandResult = std::optional<BadCommand>;

/// What a command handler may need beside the command.
struct CommandContext {
  Builder& builder;
  const WorkflowTaskCompleted& input;
  EventId completed_event_id = 0;  ///< Of WorkflowTaskCompleted; command events name it (H9).

  /// ActivityTaskCanceled of activities that nobody had started.  Written after the events of all commands: a worker
  /// counts its commands to know their ids in advance (WIRE-F3).
  std::vector<HistoryEvent> canceled = {};
  /// Cancel requests and signals to other workflows that are not answered: counted once for all commands.
  std::optional<std::array<int64_t, 2>> pending_externals = {};
  /// Activities to hand back with the reply, unless a later command cancels them.
  std::vector<EventId> eager = {};
};

/// Carries out all commands in order; stops at the first bad one.  Run after WorkflowTaskCompleted was written.
CommandResult RunCommands(CommandContext& context);

/// What the commands leave to be done once all their events, and the buffered ones, are written.
void FinishCommands(CommandContext& context);

// commands_activity.cpp
CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::ScheduleActivityTaskCommandAttributes& attributes);
CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::RequestCancelActivityTaskCommandAttributes& attributes);

// commands_child.cpp
CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::StartChildWorkflowExecutionCommandAttributes& attributes);
CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::SignalExternalWorkflowExecutionCommandAttributes& attributes);
CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::RequestCancelExternalWorkflowExecutionCommandAttributes& attributes);

// commands_timer.cpp
CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::StartTimerCommandAttributes& attributes);
CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::CancelTimerCommandAttributes& attributes);

// commands_record.cpp
CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::RecordMarkerCommandAttributes& attributes);
CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::UpsertWorkflowSearchAttributesCommandAttributes& attributes);
CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::ModifyWorkflowPropertiesCommandAttributes& attributes);

// commands_close.cpp
CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::CompleteWorkflowExecutionCommandAttributes& attributes);
CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::FailWorkflowExecutionCommandAttributes& attributes);
CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::CancelWorkflowExecutionCommandAttributes& attributes);
CommandResult Run(CommandContext& context, const command::Command& command,
                  const command::ContinueAsNewWorkflowExecutionCommandAttributes& attributes);

/// Refuses an empty or overlong id (S13); `what` names it.
CommandResult CheckId(const std::string& value, const std::string& what, enums::WorkflowTaskFailedCause cause,
                      const Limits& limits);

/// Refuses an oversized part of a command (S56).
CommandResult CheckSize(size_t bytes, const std::string& what, const Limits& limits);

/// The event of a command: carries the command's user metadata.
HistoryEvent CommandEvent(enums::EventType type, const command::Command& command);

}  // namespace wfe::history

/// Returns the BadCommand of `expression` (a CommandResult) from the enclosing function.
#define WFE_RETURN_IF_BAD(expression)                                     \
  do {                                                                    \
    if (auto wfe_bad = (expression); wfe_bad.has_value()) return wfe_bad; \
  } while (false)
