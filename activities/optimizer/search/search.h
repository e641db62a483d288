// Searching the graphs that the strategies allow for the best of them (SR-1 to SR-6, SR-10).  All pure and seeded; a
// clock is only looked at for the time limit.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/graph/graph.h"
#include "activities/optimizer/profile/catalog.h"
#include "activities/optimizer/profile/performance_profile.h"
#include "activities/optimizer/strategies/run_model.h"
#include "activities/optimizer/strategies/strategy.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"

namespace wfe::optimizer {

/// What counts how much (SR-2).
struct ObjectiveWeights {
  double duration = 0.4;
  double cost = 0.4;
  double quality = 0.2;
};
WFE_RECORD(ObjectiveWeights, duration, cost, quality);
constexpr RecordRules RulesOf(const ObjectiveWeights*) { return {.refuses_unknown = true, .subject = "weights"}; }
void CheckRecord(const ObjectiveWeights& weights);

/// Where a search begins and what it may do.  It outlives the search.
struct SearchProblem {
  const graph::Graph& start;
  const PerformanceProfile& profile;
  const Catalog& catalog;
  ObjectiveWeights weights;
  double min_quality = 0.9;  ///< Hard (SR-3), of RelativeQuality; ours.
  StrategyRules rules;
};

/// Quality times success rate, as a share of that of the start.
double RelativeQuality(const RunEstimate& run, const RunEstimate& start);

/// The objective of a run (SR-2): weights.duration × 2 / (1 + x/x0), the same for cost, and for quality its share of
/// that of the start, q, or 2 / (1 + 1/q) where it is better, so that many retries do not outweigh all else.  The start
/// has the sum of the weights; what was 0 at the start scores 1 and cannot get better.
double Score(const RunEstimate& run, const RunEstimate& start, const ObjectiveWeights& weights);

struct SearchLimits {
  double seconds = 30;              ///< TG-8; 0: no limit.
  int64_t evaluations = 1'000'000;  ///< Scores that are computed; 0: no limit.
  std::function<bool()> cancelled;  ///< Asked every few hundred evaluations; empty: never.
};

/// SR-4.
struct OptimizationResult {
  graph::Graph optimized_workflow;
  std::vector<GraphChange> changes;  ///< That lead there from the start.
  double start_score = 0;
  double score = 0;
  RunEstimate start;
  RunEstimate optimized;
  std::string algorithm;
  int64_t iterations = 0;   ///< Steps of hill climbing, moves of annealing.
  int64_t generations = 0;  ///< Of the genetic algorithm; so are episodes of reinforcement learning.
  int64_t episodes = 0;
  int64_t evaluations = 0;
  double seconds = 0;
  std::vector<std::string> path;  ///< What was done step by step, where the algorithm goes in steps.
  std::vector<double> scores;     ///< The best one after each step.
  std::string stopped_by;         ///< finished, time, evaluations or cancelled.
};
WFE_RECORD(OptimizationResult, optimized_workflow, changes, start_score, score, start, optimized, algorithm, iterations,
           generations, episodes, evaluations, seconds, path, scores, stopped_by);

}  // namespace wfe::optimizer
