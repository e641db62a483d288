// What the three activities share on one worker.
#pragma once

#include <memory>
#include <string>

#include "activities/gemini/config.h"
#include "activities/gemini/prices.h"
#include "activities/gemini/redactor.h"
#include "activities/gemini/token_estimator.h"

namespace wfe::activities {

/// Callable from any thread once made.
class AgentWorker {
 public:
  explicit AgentWorker(const GeminiConfig& config);

  sdk::ActivityResult<AgentReply> ExecuteAgent(sdk::ActivityContext& context, const AgentRequest& request);
  sdk::ActivityResult<RestoreSnapshotOutput> RestoreSnapshot(const RestoreSnapshotInput& input);
  sdk::ActivityResult<PreparedContext> PrepareContext(const PrepareContextInput& input);

 private:
  class Step;

  GeminiConfig config_;
  std::shared_ptr<const Clock> clock_;
  Redactor redactor_;
  TokenCounter tokens_;
};

/// A failure without details.
sdk::ApplicationFailure AgentFailure(std::string_view type, std::string message, bool non_retryable);

}  // namespace wfe::activities
