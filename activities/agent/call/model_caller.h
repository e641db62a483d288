// Calls of a model for activities that have more to do than to call one: planGeneration, generateCode and their like.
#pragma once

#include <memory>
#include <string>

#include "activities/agent/call/model_call.h"
#include "activities/agent/step/config.h"

namespace wfe::agent {

class AgentWorker;

/// Callable from any thread.  Copies share one worker.
class ModelCaller {
 public:
  explicit ModelCaller(const GeminiConfig& config);
  explicit ModelCaller(std::shared_ptr<AgentWorker> worker) : worker_(std::move(worker)) {}

  /// As kCallModel says, but for the length of the text, which is whole.  `token` names the call: the same token with
  /// the same request is answered from the journal.  Empty: the activity's idempotency token, whose journal goes away
  /// once the engine has acknowledged the activity's completion.  An activity that makes several calls gives each its
  /// own token, made from that one; those journals go away with age (GeminiConfig::journal_keep_days).
  sdk::ActivityResult<CallReply> Call(sdk::ActivityContext& context, const CallRequest& request,
                                      std::string token = {}) const;

 private:
  std::shared_ptr<AgentWorker> worker_;
};

}  // namespace wfe::agent
