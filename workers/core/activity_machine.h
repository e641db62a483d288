// An activity as its workflow sees it, and the request to cancel it.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "workers/core/command_machine.h"
#include "workers/sdk/workflow_runtime.h"

namespace wfe::core {

enum class ActivityState { kCreated, kScheduled, kCancelRequested, kClosed };
enum class ActivityInput { kRecorded, kRequestCancel, kClose };

struct ActivityTransition {
  ActivityState from;
  ActivityInput on;
  ActivityState to;
};

/// Cancelling an activity whose command has not left withdraws the command; that is not a transition.
inline constexpr auto kActivityTransitions = std::to_array<ActivityTransition>({
    // from                            on                              to
    {ActivityState::kCreated, ActivityInput::kRecorded, ActivityState::kScheduled},
    {ActivityState::kScheduled, ActivityInput::kRequestCancel, ActivityState::kCancelRequested},
    {ActivityState::kScheduled, ActivityInput::kClose, ActivityState::kClosed},
    {ActivityState::kCancelRequested, ActivityInput::kClose, ActivityState::kClosed},
});

/// Command ScheduleActivityTask.
class ActivityMachine final : public CommandMachine {
 public:
  /// `task`: the number of the workflow task whose code issued it.  `eager`: ask for eager execution.
  ActivityMachine(sdk::ActivityCommand command, int64_t task, bool eager)
      : command_(std::move(command)), task_(task), eager_(eager) {}

  command_pb::Command ToCommand() const override;
  enums::EventType event_type() const override { return enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED; }
  std::optional<Difference> Compare(const history_pb::HistoryEvent& event) const override;
  std::optional<Difference> CompareValues(const history_pb::HistoryEvent& event) const override;
  void Recorded(const history_pb::HistoryEvent& event) override;
  std::string Describe() const override;

  /// False: that input means nothing in the present state, and nothing has changed.
  bool On(ActivityInput input);
  ActivityState state() const { return state_; }
  /// Its command is still among those of workflow task `task`.
  bool Unsent(int64_t task) const { return state_ == ActivityState::kCreated && task_ == task; }
  uint64_t seq() const { return command_.seq; }
  const std::string& id() const { return command_.activity_id; }
  const std::string& type() const { return command_.activity_type; }
  int64_t scheduled_event_id() const { return scheduled_event_id_; }

 private:
  sdk::ActivityCommand command_;  // without its input once the history has it
  mutable temporal::api::common::v1::Payloads input_;  // encoded for the command, until then
  int64_t task_;
  bool eager_;
  ActivityState state_ = ActivityState::kCreated;
  int64_t scheduled_event_id_ = 0;
};

/// Command RequestCancelActivityTask.
class CancelActivityMachine final : public CommandMachine {
 public:
  explicit CancelActivityMachine(std::shared_ptr<const ActivityMachine> activity) : activity_(std::move(activity)) {}

  command_pb::Command ToCommand() const override;
  enums::EventType event_type() const override { return enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED; }
  std::optional<Difference> Compare(const history_pb::HistoryEvent& event) const override;
  std::string Describe() const override;
  const ActivityMachine& activity() const { return *activity_; }

 private:
  std::shared_ptr<const ActivityMachine> activity_;
};

}  // namespace wfe::core
