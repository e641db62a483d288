// One execution under test: keeps its state, its whole history and the time, and checks after every step what must
// always hold (H1, H2, H5, Decide's determinism, deadlines that do something).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/history/decide.h"
#include "engine/history/obligations.h"

namespace wfe::history {

class Execution {
 public:
  Execution();

  // Moved by the test.
  Instant now;
  Limits limits;

  /// What the last step gave: the transition, or the error.
  const Transition& last() const { return last_; }
  const std::optional<Error>& error() const { return error_; }
  /// Why the last completion became a failed task; "" when it did not.
  const std::string& refusal() const { return refusal_; }
  const MutableState& state() const { return state_; }
  const std::vector<HistoryEvent>& history() const { return history_; }

  /// A request that starts; change it before Start.
  StartInput start_input;
  bool Start();
  /// False when the input was refused with an error.
  bool Do(const Input& input);

  /// Everything that the run has ever owed, in order.
  const std::vector<std::shared_ptr<const Obligation>>& owed() const { return owed_; }

  // The inputs that need ids from the state.
  bool StartTask(const std::string& request_id = "poll");
  WorkflowTaskCompleted Completion() const;
  WorkflowTaskFailed TaskFailure() const;
  ActivityRef Activity(EventId scheduled_event_id) const;
  bool StartActivity(EventId scheduled_event_id);
  /// How the `place`-th obligation of owed() was taken.
  bool Answer(size_t place, Refusal refusal = Refusal::kNone);
  /// The child whose start is the `place`-th obligation tells how it ended.
  bool EndChild(size_t place, temporal::api::enums::v1::WorkflowExecutionStatus status);
  bool Tick(Duration advance);
  /// Moves time to the next deadline and ticks there.
  bool TickNext();

  /// The types of the last step's events, shortened: "TimerFired WorkflowTaskScheduled".
  std::string LastTypes() const;
  const HistoryEvent& Event(EventId id) const { return history_.at(static_cast<size_t>(id - 1)); }
  const HistoryEvent& LastOfType(temporal::api::enums::v1::EventType type) const;

 private:
  /// On a copy: a refused completion is decided again on the state as it was.
  Result<Transition> DecideOnCopy(const Input& input, std::string* refusal) const;
  bool Take(Result<Transition> result, Result<Transition> again);
  void CheckInvariants();
  void CheckIndexes(const engine::v1::MutableState& stored);

  MutableState state_;
  std::vector<HistoryEvent> history_;
  std::vector<std::shared_ptr<const Obligation>> owed_;
  Transition last_;
  std::optional<Error> error_;
  std::string refusal_;
};

/// "TimerFired" for EVENT_TYPE_TIMER_FIRED.
std::string TypeName(const HistoryEvent& event);

/// Equal for equal messages, maps included.
std::string Bytes(const google::protobuf::Message& message);

temporal::api::common::v1::Payloads Text(const std::string& text);

// Commands.
temporal::api::command::v1::Command Schedule(const std::string& activity_id, Duration start_to_close);
temporal::api::command::v1::Command CancelActivity(EventId scheduled_event_id);
temporal::api::command::v1::Command Timer(const std::string& timer_id, Duration duration);
temporal::api::command::v1::Command CancelTimer(const std::string& timer_id);
temporal::api::command::v1::Command Complete(const std::string& result = "done");
temporal::api::command::v1::Command Fail(const std::string& message);
temporal::api::command::v1::Command CancelRun();
temporal::api::command::v1::Command ContinueAsNew();
temporal::api::command::v1::Command Marker(const std::string& name);
temporal::api::command::v1::Command StartChild(const std::string& workflow_id);
temporal::api::command::v1::Command SignalWorkflow(const std::string& workflow_id, const std::string& signal);
temporal::api::command::v1::Command CancelWorkflow(const std::string& workflow_id);

}  // namespace wfe::history
