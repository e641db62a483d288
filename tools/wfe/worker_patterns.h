// What a worker does about operations that recur: looks for them after each run, and tries tools before agents (PD-1,
// PD-6).
#pragma once

#include <functional>
#include <string>

#include "activities/agent/step/tool_offer.h"
#include "activities/patterns/rules/pattern_rules.h"
#include "tools/wfe/worker_activities.h"

namespace wfe::learning {
struct UsageRow;
}  // namespace wfe::learning

namespace wfe::cli {

/// Empty functions: the configuration has it switched off.
struct WorkerPatterns {
  agent::OfferToTools offer;
  // The detector after a run.  What goes wrong in it is a warning: the run is over, and a backfill makes it good.
  std::function<void(const std::string& run_id)> build_ended;
  std::function<void(const learning::UsageRow& usage)> usage_recorded;
  std::function<void(const std::string& workflow_id)> batch_joined;
};

/// The rules of the configuration's file, or those built in.
Result<patterns::PatternRules> LoadPatternRules(const Config& config);

/// Registers the activities about patterns; `registry` outlives their use.
WorkerPatterns RegisterWorkerPatterns(sdk::ActivityRegistry& registry, const WorkerActivities& worker);

}  // namespace wfe::cli
