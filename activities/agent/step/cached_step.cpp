#include "activities/agent/step/cached_step.h"

#include <algorithm>
#include <utility>

#include "engine/base/parse_json.h"

namespace wfe::agent {

using nlohmann::json;

CacheQuestion QuestionOf(const AgentRequest& request, const AgentReply& described,
                         const sandbox::TreeSnapshot& before) {
  std::vector<std::string> protected_paths = request.protected_paths;
  std::sort(protected_paths.begin(), protected_paths.end());
  CacheQuestion question{.task = request.instruction,
                         .model = described.model,
                         .parameters = {{"kind", "agent_step"},
                                        {"step_name", request.step_name},
                                        {"backend", described.backend},
                                        {"context_sha256", described.context_file_hash},
                                        {"limits", request.limits},
                                        {"protected_paths", protected_paths},
                                        {"requires_file_changes", request.requires_file_changes},
                                        {"nudges", request.nudges},
                                        {"tree", before.Hash()}},  // modes and kinds of files, too
                         .files = {}};
  for (const sandbox::FileState& file : before.files) question.files.push_back({file.path, file.sha256});
  return question;
}

bool UsesCache(const ContextCache& cache, const AgentRequest& request, const AgentReply& described,
               const sandbox::TreeSnapshot& before) {
  if (request.keep_session || !request.session_blob_hash.empty()) return false;
  return cache.Applies(ParseCachePolicy(request.cache).value_or(CachePolicy::kNever),
                       static_cast<int64_t>(before.files.size()),
                       described.context_token_count + described.instruction_token_count);
}

Result<std::optional<AgentReply>> TakeFromCache(ContextCache& cache, const CacheQuestion& question,
                                                const CacheAsker& asker, const AgentRequest& request,
                                                const AgentReply& described, const sandbox::SafeDir& dir,
                                                BlobSource& blobs) {
  WFE_ASSIGN_OR_RETURN(const std::optional<CacheHit> hit, cache.Look(CacheKey(question), asker));
  if (!hit) return std::optional<AgentReply>();
  AgentReply reply;
  std::string tree;
  try {
    const json kept = ParseJson(hit->result, kMaxStoredJsonDepth);
    reply = kept.at("reply").get<AgentReply>();
    tree = kept.at("tree").get<std::string>();
  } catch (const json::exception& e) {
    return DataLoss("the kept answer " + hit->entry.cache_key + " cannot be read: " + JsonErrorText(e));
  }
  WFE_ASSIGN_OR_RETURN(const std::string archive, blobs.Get(tree));
  WFE_RETURN_IF_ERROR(sandbox::UnpackTree(archive, dir, {.delete_others = true}));
  WFE_ASSIGN_OR_RETURN(const sandbox::TreeSnapshot after, sandbox::TakeSnapshot(dir));
  if (after.Hash() != reply.tree_hash) {
    return DataLoss("the tree of the kept answer " + hit->entry.cache_key + " is not the one its step left");
  }
  reply.attempt = described.attempt;
  reply.prompt_token_count = reply.completion_token_count = 0;
  reply.thoughts_token_count = reply.cached_token_count = 0;
  reply.token_count_source.clear();
  reply.lost_calls = reply.lost_prompt_token_count = reply.lost_completion_token_count = 0;
  reply.cost_usd.reset();
  reply.price_version.clear();
  reply.turns = reply.nudges = reply.replayed_turns = 0;
  reply.latency_ms = 0;
  reply.snapshot_blob_hash = request.keep_snapshot ? tree : "";
  reply.cache_hit = true;
  reply.tokens_saved = hit->entry.tokens;
  reply.cost_saved_usd = hit->entry.cost_usd;
  return std::optional(std::move(reply));
}

Status KeepInCache(ContextCache& cache, const CacheQuestion& question, const AgentReply& reply,
                   const std::string& run_id, const std::string& step_name, const sandbox::SafeDir& dir,
                   const std::vector<std::string>& secrets, BlobSink& blobs) {
  std::vector<std::string> withheld;
  WFE_ASSIGN_OR_RETURN(const std::string archive, sandbox::PackTree(dir, {.secrets = secrets, .withheld = &withheld}));
  for (const std::string& path : withheld) {
    if (std::find(reply.files_touched.begin(), reply.files_touched.end(), path) != reply.files_touched.end())
      return Ok();
  }
  WFE_ASSIGN_OR_RETURN(const std::string tree, blobs.Put(archive));
  const json result = {{"reply", reply}, {"tree", tree}};
  const CacheEntry entry{.tokens = reply.prompt_token_count + reply.completion_token_count +
                                   reply.lost_prompt_token_count + reply.lost_completion_token_count,
                         .cost_usd = reply.cost_usd,
                         .workflow_run_id = run_id,
                         .step_name = step_name};
  return cache.Store(question, entry, result.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace wfe::agent
