// One run: consumes its history, drives its code, matches the code's commands with the history, and says which commands
// are new.  Living through a history and replaying it are the same path; only the last workflow task differs, because
// nothing is known yet about what follows it.
//
// No I/O, no clock, no threads; used by one thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "workers/core/activity_machine.h"
#include "workers/core/command_machine.h"
#include "workers/core/divergence.h"
#include "workers/core/neighbours.h"
#include "workers/core/timer_machine.h"
#include "workers/sdk/workflow_instance.h"
#include "workers/sdk/workflow_registry.h"
#include "workers/sdk/workflow_runtime.h"

namespace wfe::core {

using LogSink = std::function<void(sdk::LogLevel, const sdk::WorkflowInfo&, std::string_view)>;

struct MachineOptions {
  std::string ns = "default";
  std::string workflow_id;
  std::string run_id;
  bool only_replay = false;          ///< The code is never live: IsReplaying() holds throughout and nothing is logged.
  std::string eager_activity_queue;  ///< Eager execution is asked for on this queue; empty: never.
  LogSink log;
};

class WorkflowMachine final : public sdk::WorkflowRuntime {
 public:
  /// `registry` must outlive the machine.
  WorkflowMachine(const sdk::WorkflowRegistry& registry, MachineOptions options);
  ~WorkflowMachine() override;

  using Events = google::protobuf::RepeatedPtrField<history_pb::HistoryEvent>;

  /// Takes the events from index `first` on; the first one follows the last that was fed.  A workflow task is run when
  /// its completion follows, or when its start is the very last event and `run_last_task` is set. A value: why it
  /// cannot go on; the machine is then of no further use.
  std::optional<Stop> Feed(const Events& events, int first, bool run_last_task);

  /// The commands of the last workflow task, in the order in which the code issued them, a terminal one last (S50).
  Result<std::vector<command_pb::Command>> Commands() const;
  /// Asks a query handler.
  Result<nlohmann::json> Query(const std::string& name, const nlohmann::json& input);
  /// Where its coroutines wait, and which activities, timers and children are open.
  Result<std::string> StackTrace() const;
  /// The live code, to ask what it answers; nullptr: the workflow has not started yet.
  const sdk::WorkflowInstance* instance() const { return instance_.get(); }

  int64_t last_event_id() const { return last_event_id_; }
  /// The start of the last workflow task that was run; 0: none.
  int64_t last_run_task() const { return last_run_task_; }
  /// Whether that start is `event`.  Attempts of a task that ended without an event share their event ids, and a server
  /// that was restarted gives an id anew; the request id of the poll that got the task tells them apart.
  bool IsLastRunTask(const history_pb::HistoryEvent& event) const {
    return event.event_id() == last_run_task_ &&
           event.workflow_task_started_event_attributes().request_id() == last_run_request_;
  }
  /// How often code ran.
  int64_t tasks_run() const { return task_number_; }
  /// The history holds the end of the run.
  bool closed() const { return closed_; }
  /// The code has ended.
  bool ended() const { return instance_ != nullptr && instance_->outcome().has_value(); }

  // WorkflowRuntime
  const sdk::WorkflowInfo& info() const override { return info_; }
  Instant Now() const override { return now_; }
  bool IsReplaying() const override { return replaying_ || options_.only_replay; }
  uint64_t RandomSeed() const override { return seed_; }
  void ScheduleActivity(sdk::ActivityCommand command) override;
  void CancelActivity(uint64_t seq) override;
  void StartTimer(uint64_t seq, Duration duration) override;
  void CancelTimer(uint64_t seq) override;
  std::string ChildIdRoot() const override { return child_id_root_; }
  void StartChild(sdk::ChildCommand command) override;
  bool WithdrawChild(uint64_t seq) override;
  void RequestCancelChild(uint64_t seq, const std::string& reason) override;
  void SignalExternal(sdk::ExternalSignalCommand command) override;
  void CancelExternal(sdk::ExternalCancelCommand command) override;
  bool WithdrawExternal(uint64_t seq) override;
  std::optional<nlohmann::json> RecordedSideEffect(uint64_t seq) override;
  void RecordSideEffect(uint64_t seq, const nlohmann::json& value) override;
  bool Patched(std::string_view id, bool deprecated) override;
  void UpsertMemo(const nlohmann::json& fields) override;
  void Log(sdk::LogLevel level, std::string_view text) override;

 private:
  using Event = history_pb::HistoryEvent;

  // History in.
  std::optional<Stop> Apply(const Event& event);
  std::optional<Stop> Start(const Event& event);
  std::optional<Stop> MatchCommand(const Event& event);
  std::optional<Stop> ApplyActivityEnd(const Event& event);
  std::optional<Stop> ApplySignal(const Event& event);
  void ApplyTimerFired(const std::string& timer_id);
  void ApplyTaskFailed(const Event& event);

  // Code run.
  bool IsRun(const Events& events, int index, bool run_last_task) const;
  void LookAhead(const Events& events, int started);
  std::optional<Stop> RunTask(const Events& events, int started);
  bool TakeBack(const std::shared_ptr<CommandMachine>& machine);

  Divergence MakeDivergence(int64_t event_id, std::string expected, std::string produced, Difference difference) const;
  TaskFailure Broken(const Event& event, const std::string& what) const;

  const sdk::WorkflowRegistry& registry_;
  const MachineOptions options_;

  sdk::WorkflowInfo info_;
  Instant now_;
  uint64_t seed_ = 0;
  std::string child_id_root_;
  bool replaying_ = false;
  int64_t last_event_id_ = 0;
  int64_t last_run_task_ = 0;
  std::string last_run_request_;
  bool closed_ = false;
  history_pb::WorkflowExecutionStartedEventAttributes started_;  // without its input

  int64_t task_number_ = 0;                               // workflow tasks run so far
  int64_t task_completed_id_ = 0;                         // the completion whose commands are being matched
  int command_index_ = 0;                                 // commands of that completion matched so far
  std::deque<std::shared_ptr<CommandMachine>> commands_;  // issued, and not yet seen in the history

  std::map<uint64_t, std::shared_ptr<ActivityMachine>> activities_;          // open ones, by sequence number
  std::map<int64_t, std::shared_ptr<ActivityMachine>> activities_by_event_;  // by scheduled event id
  std::map<uint64_t, std::shared_ptr<TimerMachine>> timers_;                 // open ones
  std::map<std::string, uint64_t, std::less<>> timer_seq_by_id_;
  Neighbours neighbours_;

  std::map<uint64_t, nlohmann::json> side_effects_;         // read ahead from markers
  std::set<std::string, std::less<>> patches_in_history_;   // read ahead from markers
  std::map<std::string, bool, std::less<>> patch_answers_;  // the first answer stands (S102)
  std::set<std::string> patches_written_;

  std::unique_ptr<sdk::WorkflowInstance> instance_;  // last: its coroutines' locals may still use the rest
};

}  // namespace wfe::core
