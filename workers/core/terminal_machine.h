// How a run ends: the last command of its last workflow task.
#pragma once

#include "workers/core/command_machine.h"
#include "workers/sdk/workflow_instance.h"

namespace wfe::core {

/// Commands Complete-, Fail-, Cancel- and ContinueAsNewWorkflowExecution.  Both references outlive it.
class TerminalMachine final : public CommandMachine {
 public:
  /// `started`: what the run began with, of which a next run inherits the retry policy and the header.
  TerminalMachine(sdk::WorkflowOutcome outcome, const sdk::WorkflowInfo& info,
                  const history_pb::WorkflowExecutionStartedEventAttributes& started);

  command_pb::Command ToCommand() const override;
  enums::EventType event_type() const override { return event_type_; }
  std::optional<Difference> Compare(const history_pb::HistoryEvent&) const override { return std::nullopt; }
  /// A run with a retry policy or a cron schedule is continued as new by the engine itself (S10).
  bool MayBecome(const history_pb::HistoryEvent& event) const override;
  bool terminal() const override { return true; }
  std::string Describe() const override;

 private:
  void Fill(command_pb::Command& command, const sdk::WorkflowCompleted& completed) const;
  void Fill(command_pb::Command& command, const sdk::WorkflowCancelled& cancelled) const;
  void Fill(command_pb::Command& command, const sdk::ContinueAsNewCommand& next) const;
  template <class Failure>
  void Fill(command_pb::Command& command, const Failure& failure) const;

  sdk::WorkflowOutcome outcome_;
  const sdk::WorkflowInfo& info_;
  const history_pb::WorkflowExecutionStartedEventAttributes& started_;
  enums::EventType event_type_;
};

}  // namespace wfe::core
