// Single calls of a model and the cache: the same words to the same model need not be said twice (CE-1 to CE-3).
#pragma once

#include <optional>
#include <string>

#include "activities/agent/cache/context_cache.h"
#include "activities/agent/call/model_call.h"
#include "activities/agent/step/agent_step.h"

namespace wfe::agent {

/// All that the answer depends on.  `described`: backend and model as resolved.
CacheQuestion QuestionOfCall(const CallRequest& request, const AgentReply& described, int default_max_output_tokens);

/// A whole answer in words from which nothing had to be taken out.
bool IsWorthKeeping(const CallReply& reply);

/// The kept answer, with nothing paid and what was saved; nullopt when there is none.
Result<std::optional<CallReply>> TakeFromCache(ContextCache& cache, const CacheQuestion& question,
                                               const CacheAsker& asker, const AgentReply& described);

Status KeepInCache(ContextCache& cache, const CacheQuestion& question, const CallReply& reply,
                   const std::string& run_id, const std::string& step_name);

}  // namespace wfe::agent
