#include "activities/optimizer/search/bayesian.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <random>
#include <utility>

#include "activities/optimizer/search/gaussian_process.h"

namespace wfe::optimizer {
namespace {

using NumberPoint = std::vector<double>;

constexpr size_t kRefined = 3;  // of the candidates, and the best point so far
constexpr double kFirstStep = 0.1;
constexpr double kLastStep = 1e-3;

double NormalDensity(double z) { return std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi); }
double NormalBelow(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

/// Points of the space as points of the unit cube.  A whole number has a part of its dimension as wide as any other's,
/// and lies in the middle of it.
class Cube {
 public:
  explicit Cube(const std::vector<Dimension>& space) : space_(space) {}

  size_t size() const { return space_.size(); }

  double StepOf(size_t d) const { return space_[d].integer ? 1 / Width(d) : 0; }

  void Snap(NumberPoint& unit) const {
    for (size_t d = 0; d < unit.size(); ++d) {
      unit[d] = std::clamp(unit[d], 0.0, 1.0);
      if (space_[d].integer) unit[d] = (Number(d, unit[d]) - space_[d].lo + 0.5) / Width(d);
    }
  }

  NumberPoint Values(const NumberPoint& unit) const {
    NumberPoint values;
    for (size_t d = 0; d < unit.size(); ++d) {
      const Dimension& dimension = space_[d];
      values.push_back(dimension.integer ? Number(d, unit[d])
                                         : dimension.lo + unit[d] * (dimension.hi - dimension.lo));
    }
    return values;
  }

 private:
  double Width(size_t d) const { return space_[d].hi - space_[d].lo + 1; }
  double Number(size_t d, double unit) const {
    return std::clamp(std::floor(space_[d].lo + unit * Width(d)), space_[d].lo, space_[d].hi);
  }

  const std::vector<Dimension>& space_;
};

class NumberSearch {
 public:
  NumberSearch(const std::vector<Dimension>& space, const Objective& objective, const BayesianSettings& settings,
               const BayesianLimits& limits)
      : cube_(space), objective_(objective), settings_(settings), limits_(limits), random_(settings.seed) {}

  BayesianResult Run() {
    for (const NumberPoint& start : Starts()) {
      if (IsOver()) return Finish();
      // Where there are few whole numbers, two starts may be one point.
      if (!IsKnown(start)) Evaluate(start);
    }
    for (int64_t i = 0; i < settings_.iterations; ++i) {
      if (IsOver()) return Finish();
      const std::optional<NumberPoint> next = Next();
      if (!next) {
        result_.stopped_by = "exhausted";
        return Finish();
      }
      Evaluate(*next);
    }
    result_.stopped_by = "finished";
    return Finish();
  }

 private:
  double Uniform() { return static_cast<double>(random_() >> 11) * 0x1.0p-53; }

  double Elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }

  bool IsOver() {
    if (limits_.cancelled && limits_.cancelled()) {
      result_.stopped_by = "cancelled";
    } else if (limits_.evaluations > 0 && static_cast<int64_t>(result_.evaluations.size()) >= limits_.evaluations) {
      result_.stopped_by = "evaluations";
    } else if (limits_.seconds > 0 && Elapsed() >= limits_.seconds) {
      result_.stopped_by = "time";
    }
    return !result_.stopped_by.empty();
  }

  /// A Latin hypercube: in every dimension one start in each part.
  std::vector<NumberPoint> Starts() {
    const auto count = static_cast<size_t>(settings_.random_starts);
    std::vector<NumberPoint> starts(count, NumberPoint(cube_.size()));
    std::vector<size_t> parts(count);
    for (size_t d = 0; d < cube_.size(); ++d) {
      for (size_t i = 0; i < count; ++i) parts[i] = i;
      for (size_t i = count; i > 1; --i) {
        std::swap(parts[i - 1], parts[static_cast<size_t>(Uniform() * static_cast<double>(i))]);
      }
      for (size_t i = 0; i < count; ++i) {
        starts[i][d] = (static_cast<double>(parts[i]) + Uniform()) / static_cast<double>(count);
      }
    }
    for (NumberPoint& start : starts) cube_.Snap(start);
    return starts;
  }

  NumberPoint RandomPoint() {
    NumberPoint point;
    for (size_t d = 0; d < cube_.size(); ++d) point.push_back(Uniform());
    cube_.Snap(point);
    return point;
  }

  bool IsKnown(const NumberPoint& unit) const {
    const auto is_it = [&](const NumberPoint& known) {
      for (size_t d = 0; d < unit.size(); ++d) {
        if (std::abs(known[d] - unit[d]) > 1e-9) return false;
      }
      return true;
    };
    return std::ranges::any_of(units_, is_it);
  }

  void Evaluate(const NumberPoint& unit) {
    Evaluation evaluation{.point = cube_.Values(unit)};
    const Result<double> value = objective_(evaluation.point);
    if (!value) {
      evaluation.error = value.error().message.empty() ? "it failed" : value.error().message;
    } else if (!std::isfinite(*value)) {
      evaluation.error = "the value is no finite number";
    } else {
      evaluation.value = *value;
    }
    if (evaluation.error.empty()) {
      lowest_ = std::min(lowest_, evaluation.value);
      if (result_.best.empty() || evaluation.value > result_.best_value) {
        result_.best = evaluation.point;
        result_.best_value = evaluation.value;
        best_unit_ = unit;
      }
    } else {
      ++result_.failed;
    }
    units_.push_back(unit);
    result_.evaluations.push_back(std::move(evaluation));
  }

  std::vector<double> ValuesSoFar() const {
    std::vector<double> values;
    for (const Evaluation& evaluation : result_.evaluations) {
      values.push_back(evaluation.error.empty() ? evaluation.value : Lowest());
    }
    return values;
  }
  double Lowest() const { return std::isfinite(lowest_) ? lowest_ : 0; }

  double Promise(const GaussianProcess& process, double best, double margin, const NumberPoint& unit) const {
    const GaussianProcess::Belief belief = process.At(unit);
    if (settings_.acquisition == kUpperConfidence) return belief.mean + settings_.beta * belief.sd;
    const bool probability = settings_.acquisition == kProbabilityOfImprovement;
    const double gain = belief.mean - best - (probability ? margin : 0);
    if (belief.sd < 1e-12) return probability ? (gain > 0 ? 1 : 0) : std::max(0.0, gain);
    const double z = gain / belief.sd;
    return probability ? NormalBelow(z) : gain * NormalBelow(z) + belief.sd * NormalDensity(z);
  }

  /// The most promising point that was not tried; nullopt: none was found that was not.
  std::optional<NumberPoint> Next() {
    if (units_.empty()) return RandomPoint();
    const std::vector<double> values = ValuesSoFar();
    const GaussianProcess process(units_, values);
    const auto [lo, hi] = std::ranges::minmax(values);
    // With noise the highest value seen is partly luck: what counts is what the process believes of the points.
    double best = -std::numeric_limits<double>::infinity();
    for (const NumberPoint& unit : units_) best = std::max(best, process.At(unit).mean);
    const double margin = settings_.margin * (hi - lo);
    const auto promise = [&](const NumberPoint& unit) { return Promise(process, best, margin, unit); };
    std::vector<std::pair<double, NumberPoint>> candidates;
    for (int64_t i = 0; i < settings_.candidates; ++i) {
      NumberPoint point = RandomPoint();
      const double promised = promise(point);
      candidates.emplace_back(promised, std::move(point));
    }
    if (!best_unit_.empty()) candidates.emplace_back(promise(best_unit_), best_unit_);
    const NumberPoint around = candidates.back().second;
    std::ranges::stable_sort(candidates, std::greater<>(), [](const auto& candidate) { return candidate.first; });
    const size_t refined = std::min(kRefined, candidates.size());
    std::vector<std::pair<double, NumberPoint>> better;
    for (size_t i = 0; i < refined; ++i) better.push_back(Refine(candidates[i], promise));
    better.push_back(Refine({promise(around), around}, promise));
    candidates.insert(candidates.end(), better.begin(), better.end());
    std::ranges::stable_sort(candidates, std::greater<>(), [](const auto& candidate) { return candidate.first; });
    for (auto& [promised, point] : candidates) {
      if (!IsKnown(point)) return std::move(point);
    }
    return Untried();
  }

  /// Steps along one dimension at a time, shorter ones when none helps.
  template <class PromiseOf>
  std::pair<double, NumberPoint> Refine(std::pair<double, NumberPoint> at, const PromiseOf& promise) const {
    for (double step = kFirstStep; step >= kLastStep;) {
      bool moved = false;
      for (size_t d = 0; d < cube_.size(); ++d) {
        for (const double by : {step, -step}) {
          NumberPoint point = at.second;
          const double least = cube_.StepOf(d);
          point[d] += by > 0 ? std::max(by, least) : std::min(by, -least);
          cube_.Snap(point);
          const double promised = promise(point);
          if (promised <= at.first || IsKnown(point)) continue;
          at = {promised, std::move(point)};
          moved = true;
          break;
        }
      }
      if (!moved) step /= 2;
    }
    return at;
  }

  /// Where whole numbers leave few points: any that is left.
  std::optional<NumberPoint> Untried() {
    constexpr int kTries = 2'000;
    for (int i = 0; i < kTries; ++i) {
      NumberPoint point = RandomPoint();
      if (!IsKnown(point)) return point;
    }
    return std::nullopt;
  }

  BayesianResult Finish() {
    for (Evaluation& evaluation : result_.evaluations) {
      if (!evaluation.error.empty()) evaluation.value = Lowest();
    }
    result_.seconds = Elapsed();
    return std::move(result_);
  }

  const Cube cube_;
  const Objective& objective_;
  const BayesianSettings& settings_;
  const BayesianLimits& limits_;
  std::mt19937_64 random_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  BayesianResult result_;
  std::vector<NumberPoint> units_;  // of the evaluations, in the cube
  NumberPoint best_unit_;
  double lowest_ = std::numeric_limits<double>::infinity();
};

Status CheckSpace(const std::vector<Dimension>& space, const BayesianSettings& settings) {
  if (space.empty()) return InvalidArgument("there are no dimensions to search");
  for (const Dimension& dimension : space) {
    const std::string name = "dimension \"" + dimension.name + "\"";
    const double width = dimension.hi - dimension.lo;
    if (!std::isfinite(dimension.lo) || !std::isfinite(dimension.hi) || !std::isfinite(width)) {
      return InvalidArgument(name + " has bounds that are no finite numbers");
    }
    if (width < 0 || (width == 0 && !dimension.integer)) {
      return InvalidArgument(name + " has no room between its bounds");
    }
    if (dimension.integer && (std::floor(dimension.lo) != dimension.lo || std::floor(dimension.hi) != dimension.hi)) {
      return InvalidArgument(name + " is of whole numbers, and its bounds are none");
    }
  }
  if (settings.random_starts < 1 || settings.random_starts > 1'000 || settings.iterations < 0 ||
      settings.iterations > 1'000 || settings.candidates < 1 || settings.candidates > 100'000) {
    return InvalidArgument("random_starts and candidates must be 1 or more; starts and iterations at most 1,000 each");
  }
  const std::string& acquisition = settings.acquisition;
  if (acquisition != kExpectedImprovement && acquisition != kUpperConfidence &&
      acquisition != kProbabilityOfImprovement) {
    return InvalidArgument("acquisition \"" + acquisition + "\" is not known; there are EI, UCB and PI");
  }
  return Ok();
}

}  // namespace

Result<BayesianResult> OptimizeNumbers(const std::vector<Dimension>& space, const Objective& objective,
                                       const BayesianSettings& settings, const BayesianLimits& limits) {
  WFE_RETURN_IF_ERROR(CheckSpace(space, settings));
  return NumberSearch(space, objective, settings, limits).Run();
}

}  // namespace wfe::optimizer
