// A timer as its workflow sees it, and its cancellation.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "engine/base/time.h"
#include "workers/core/command_machine.h"

namespace wfe::core {

enum class TimerState { kCreated, kStarted, kCancelled, kFired };
enum class TimerInput { kRecorded, kCancel, kFire };

struct TimerTransition {
  TimerState from;
  TimerInput on;
  TimerState to;
};

/// A fire after a cancel means nothing: both may be on their way at once.
inline constexpr auto kTimerTransitions = std::to_array<TimerTransition>({
    // from                     on                     to
    {TimerState::kCreated, TimerInput::kRecorded, TimerState::kStarted},
    {TimerState::kStarted, TimerInput::kCancel, TimerState::kCancelled},
    {TimerState::kStarted, TimerInput::kFire, TimerState::kFired},
});

/// Command StartTimer.
class TimerMachine final : public CommandMachine {
 public:
  TimerMachine(uint64_t seq, Duration duration, int64_t task)
      : seq_(seq), id_(std::to_string(seq)), duration_(duration), task_(task) {}

  command_pb::Command ToCommand() const override;
  enums::EventType event_type() const override { return enums::EVENT_TYPE_TIMER_STARTED; }
  /// The duration is not compared: a changed one leaves the old run's timers as they were.
  std::optional<Difference> Compare(const history_pb::HistoryEvent& event) const override;
  std::optional<Difference> CompareValues(const history_pb::HistoryEvent& event) const override;
  void Recorded(const history_pb::HistoryEvent&) override { On(TimerInput::kRecorded); }
  std::string Describe() const override { return "StartTimer(timer id=" + id_ + ")"; }

  bool On(TimerInput input);
  bool Unsent(int64_t task) const { return state_ == TimerState::kCreated && task_ == task; }
  uint64_t seq() const { return seq_; }
  const std::string& id() const { return id_; }

 private:
  uint64_t seq_;
  std::string id_;
  Duration duration_;
  int64_t task_;
  TimerState state_ = TimerState::kCreated;
};

/// Command CancelTimer.
class CancelTimerMachine final : public CommandMachine {
 public:
  explicit CancelTimerMachine(std::string timer_id) : timer_id_(std::move(timer_id)) {}

  command_pb::Command ToCommand() const override;
  enums::EventType event_type() const override { return enums::EVENT_TYPE_TIMER_CANCELED; }
  std::optional<Difference> Compare(const history_pb::HistoryEvent& event) const override;
  std::string Describe() const override { return "CancelTimer(timer id=" + timer_id_ + ")"; }
  const std::string& timer_id() const { return timer_id_; }

 private:
  std::string timer_id_;
};

}  // namespace wfe::core
