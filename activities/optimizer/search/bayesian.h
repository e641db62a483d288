// Bayesian optimization of numbers (SR-7): a temperature, a budget of tool calls, a limit of iterations.  For functions
// of which one value is a whole run, so that thinking for milliseconds about the next one is nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"
#include "engine/base/result.h"

namespace wfe::optimizer {

/// A number that may be chosen, from `lo` to `hi`, both included.
struct Dimension {
  std::string name;
  double lo = 0;
  double hi = 1;
  bool integer = false;  ///< `lo` and `hi` are whole numbers, and so is every value.
};
WFE_RECORD(Dimension, name, lo, hi, integer);
constexpr RecordRules RulesOf(const Dimension*) { return {.refuses_unknown = true, .required = "name lo hi"}; }

// BayesianSettings::acquisition: what a point promises.
inline constexpr std::string_view kExpectedImprovement = "EI";
inline constexpr std::string_view kUpperConfidence = "UCB";
inline constexpr std::string_view kProbabilityOfImprovement = "PI";

struct BayesianSettings {
  int64_t random_starts = 5;  ///< Spread over the space: a Latin hypercube.
  int64_t iterations = 50;    ///< After them.
  int64_t candidates = 100;   ///< Random points of which the most promising are refined.
  std::string acquisition = std::string(kExpectedImprovement);
  double beta = 2;        ///< Of UCB: mean + beta × standard deviation.
  double margin = 0.001;  ///< Of PI: what counts as an improvement, as a share of the spread of the values so far.
  uint64_t seed = 1;
};
WFE_RECORD(BayesianSettings, random_starts, iterations, candidates, acquisition, beta, margin, seed);
constexpr RecordRules RulesOf(const BayesianSettings*) { return {.refuses_unknown = true}; }

/// SR-10.
struct BayesianLimits {
  int64_t evaluations = 0;          ///< At most; 0: as many as there are starts and iterations.
  double seconds = 0;               ///< No evaluation is begun after so long; 0: no limit.
  std::function<bool()> cancelled;  ///< Asked before every evaluation; empty: never.
};

struct Evaluation {
  std::vector<double> point;  ///< In the order of the dimensions.
  double value = 0;           ///< Of one that failed the lowest of the others.
  std::string error;          ///< Why it failed; empty: it did not.
};
WFE_RECORD(Evaluation, point, value, error);
constexpr RecordRules RulesOf(const Evaluation*) { return {.seldom = "error"}; }

struct BayesianResult {
  std::vector<double> best;  ///< The point with the highest value that was seen; empty: no evaluation went well.
  double best_value = 0;
  std::vector<Evaluation> evaluations;  ///< In their order.
  int64_t failed = 0;
  double seconds = 0;
  std::string stopped_by;  ///< finished, evaluations, time, cancelled, or exhausted: every point was tried.
};
WFE_RECORD(BayesianResult, best, best_value, evaluations, failed, seconds, stopped_by);

/// Higher is better.  An error, and a value that is not finite, is a failed evaluation: it counts, and the search goes
/// elsewhere.
using Objective = std::function<Result<double>(const std::vector<double>& point)>;

/// The same seed and objective give the same evaluations.  No point is tried twice.  A search that ends early, or in
/// which every evaluation failed, is no error: the result says so.  INVALID_ARGUMENT: no dimensions, bounds that are
/// none, settings out of range, an unknown acquisition.
Result<BayesianResult> OptimizeNumbers(const std::vector<Dimension>& space, const Objective& objective,
                                       const BayesianSettings& settings = {}, const BayesianLimits& limits = {});

}  // namespace wfe::optimizer
