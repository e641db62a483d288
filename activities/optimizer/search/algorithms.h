// The algorithms.  Each gives the best graph that it came by, also when it is stopped; the same problem, settings and
// seed give the same one.  A start that does not validate, and weights that are all 0, are INVALID_ARGUMENT.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "activities/optimizer/search/search.h"

namespace wfe::optimizer {

// OptimizationResult::algorithm.
inline constexpr std::string_view kHillClimbing = "hill_climbing";
inline constexpr std::string_view kSimulatedAnnealing = "simulated_annealing";
inline constexpr std::string_view kGenetic = "genetic";
inline constexpr std::string_view kExhaustive = "exhaustive";

/// The best neighbour each time, until none is better (SR-4).
struct HillClimbingSettings {
  int64_t max_iterations = 100;
};
WFE_RECORD(HillClimbingSettings, max_iterations);
constexpr RecordRules RulesOf(const HillClimbingSettings*) { return {.refuses_unknown = true}; }
Result<OptimizationResult> ClimbHill(const SearchProblem& problem, const HillClimbingSettings& settings = {},
                                     const SearchLimits& limits = {});

/// SR-5.  A move is a neighbour, or one change less; differences count in thousandths of the score.
struct AnnealingSettings {
  double initial_temperature = 100;
  double cooling = 0.95;
  double min_temperature = 0.1;
  int64_t moves_per_temperature = 10;  ///< Ours: 1,350 moves in all.
  uint64_t seed = 1;
};
WFE_RECORD(AnnealingSettings, initial_temperature, cooling, min_temperature, moves_per_temperature, seed);
constexpr RecordRules RulesOf(const AnnealingSettings*) { return {.refuses_unknown = true}; }
Result<OptimizationResult> Anneal(const SearchProblem& problem, const AnnealingSettings& settings = {},
                                  const SearchLimits& limits = {});

/// SR-6.
struct GeneticSettings {
  int64_t population = 50;
  int64_t generations = 100;
  double mutation = 0.1;  ///< Chance of a child.
  double crossover = 0.7;
  int64_t elitism = 5;
  int64_t tournament = 3;  ///< Ours.
  uint64_t seed = 1;
};
WFE_RECORD(GeneticSettings, population, generations, mutation, crossover, elitism, tournament, seed);
constexpr RecordRules RulesOf(const GeneticSettings*) { return {.refuses_unknown = true}; }
Result<OptimizationResult> Breed(const SearchProblem& problem, const GeneticSettings& settings = {},
                                 const SearchLimits& limits = {});

/// Every combination, for graphs with few of them: FAILED_PRECONDITION when there are more than `max_combinations`.
Result<OptimizationResult> SearchAll(const SearchProblem& problem, int64_t max_combinations = 1'000'000,
                                     const SearchLimits& limits = {});

/// By name (SR-9); NOT_FOUND names those that there are.  `seed` is that of the algorithms that have one.
Result<OptimizationResult> SearchBy(std::string_view algorithm, const SearchProblem& problem, uint64_t seed = 1,
                                    const SearchLimits& limits = {});

}  // namespace wfe::optimizer
