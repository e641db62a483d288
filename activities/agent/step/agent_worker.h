// What the three activities share on one worker.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "activities/agent/backends/patience.h"
#include "activities/agent/call/model_call.h"
#include "activities/agent/cost/call_log.h"
#include "activities/agent/cost/prices.h"
#include "activities/agent/cost/token_estimator.h"
#include "activities/agent/step/config.h"
#include "activities/agent/step/redactor.h"
#include "activities/sandbox/safe_files.h"

namespace wfe::agent {

/// Faults of this machine in a row, by activity; forgotten with the process.  Callable from any thread.
class FaultCounter {
 public:
  int Count(const std::string& token) {
    const std::lock_guard lock(mutex_);
    return ++faults_[token];
  }
  void Clear(const std::string& token) {
    const std::lock_guard lock(mutex_);
    faults_.erase(token);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> faults_;  // guarded by mutex_
};

/// Reads a file below the directory that wfe itself wrote, so also in .wfe/, which no agent may name.
Result<std::string> ReadOwnFile(const sandbox::SafeDir& dir, const std::string& path);

/// Callable from any thread once made.
class AgentWorker {
 public:
  explicit AgentWorker(const GeminiConfig& config);

  sdk::ActivityResult<AgentReply> ExecuteAgent(sdk::ActivityContext& context, const AgentRequest& request);
  sdk::ActivityResult<RestoreSnapshotOutput> RestoreSnapshot(const RestoreSnapshotInput& input);
  sdk::ActivityResult<PreparedContext> PrepareContext(const sdk::ActivityContext& context, const PrepareContextInput& input);
  sdk::ActivityResult<CheckAgentOutput> CheckAgent(const CheckAgentInput& input);
  sdk::ActivityResult<sdk::Nothing> AdmitRun(const sdk::ActivityContext& context, const AdmitRunInput& input);
  /// As ModelCaller::Call says.
  sdk::ActivityResult<CallReply> CallModel(sdk::ActivityContext& context, const CallRequest& request,
                                           std::string token);
  /// The same with a reply that fits into a history.
  sdk::ActivityResult<CallReply> CallModelActivity(sdk::ActivityContext& context, const CallRequest& request);

 private:
  class Step;
  class OneCall;

  double Chance();
  /// Where the calls of a step are written down; `reply` says backend and tier.  `bought`: false for canned answers,
  /// which are no calls of a model.
  CallLog::Setup LedgerSetup(const sdk::ActivityInfo& info, const std::string& token, const AgentReply& reply,
                             const std::string& step_name, const std::string& model, bool bought) const;
  /// One more failure of a model in a row, and what follows from it.
  Result<NextTry> AfterFailure(CallLog& calls, const ModelError& error, int64_t patience_s, AgentReply& reply);
  /// Tried again for a while, since a disk is cleared and a service restarted; an activity's own attempts are
  /// unlimited.
  sdk::ApplicationFailure MachineFault(const std::string& token, std::string_view type, std::string message, int most);

  GeminiConfig config_;
  std::shared_ptr<const Clock> clock_;
  Redactor redactor_;
  TokenCounter tokens_;
  FaultCounter machine_faults_;
};

inline constexpr std::string_view kToolIoType = "TOOL_IO";
inline constexpr std::string_view kRecordsDownType = "UNAVAILABLE";
/// Attempts in a row while this machine fails, while the records service does.
inline constexpr int kMaxMachineFaults = 5;
inline constexpr int kMaxRecordsFaults = 60;

/// A failure without details.
sdk::ApplicationFailure AgentFailure(std::string_view type, std::string message, bool non_retryable);

}  // namespace wfe::agent
