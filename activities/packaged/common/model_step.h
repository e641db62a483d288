// The model's part of a packaged workflow's step: one call through callModel, which counts it, keeps it within budgets
// and answers from its cache (CE-1, CE-3).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "activities/agent/call/model_call.h"
#include "engine/base/money.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "workers/client/records_client.h"
#include "workers/sdk/activity.h"

namespace wfe::packaged {

/// What the activities of packaged workflows need.  Callable from any thread.
struct PackagedConfig {
  std::shared_ptr<client::RecordsClient> records;
  /// The activity of that name as the worker serves it, with what guards it; nullptr: none.
  std::function<const sdk::ActivityFunction*(const std::string& name)> step;
};

/// What calls of a model came to.
struct ModelUse {
  int64_t calls = 0;
  int64_t cached = 0;  ///< Of them, answered by a kept answer: nothing was paid.
  int64_t tokens = 0;
  Money cost_usd;  ///< Of the calls whose price is known.
  int64_t unpriced = 0;
  bool scripted = false;  ///< Canned answers: no model was asked, nothing was paid.
  std::string model;      ///< That was asked last; empty: nobody named it, which an own command need not do.
  int64_t unanswered = 0;  ///< Steps that asked one and got no answer, however often they tried; not in `calls`.

  void Add(const agent::CallReply& reply);
  void Add(const ModelUse& other);
  friend bool operator==(const ModelUse&, const ModelUse&) = default;
};
WFE_RECORD(ModelUse, calls, cached, tokens, cost_usd, unpriced, scripted, model, unanswered);
/// The model's name for people, who are never shown an empty one.
inline std::string ModelInWords(const ModelUse& use) { return use.model.empty() ? "a model not named" : use.model; }
constexpr RecordRules RulesOf(const ModelUse*) { return {.seldom = "cached unpriced scripted model unanswered"}; }

struct ModelAnswer {
  std::string text;
  std::string fault;  ///< Why there is none though the call came to an end: blocked, no budget left.  Else empty.
  ModelUse use;
};

/// What a reply says, with its whole text.
Result<ModelAnswer> AnswerOf(BlobSource& blobs, const agent::CallReply& reply);

/// Makes the call inside of the activity of `context`; `name` is the same in every attempt and no other call's of that
/// activity.  A failure is callModel's own (activities/agent/call/model_call.h); pass it on.
sdk::ActivityResult<ModelAnswer> AskModel(const PackagedConfig& config, sdk::ActivityContext& context,
                                          const std::string& name, const agent::CallRequest& request);

/// The JSON in an answer, with or without a fence around it.  INVALID_ARGUMENT: there is none.
Result<nlohmann::json> JsonOfAnswer(const std::string& text);

}  // namespace wfe::packaged
