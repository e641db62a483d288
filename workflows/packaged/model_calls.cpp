#include "workflows/packaged/model_calls.h"

#include <algorithm>
#include <utility>

namespace wfe::workflows {

agent::CallRequest ModelCalls::RequestFor(agent::CallRequest request, int64_t calls_at_once) const {
  if (!terms_.model.empty()) request.model = terms_.model;
  request.backend = terms_.backend;
  request.cache = terms_.cache;
  request.patience_s = terms_.patience_s;
  if (terms_.max_cost_usd) {
    const Money left = std::max(Money(), terms_.max_cost_usd->Minus(use_.cost_usd).value_or(Money()));
    request.max_cost_usd = Money::Nanos(left.nanos() / std::max<int64_t>(1, calls_at_once));
  }
  return request;
}

sdk::Task<packaged::ModelAnswer> ModelCalls::Ask(agent::CallRequest request, int64_t calls_at_once) {
  const agent::CallRequest ask = RequestFor(std::move(request), calls_at_once);
  packaged::ModelAnswer answer;
  try {
    agent::CallReply reply = co_await ctx_.Activity(agent::kCallModel, ask, kPackagedModelStep);
    answer.use.Add(reply);
    if (reply.budget_exhausted) {
      answer.fault = "the run's budget is used up: no call was made";
    } else if (reply.text.empty()) {
      answer.fault = "the model gave no answer (" + reply.finish_reason + ")";
    } else if (!reply.text_blob_hash.empty()) {
      answer.fault = "the model's answer is longer than a step takes";
    } else {
      answer.text = std::move(reply.text);
    }
  } catch (const sdk::ActivityFailure& failure) {
    answer.fault = failure.message();
    answer.use.unanswered = 1;
  }
  use_.Add(answer.use);
  co_return answer;
}

}  // namespace wfe::workflows
