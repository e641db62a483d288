// Before an agent is asked: is this an operation that a registered tool does (PD-6)?  And after a check has failed: the
// tool has not done it (PD-7).
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "activities/agent/step/tool_offer.h"
#include "activities/patterns/records/tool_store.h"
#include "activities/patterns/steps/run_tool.h"
#include "engine/base/time.h"

namespace wfe::patterns {

struct RouterConfig {
  std::shared_ptr<RowStore> rows;
  PatternRules rules = PatternRules::BuiltIn();
  ToolRunnerConfig runner;
  std::shared_ptr<const Clock> clock;  ///< nullptr: the machine's.
  /// For so long a worker does not see that a pattern was activated or retired elsewhere.
  Duration refresh = std::chrono::seconds(2);
};

/// What an operation was recognized as.
struct ToolMatch {
  std::vector<std::string> signatures;  ///< All that it belongs to.
  OperationPattern pattern;             ///< The active one whose tool is to be tried.
  std::optional<Tool> tool;             ///< Absent: none is.
};

/// Callable from any thread.
class ToolRouter {
 public:
  explicit ToolRouter(RouterConfig config);

  /// As agent::OfferToTools says.  Steps that lay out, plan, write or repair a program are not routed: they come after
  /// the one that was.  A repair says that a check has failed, so what tools did in this run did not do it.
  std::optional<agent::ToolAnswer> Offer(sdk::ActivityContext& context, const agent::ToolOffer& offer);

  /// The active pattern of highest confidence, from kMinConfidence, with a registered tool that may be tried at `place`
  /// (Tool::steps; empty: anywhere).
  Result<ToolMatch> Match(const std::string& task, const std::vector<std::string>& errors, std::string_view place);
  const ToolRunnerConfig& runner() const { return config_.runner; }

 private:
  struct Active {
    OperationPattern pattern;
    Tool tool;
  };
  Result<std::vector<Active>> ActivePatterns();
  std::optional<agent::ToolAnswer> Try(sdk::ActivityContext& context, const agent::ToolOffer& offer,
                                       const ToolMatch& match);
  Instant Now() const { return config_.clock->Now(); }

  RouterConfig config_;
  std::mutex mutex_;
  std::vector<Active> active_;        // guarded by mutex_
  std::optional<Instant> active_at_;  // guarded by mutex_; when it was read
};

}  // namespace wfe::patterns
