// Requests to other workflows: a signal, and a request to cancel.
#pragma once

#include <array>
#include <string>

#include "workers/core/command_machine.h"
#include "workers/sdk/workflow_runtime.h"

namespace wfe::core {

enum class ExternalState { kCreated, kInitiated, kAnswered };
enum class ExternalInput { kRecorded, kAnswer };

struct ExternalTransition {
  ExternalState from;
  ExternalInput on;
  ExternalState to;
};

/// Withdrawing one whose command has not left is not a transition; one that has left always gets its answer.
inline constexpr auto kExternalTransitions = std::to_array<ExternalTransition>({
    // from                           on                        to
    {ExternalState::kCreated, ExternalInput::kRecorded, ExternalState::kInitiated},
    {ExternalState::kInitiated, ExternalInput::kAnswer, ExternalState::kAnswered},
});

/// What both kinds share.
class ExternalMachine : public CommandMachine {
 public:
  /// Its command is still among those of workflow task `task`.
  bool Unsent(int64_t task) const { return state_ == ExternalState::kCreated && task_ == task; }
  /// False: that input means nothing in the present state, and nothing has changed.
  bool On(ExternalInput input);
  void Recorded(const history_pb::HistoryEvent& event) override;
  int64_t initiated_event_id() const { return initiated_event_id_; }

  virtual const sdk::ExternalCommand& target() const = 0;
  /// "signal add", "cancel request".
  virtual std::string What() const = 0;

 protected:
  explicit ExternalMachine(int64_t task) : task_(task) {}

 private:
  int64_t task_;
  ExternalState state_ = ExternalState::kCreated;
  int64_t initiated_event_id_ = 0;
};

/// Command SignalExternalWorkflowExecution.
class ExternalSignalMachine final : public ExternalMachine {
 public:
  ExternalSignalMachine(sdk::ExternalSignalCommand command, int64_t task)
      : ExternalMachine(task), command_(std::move(command)) {}

  command_pb::Command ToCommand() const override;
  enums::EventType event_type() const override {
    return enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED;
  }
  std::optional<Difference> Compare(const history_pb::HistoryEvent& event) const override;
  std::optional<Difference> CompareValues(const history_pb::HistoryEvent& event) const override;
  void Recorded(const history_pb::HistoryEvent& event) override;
  std::string Describe() const override;
  const sdk::ExternalCommand& target() const override { return command_; }
  std::string What() const override { return "signal " + command_.name; }

 private:
  sdk::ExternalSignalCommand command_;  // without its input once the history has it
  mutable temporal::api::common::v1::Payloads input_;
};

/// Command RequestCancelExternalWorkflowExecution.
class ExternalCancelMachine final : public ExternalMachine {
 public:
  /// `child`: the sequence number of the child that is to be cancelled; 0: the code asked for another workflow.
  ExternalCancelMachine(sdk::ExternalCancelCommand command, uint64_t child, int64_t task)
      : ExternalMachine(task), command_(std::move(command)), child_(child) {}

  command_pb::Command ToCommand() const override;
  enums::EventType event_type() const override {
    return enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED;
  }
  std::optional<Difference> Compare(const history_pb::HistoryEvent& event) const override;
  std::string Describe() const override;
  const sdk::ExternalCommand& target() const override { return command_; }
  std::string What() const override { return "cancel request"; }
  uint64_t child() const { return child_; }

 private:
  sdk::ExternalCancelCommand command_;
  uint64_t child_;
};

}  // namespace wfe::core
