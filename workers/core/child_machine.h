// A child workflow as its parent sees it.
#pragma once

#include <array>
#include <string>

#include "workers/core/command_machine.h"
#include "workers/sdk/workflow_runtime.h"

namespace wfe::core {

enum class ChildState { kCreated, kInitiated, kStarted, kClosed };
enum class ChildInput { kRecorded, kStart, kStartFail, kClose };

struct ChildTransition {
  ChildState from;
  ChildInput on;
  ChildState to;
};

/// Cancelling a child whose command has not left withdraws the command; asking a started one is a command of its own.
/// Neither is a transition.
inline constexpr auto kChildTransitions = std::to_array<ChildTransition>({
    // from                      on                      to
    {ChildState::kCreated, ChildInput::kRecorded, ChildState::kInitiated},
    {ChildState::kInitiated, ChildInput::kStart, ChildState::kStarted},
    {ChildState::kInitiated, ChildInput::kStartFail, ChildState::kClosed},
    {ChildState::kStarted, ChildInput::kClose, ChildState::kClosed},
});

/// Command StartChildWorkflowExecution.
class ChildMachine final : public CommandMachine {
 public:
  /// `task`: the number of the workflow task whose code issued it.
  ChildMachine(sdk::ChildCommand command, int64_t task) : command_(std::move(command)), task_(task) {}

  command_pb::Command ToCommand() const override;
  enums::EventType event_type() const override { return enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED; }
  std::optional<Difference> Compare(const history_pb::HistoryEvent& event) const override;
  std::optional<Difference> CompareValues(const history_pb::HistoryEvent& event) const override;
  void Recorded(const history_pb::HistoryEvent& event) override;
  std::string Describe() const override;

  /// False: that input means nothing in the present state, and nothing has changed.
  bool On(ChildInput input);
  ChildState state() const { return state_; }
  /// Its command is still among those of workflow task `task`.
  bool Unsent(int64_t task) const { return state_ == ChildState::kCreated && task_ == task; }
  void Started(std::string run_id, int64_t event_id) {
    run_id_ = std::move(run_id);
    started_event_id_ = event_id;
  }

  uint64_t seq() const { return command_.seq; }
  const std::string& workflow_id() const { return command_.workflow_id; }
  const std::string& workflow_type() const { return command_.workflow_type; }
  const std::string& run_id() const { return run_id_; }
  int64_t initiated_event_id() const { return initiated_event_id_; }
  int64_t started_event_id() const { return started_event_id_; }

 private:
  sdk::ChildCommand command_;  // without its values once the history has it
  mutable temporal::api::common::v1::Payloads input_;  // encoded for the command, until then
  int64_t task_;
  ChildState state_ = ChildState::kCreated;
  std::string run_id_;  // of its first run
  int64_t initiated_event_id_ = 0;
  int64_t started_event_id_ = 0;
};

}  // namespace wfe::core
