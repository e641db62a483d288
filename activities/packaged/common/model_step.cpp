#include "activities/packaged/common/model_step.h"

#include "activities/batch/step_call.h"
#include "activities/packaged/common/ending.h"
#include "engine/base/parse_json.h"

namespace wfe::packaged {

void ModelUse::Add(const agent::CallReply& reply) {
  if (reply.budget_exhausted) return;
  ++calls;
  if (reply.cache_hit) ++cached;
  model = reply.model;
  if (reply.model.starts_with("scripted/")) scripted = true;
  if (!reply.cache_hit) tokens += reply.prompt_token_count + reply.completion_token_count;
  if (reply.cost_usd) {
    cost_usd = cost_usd.PlusAtMost(*reply.cost_usd);
  } else if (!reply.cache_hit && !reply.model.starts_with("scripted/")) {
    ++unpriced;
  }
}

void ModelUse::Add(const ModelUse& other) {
  calls += other.calls;
  cached += other.cached;
  tokens += other.tokens;
  cost_usd = cost_usd.PlusAtMost(other.cost_usd);
  unpriced += other.unpriced;
  scripted = scripted || other.scripted;
  unanswered += other.unanswered;
  if (!other.model.empty()) model = other.model;
}

Result<ModelAnswer> AnswerOf(BlobSource& blobs, const agent::CallReply& reply) {
  ModelAnswer answer;
  answer.use.Add(reply);
  if (reply.budget_exhausted) {
    answer.fault = "the run's budget is used up: no call was made";
    return answer;
  }
  answer.text = reply.text;
  if (!reply.text_blob_hash.empty()) {
    WFE_ASSIGN_OR_RETURN(answer.text, blobs.Get(reply.text_blob_hash));
  }
  if (answer.text.empty()) answer.fault = "the model gave no answer (" + reply.finish_reason + ")";
  return answer;
}

sdk::ActivityResult<ModelAnswer> AskModel(const PackagedConfig& config, sdk::ActivityContext& context,
                                          const std::string& name, const agent::CallRequest& request) {
  const auto* const step = config.step ? config.step(std::string(agent::kCallModel.name)) : nullptr;
  if (step == nullptr) {
    return ForGood(kInvalidInput, "this worker serves no callModel");
  }
  batch::InnerContext inner(context, std::string(agent::kCallModel.name), name);
  const sdk::ActivityResult<nlohmann::json> result = (*step)(inner, nlohmann::json(request));
  if (result.cancelled() != nullptr) return *result.cancelled();
  if (result.failure() != nullptr) return *result.failure();
  agent::CallReply reply;
  try {
    reply = result.value().get<agent::CallReply>();
  } catch (const nlohmann::json::exception& e) {
    return Internal(std::string("the reply of callModel cannot be read: ") + JsonErrorText(e));
  }
  Result<ModelAnswer> answer = AnswerOf(*config.records, reply);
  if (!answer) return answer.error();
  return *std::move(answer);
}

Result<nlohmann::json> JsonOfAnswer(const std::string& text) {
  const size_t from = text.find_first_of("{[");
  const size_t to = text.find_last_of("}]");
  if (from == std::string::npos || to == std::string::npos || to < from) {
    return InvalidArgument("the model's answer has no JSON in it");
  }
  const std::string json = text.substr(from, to - from + 1);
  nlohmann::json parsed = ParseJson(json);
  if (parsed.is_discarded()) return InvalidArgument("the model's answer " + WhyNotJson(json));
  return parsed;
}

}  // namespace wfe::packaged
