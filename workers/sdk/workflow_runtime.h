// What the SDK needs from whoever runs a workflow: a sink for its commands and a source of what may differ between
// machines (time, ids, recorded values).  Implemented by workers/core; workflow authors never see it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"
#include "workers/sdk/activity_options.h"
#include "workers/sdk/child_options.h"
#include "workers/sdk/failure.h"
#include "workers/sdk/workflow_info.h"

namespace wfe::sdk {

/// An activity to schedule, with everything copied out of the caller's options.
struct ActivityCommand {
  uint64_t seq = 0;  ///< 1-based, per run.
  std::string activity_id;
  std::string activity_type;
  std::string task_queue;
  nlohmann::json input;
  Duration schedule_to_close{};
  Duration schedule_to_start{};
  Duration start_to_close{};
  Duration heartbeat{};
  Duration retry_initial_interval{};
  double retry_backoff_coefficient = 0;
  Duration retry_maximum_interval{};
  int retry_maximum_attempts = 0;
  std::vector<std::string> retry_non_retryable_types;
  ResultCaching cache;
  bool allow_eager = true;
};

/// A child to start, with everything copied out of the caller's options.
struct ChildCommand {
  uint64_t seq = 0;  ///< 1-based, per run.
  std::string workflow_id;
  std::string workflow_type;
  std::string task_queue;
  nlohmann::json input;
  Duration execution_timeout{};
  Duration run_timeout{};
  Duration task_timeout{};
  Duration retry_initial_interval{};
  double retry_backoff_coefficient = 0;
  Duration retry_maximum_interval{};
  int retry_maximum_attempts = 0;
  std::vector<std::string> retry_non_retryable_types;
  std::string cron_schedule;
  ParentClosePolicy parent_close = ParentClosePolicy::kTerminate;
  WorkflowIdReusePolicy id_reuse = WorkflowIdReusePolicy::kAllowDuplicate;
  nlohmann::json memo;               ///< null: none.
  nlohmann::json search_attributes;  ///< null: none.
  int priority_key = 0;
  std::string fairness_key;
  float fairness_weight = 0;
  std::string static_summary;
  std::string static_details;
};

/// A request to another workflow of the namespace.
struct ExternalCommand {
  uint64_t seq = 0;  ///< 1-based, per run; signals and cancel requests are counted together.
  std::string workflow_id;
  std::string run_id;       ///< Empty: whichever run is open.
  bool child_only = false;  ///< Only if it is a child of this run.
};
struct ExternalSignalCommand : ExternalCommand {
  std::string name;
  nlohmann::json input;
};
struct ExternalCancelCommand : ExternalCommand {
  std::string reason;
};

struct ContinueAsNewCommand {
  std::string workflow_type;  ///< Empty: the same.
  std::string task_queue;     ///< Empty: the same.
  nlohmann::json input;
  Duration run_timeout{};   ///< 0: the same.
  Duration task_timeout{};  ///< 0: the same.
};

/// Called from workflow code only, on its thread, while WorkflowInstance::Run is on the stack.
class WorkflowRuntime {
 public:
  virtual ~WorkflowRuntime() = default;

  virtual const WorkflowInfo& info() const = 0;
  /// The time of the current workflow task, as the history has it.
  virtual Instant Now() const = 0;
  virtual bool IsReplaying() const = 0;
  /// Seeds the run's random numbers; a function of the history.
  virtual uint64_t RandomSeed() const = 0;

  virtual void ScheduleActivity(ActivityCommand command) = 0;
  /// Nothing happens when the activity has ended.  One whose command has not left yet is withdrawn and resolves as
  /// cancelled.
  virtual void CancelActivity(uint64_t seq) = 0;
  virtual void StartTimer(uint64_t seq, Duration duration) = 0;
  virtual void CancelTimer(uint64_t seq) = 0;

  // Other workflows.  Whoever runs a workflow without an engine has none, and says so by leaving these out.

  /// What the ids of children begin with: a run id, the same in every replay of this run.
  virtual std::string ChildIdRoot() const { return info().run_id; }
  virtual void StartChild(ChildCommand command);
  /// True: the command of the child had not left, and never will.
  virtual bool WithdrawChild(uint64_t seq);
  /// For a child that has started.  Nothing happens when it has ended.
  virtual void RequestCancelChild(uint64_t seq, const std::string& reason);
  virtual void SignalExternal(ExternalSignalCommand command);
  virtual void CancelExternal(ExternalCancelCommand command);
  /// True: the command of the request had not left, and never will.
  virtual bool WithdrawExternal(uint64_t seq);

  /// The value recorded for the run's seq-th side effect; nullopt: it happens now.
  virtual std::optional<nlohmann::json> RecordedSideEffect(uint64_t seq) = 0;
  virtual void RecordSideEffect(uint64_t seq, const nlohmann::json& value) = 0;
  virtual bool Patched(std::string_view id, bool deprecated) = 0;
  virtual void UpsertMemo(const nlohmann::json& fields) = 0;
  virtual void Log(LogLevel level, std::string_view text) = 0;
};

}  // namespace wfe::sdk
