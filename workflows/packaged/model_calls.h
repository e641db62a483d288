// Calls of a model by a workflow, on terms that all of them share: which model, from which cache, for how much money.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "activities/agent/call/model_call.h"
#include "activities/packaged/common/model_step.h"
#include "engine/base/money.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

struct CallTerms {
  std::string model;    ///< A model or tier; empty: the worker's default.
  std::string backend;  ///< Empty: the tier's, or the worker's default.
  std::string cache;    ///< never, auto or always; empty: never (CE-3).
  int64_t patience_s = 600;
  std::optional<Money> max_cost_usd;  ///< Of all calls together; absent: no limit of theirs.
};

/// For a step that calls a model: the terms' patience ends its attempts.
inline constexpr sdk::ActivityOptions kPackagedModelStep{
    .start_to_close = std::chrono::hours(1),
    .heartbeat = std::chrono::seconds(30),
    .retry = {.initial_interval = std::chrono::seconds(1), .maximum_interval = std::chrono::minutes(1)}};

/// Part of a run, which it outlives.
class ModelCalls {
 public:
  /// `use`: where what the calls came to is added up.
  ModelCalls(sdk::WorkflowContext& ctx, CallTerms terms, packaged::ModelUse& use)
      : ctx_(ctx), terms_(std::move(terms)), use_(use) {}

  /// The request on these terms, with its share of the money that is left: `calls_at_once` share it.  A model that the
  /// request names stays where the terms name none.
  agent::CallRequest RequestFor(agent::CallRequest request, int64_t calls_at_once = 1) const;
  /// One call through callModel.  The answer's fault says why there is none, also where the activity failed for good.
  sdk::Task<packaged::ModelAnswer> Ask(agent::CallRequest request, int64_t calls_at_once = 1);

 private:
  sdk::WorkflowContext& ctx_;
  const CallTerms terms_;
  packaged::ModelUse& use_;
};

}  // namespace wfe::workflows
