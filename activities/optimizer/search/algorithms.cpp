#include "activities/optimizer/search/algorithms.h"

#include <algorithm>
#include <cmath>

#include "activities/optimizer/search/budget.h"
#include "activities/optimizer/search/candidate.h"

namespace wfe::optimizer {
namespace {

/// Differences of rounding are no improvement.
constexpr double kLeastGain = 1e-9;

}  // namespace

void CheckRecord(const ObjectiveWeights& weights) {
  RequireOfRecord(weights.duration >= 0 && weights.cost >= 0 && weights.quality >= 0, "weights must not be negative");
  RequireOfRecord(weights.duration + weights.cost + weights.quality > 0, "one of the weights must be positive");
}

Result<OptimizationResult> ClimbHill(const SearchProblem& problem, const HillClimbingSettings& settings,
                                     const SearchLimits& limits) {
  WFE_ASSIGN_OR_RETURN(const SearchSpace space, SearchSpace::Make(problem));
  SearchRun run(space, limits);
  OptimizationResult result;
  Candidate at = space.Start();
  double score = run.best_score();
  while (result.iterations < settings.max_iterations && !run.over()) {
    const Move* best = nullptr;
    double best_score = score + kLeastGain;
    for (const Move& move : space.moves()) {
      if (run.over()) break;
      if (!space.Allowed(at, move)) continue;
      const double neighbour = run.Try(space.Neighbour(at, move));
      if (neighbour <= best_score) continue;
      best = &move;
      best_score = neighbour;
    }
    if (best == nullptr) break;
    at = space.Neighbour(at, *best);
    score = best_score;
    ++result.iterations;
    result.path.push_back(best->description);
    result.scores.push_back(score);
  }
  return run.Finish(kHillClimbing, std::move(result));
}

Result<OptimizationResult> Anneal(const SearchProblem& problem, const AnnealingSettings& settings,
                                  const SearchLimits& limits) {
  if (!(settings.cooling > 0 && settings.cooling < 1) || !(settings.min_temperature > 0))
    return InvalidArgument("annealing cools by a factor between 0 and 1, to a temperature above 0");
  WFE_ASSIGN_OR_RETURN(const SearchSpace space, SearchSpace::Make(problem));
  SearchRun run(space, limits);
  Dice dice(settings.seed);
  OptimizationResult result;
  Candidate at = space.Start();
  Candidate next;
  double score = run.best_score();
  for (double heat = settings.initial_temperature; heat > settings.min_temperature; heat *= settings.cooling) {
    for (int64_t m = 0; m < settings.moves_per_temperature && !run.over(); ++m) {
      bool found = false;
      std::string description;
      for (int tries = 0; tries < 100 && !found; ++tries)
        found = RandomNeighbour(space, dice, at, next, &description);
      ++result.iterations;
      if (!found) continue;
      const double before = run.best_score();
      const double neighbour = run.Try(next);
      const double difference = (neighbour - score) * 1000;
      if (difference < 0 && dice.Share() >= std::exp(difference / heat)) continue;
      at = next;
      score = neighbour;
      if (run.best_score() <= before) continue;
      result.path.push_back(std::move(description));
      result.scores.push_back(run.best_score());
    }
  }
  return run.Finish(kSimulatedAnnealing, std::move(result));
}

Result<OptimizationResult> SearchAll(const SearchProblem& problem, int64_t max_combinations,
                                     const SearchLimits& limits) {
  WFE_ASSIGN_OR_RETURN(const SearchSpace space, SearchSpace::Make(problem));
  double combinations = 1;
  for (uint32_t s = 0; s < space.slots(); ++s) combinations *= space.alternatives(s);
  if (combinations > static_cast<double>(max_combinations))
    return FailedPrecondition("there are more than " + std::to_string(max_combinations) + " combinations of changes");
  SearchRun run(space, limits);
  OptimizationResult result;
  Candidate at = space.Start();
  const auto advance = [&] {
    for (uint32_t s = 0; s < space.slots(); ++s) {
      if (++at[s] < space.alternatives(s)) return true;
      at[s] = 0;
    }
    return false;
  };
  while (advance() && !run.over()) {
    ++result.iterations;
    if (space.Consistent(at)) run.Try(at);
  }
  return run.Finish(kExhaustive, std::move(result));
}

Result<OptimizationResult> SearchBy(std::string_view algorithm, const SearchProblem& problem, uint64_t seed,
                                    const SearchLimits& limits) {
  if (algorithm == kHillClimbing) return ClimbHill(problem, {}, limits);
  if (algorithm == kSimulatedAnnealing) {
    AnnealingSettings settings;
    settings.seed = seed;
    return Anneal(problem, settings, limits);
  }
  if (algorithm == kGenetic) {
    GeneticSettings settings;
    settings.seed = seed;
    return Breed(problem, settings, limits);
  }
  if (algorithm == kExhaustive) return SearchAll(problem, 1'000'000, limits);
  return NotFound("there is no search algorithm " + std::string(algorithm) +
                  "; there are hill_climbing, simulated_annealing, genetic and exhaustive");
}

}  // namespace wfe::optimizer
