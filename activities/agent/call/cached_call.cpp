#include "activities/agent/call/cached_call.h"

#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::agent {

using nlohmann::json;

CacheQuestion QuestionOfCall(const CallRequest& request, const AgentReply& described, int default_max_output_tokens) {
  CacheQuestion question{.task = {},
                         .model = described.model,
                         .parameters = {{"kind", "call"},
                                        {"step_name", request.step_name},
                                        {"backend", described.backend},
                                        {"system_sha256", ToHex(Sha256(request.system))},
                                        {"max_output_tokens", default_max_output_tokens},
                                        {"parameters", request.parameters}},
                         .files = {}};
  json lengths = json::array();  // where one part ends
  for (const std::string& part : request.parts) {
    question.task += part;
    lengths.push_back(part.size());
  }
  question.parameters["part_bytes"] = std::move(lengths);
  return question;
}

bool IsWorthKeeping(const CallReply& reply) {
  return reply.finish_reason == "STOP" && !reply.text.empty() && reply.redaction_count == 0;
}

Result<std::optional<CallReply>> TakeFromCache(ContextCache& cache, const CacheQuestion& question,
                                               const CacheAsker& asker, const AgentReply& described) {
  WFE_ASSIGN_OR_RETURN(const std::optional<CacheHit> hit, cache.Look(CacheKey(question), asker));
  if (!hit) return std::optional<CallReply>();
  CallReply reply;
  try {
    const json kept = ParseJson(hit->result, kMaxStoredJsonDepth);
    reply.text = kept.at("text").get<std::string>();
    reply.model_version = kept.at("model_version").get<std::string>();
  } catch (const json::exception& e) {
    return DataLoss("the kept answer " + hit->entry.cache_key + " cannot be read: " + JsonErrorText(e));
  }
  reply.finish_reason = "STOP";
  reply.backend = described.backend;
  reply.model = described.model;
  reply.model_tier = described.model_tier;
  reply.attempt = described.attempt;
  reply.cache_hit = true;
  reply.tokens_saved = hit->entry.tokens;
  reply.cost_saved_usd = hit->entry.cost_usd;
  return std::optional(std::move(reply));
}

Status KeepInCache(ContextCache& cache, const CacheQuestion& question, const CallReply& reply,
                   const std::string& run_id, const std::string& step_name) {
  const json result = {{"text", reply.text}, {"model_version", reply.model_version}};
  const CacheEntry entry{.tokens = reply.prompt_token_count + reply.completion_token_count +
                                   reply.lost_prompt_token_count + reply.lost_completion_token_count,
                         .cost_usd = reply.cost_usd,
                         .workflow_run_id = run_id,
                         .step_name = step_name};
  return cache.Store(question, entry, result.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace wfe::agent
