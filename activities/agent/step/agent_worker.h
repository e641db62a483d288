// What the three activities share on one worker.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

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
  sdk::ActivityResult<PreparedContext> PrepareContext(const PrepareContextInput& input);
  sdk::ActivityResult<CheckAgentOutput> CheckAgent(const CheckAgentInput& input);

 private:
  class Step;

  double Chance();

  GeminiConfig config_;
  std::shared_ptr<const Clock> clock_;
  Redactor redactor_;
  TokenCounter tokens_;
  FaultCounter machine_faults_;
};

/// A failure without details.
sdk::ApplicationFailure AgentFailure(std::string_view type, std::string message, bool non_retryable);

}  // namespace wfe::agent
