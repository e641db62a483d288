// A step that was asked before, over the same files: its reply and its tree come from the context cache instead of a
// model (CE-1, CE-3, AC-9).
#pragma once

#include <optional>
#include <string>

#include "activities/agent/cache/context_cache.h"
#include "activities/agent/step/agent_step.h"
#include "activities/sandbox/safe_files.h"
#include "activities/sandbox/tree_snapshot.h"

namespace wfe::agent {

/// What a step asks, as far as its answer depends on it.  `described`: model, backend and the hashes of instruction and
/// context.
CacheQuestion QuestionOf(const AgentRequest& request, const AgentReply& described, const sandbox::TreeSnapshot& before);

/// Whether a step of this policy looks for an answer and keeps its own.  One that continues a conversation, or keeps
/// one, never does: a kept answer has none.
bool UsesCache(const ContextCache& cache, const AgentRequest& request, const AgentReply& described,
               const sandbox::TreeSnapshot& before);

/// The kept reply, with its tree put into `dir`; nullopt: there is none.  What was paid for it is not in its counts.
Result<std::optional<AgentReply>> TakeFromCache(ContextCache& cache, const CacheQuestion& question,
                                                const CacheAsker& asker, const AgentRequest& request,
                                                const AgentReply& described, const sandbox::SafeDir& dir,
                                                BlobSource& blobs);

/// Keeps the reply of a step that has succeeded, and the tree it left.  A reply whose tree cannot be kept as a whole,
/// since it has the user's secrets in it, is not kept.
Status KeepInCache(ContextCache& cache, const CacheQuestion& question, const AgentReply& reply,
                   const std::string& run_id, const std::string& step_name, const sandbox::SafeDir& dir,
                   const std::vector<std::string>& secrets, BlobSink& blobs);

}  // namespace wfe::agent
