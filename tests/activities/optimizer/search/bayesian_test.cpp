// Bayesian optimization against random search with the same budget, and what it does at the edges (SR-7, SR-10).
#include <gmock/gmock.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "activities/optimizer/search/bayesian.h"
#include "activities/optimizer/search/gaussian_process.h"

namespace wfe::optimizer {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int kSeeds = 20;

struct Problem {
  const char* name;
  std::vector<Dimension> space;
  double optimum;
  Result<double> (*value)(const std::vector<double>& at);
};

Result<double> Branin(const std::vector<double>& at) {
  const double pi = std::numbers::pi;
  const double b = 5.1 / (4 * pi * pi);
  const double inner = at[1] - b * at[0] * at[0] + 5 / pi * at[0] - 6;
  return -(inner * inner + 10 * (1 - 1 / (8 * pi)) * std::cos(at[0]) + 10);
}

Result<double> Hartmann3(const std::vector<double>& at) {
  constexpr double kAlpha[] = {1, 1.2, 3, 3.2};
  constexpr double kA[4][3] = {{3, 10, 30}, {0.1, 10, 35}, {3, 10, 30}, {0.1, 10, 35}};
  constexpr double kP[4][3] = {
      {0.3689, 0.1170, 0.2673}, {0.4699, 0.4387, 0.7470}, {0.1091, 0.8732, 0.5547}, {0.0381, 0.5743, 0.8828}};
  double sum = 0;
  for (int i = 0; i < 4; ++i) {
    double inner = 0;
    for (int d = 0; d < 3; ++d) {
      const double off = at[static_cast<size_t>(d)] - kP[i][d];
      inner += kA[i][d] * off * off;
    }
    sum += kAlpha[i] * std::exp(-inner);
  }
  return sum;
}

/// What an agent might be: too few tool calls or iterations fail, too many cost, a temperature in between is best.
Result<double> Agent(const std::vector<double>& at) {
  const double quality = 1 - std::exp(-at[1] / 12) * 0.8 - std::exp(-at[2] / 25) * 0.5;
  const double heat = (at[0] - 0.35) * (at[0] - 0.35);
  return quality - 0.6 * heat - 0.004 * at[1] - 0.0015 * at[2];
}

const std::vector<Dimension> kAgentSpace = {
    {"temperature", 0, 1}, {"tool_budget", 5, 50, true}, {"max_iterations", 10, 100, true}};

/// The best of the grid of whole numbers at the best temperature.
double BestAgent() {
  double best = -1e9;
  for (double tools = 5; tools <= 50; ++tools) {
    for (double iterations = 10; iterations <= 100; ++iterations) {
      best = std::max(best, *Agent({0.35, tools, iterations}));
    }
  }
  return best;
}

double BestOfRandom(const Problem& problem, uint64_t seed, int budget) {
  std::mt19937_64 random(seed);
  double best = -1e300;
  for (int i = 0; i < budget; ++i) {
    std::vector<double> point;
    for (const Dimension& dimension : problem.space) {
      const double unit = static_cast<double>(random() >> 11) * 0x1.0p-53;
      point.push_back(dimension.integer ? dimension.lo + std::floor(unit * (dimension.hi - dimension.lo + 1))
                                        : dimension.lo + unit * (dimension.hi - dimension.lo));
    }
    best = std::max(best, *problem.value(point));
  }
  return best;
}

BayesianResult Must(Result<BayesianResult> result) {
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().ToString());
  return result ? *std::move(result) : BayesianResult();
}

TEST(BayesianOptimization, ComesCloserThanRandomSearchWithTheSameBudget) {  // SR-7
  const std::vector<Problem> problems = {{"Branin", {{"x", -5, 10}, {"y", 0, 15}}, -0.397887, Branin},
                                         {"Hartmann 3", {{"x", 0, 1}, {"y", 0, 1}, {"z", 0, 1}}, 3.86278, Hartmann3},
                                         {"agent, whole numbers", kAgentSpace, BestAgent(), Agent}};
  std::printf("%-22s %-4s %12s %12s %6s %10s\n", "55 evaluations", "", "mean regret", "random's", "wins", "ms each");
  for (const Problem& problem : problems) {
    for (const std::string_view acquisition : {kExpectedImprovement, kUpperConfidence, kProbabilityOfImprovement}) {
      double regret = 0;
      double random_regret = 0;
      double seconds = 0;
      int wins = 0;
      for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const BayesianSettings settings{.acquisition = std::string(acquisition), .seed = seed};
        const BayesianResult result = Must(OptimizeNumbers(problem.space, problem.value, settings));
        EXPECT_THAT(result.evaluations, SizeIs(55));
        EXPECT_EQ(result.stopped_by, "finished");
        const double random = BestOfRandom(problem, seed, 55);
        EXPECT_LE(result.best_value, problem.optimum + 1e-4);
        regret += (problem.optimum - result.best_value) / kSeeds;
        random_regret += (problem.optimum - random) / kSeeds;
        seconds += result.seconds / kSeeds;
        wins += result.best_value > random ? 1 : 0;
      }
      std::printf("%-22s %-4s %12.6f %12.6f %3d/%2d %10.1f\n", problem.name, std::string(acquisition).c_str(), regret,
                  random_regret, wins, kSeeds, seconds * 1e3);
      EXPECT_LT(regret, random_regret) << problem.name << " " << acquisition;
      if (acquisition == kExpectedImprovement) {
        EXPECT_LT(regret, 0.1 * random_regret) << problem.name;
        EXPECT_GE(wins, 19) << problem.name;
      }
    }
  }
}

TEST(BayesianOptimization, FindsItsWayThroughNoise) {  // SR-7
  int closer = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> noise(0, 0.1);
    const auto noisy = [&](const std::vector<double>& at) -> Result<double> { return *Hartmann3(at) + noise(random); };
    const std::vector<Dimension> space = {{"x", 0, 1}, {"y", 0, 1}, {"z", 0, 1}};
    const BayesianResult result = Must(OptimizeNumbers(space, noisy, {.seed = seed}));
    if (*Hartmann3(result.best) > 3.86278 - 0.15) ++closer;
  }
  std::printf("noise of 0.1 on Hartmann 3: within 0.15 of the best in %d of %d\n", closer, kSeeds);
  EXPECT_GE(closer, 16);
}

TEST(BayesianOptimization, GivesWholeNumbersWithinTheirBoundsAndTriesNoPointTwice) {  // SR-7
  const std::vector<Dimension> space = {{"tool_budget", 5, 9, true}, {"mode", 0, 2, true}};
  std::set<std::vector<double>> tried;
  const auto objective = [&](const std::vector<double>& at) -> Result<double> {
    for (const double value : at) EXPECT_EQ(value, std::floor(value));
    EXPECT_TRUE(at[0] >= 5 && at[0] <= 9 && at[1] >= 0 && at[1] <= 2);
    EXPECT_TRUE(tried.insert(at).second) << "tried twice";
    return -std::abs(at[0] - 9) - at[1];
  };
  const BayesianResult result = Must(OptimizeNumbers(space, objective, {}));
  EXPECT_EQ(result.best, (std::vector<double>{9, 0})) << "a corner";
  EXPECT_EQ(result.stopped_by, "exhausted");
  EXPECT_THAT(tried, SizeIs(15)) << "all there are";
}

TEST(BayesianOptimization, GoesOnWhereAllValuesAreTheSame) {  // SR-7: no variance
  const auto flat = [](const std::vector<double>&) -> Result<double> { return 4.25; };
  for (const std::string_view acquisition : {kExpectedImprovement, kUpperConfidence, kProbabilityOfImprovement}) {
    const BayesianResult result =
        Must(OptimizeNumbers(kAgentSpace, flat, {.acquisition = std::string(acquisition)}));
    EXPECT_THAT(result.evaluations, SizeIs(55));
    EXPECT_EQ(result.best_value, 4.25);
  }
}

TEST(BayesianOptimization, TheSameSeedGivesTheSameEvaluations) {  // SR-10
  const auto tried = [](uint64_t seed) {
    std::vector<std::vector<double>> points;
    for (const Evaluation& evaluation : Must(OptimizeNumbers(kAgentSpace, Agent, {.seed = seed})).evaluations) {
      points.push_back(evaluation.point);
    }
    return points;
  };
  EXPECT_EQ(tried(7), tried(7));
  EXPECT_NE(tried(7), tried(8));
}

TEST(BayesianOptimization, AFailedEvaluationCountsAndIsAvoided) {  // SR-7
  int failed = 0;
  const auto objective = [&](const std::vector<double>& at) -> Result<double> {
    if (at[0] <= 0.5) return at[0];
    ++failed;
    return at[0] > 0.75 ? Result<double>(std::nan("")) : Result<double>(Unavailable("the run failed"));
  };
  const std::vector<Dimension> space = {{"x", 0, 1}};
  const BayesianResult result = Must(OptimizeNumbers(space, objective, {}));
  EXPECT_THAT(result.evaluations, SizeIs(55));
  EXPECT_EQ(result.failed, failed);
  EXPECT_GT(result.best_value, 0.49);
  EXPECT_LT(failed, 28) << "most evaluations are where they go well";
  const auto never = [](const std::vector<double>&) -> Result<double> { return Unavailable("no worker"); };
  const BayesianResult nothing = Must(OptimizeNumbers(space, never, {}));
  EXPECT_TRUE(nothing.best.empty());
  EXPECT_EQ(nothing.failed, 55);
  EXPECT_EQ(nothing.evaluations.back().error, "no worker");
}

TEST(BayesianOptimization, StopsAtItsBudgetItsTimeAndWhenItIsCancelledWithTheBestSoFar) {  // SR-10
  BayesianResult result = Must(OptimizeNumbers(kAgentSpace, Agent, {}, {.evaluations = 3}));
  EXPECT_THAT(result.evaluations, SizeIs(3));
  EXPECT_EQ(result.stopped_by, "evaluations");
  EXPECT_THAT(result.best, SizeIs(3));
  int asked = 0;
  BayesianLimits limits{.cancelled = [&] { return ++asked > 12; }};
  result = Must(OptimizeNumbers(kAgentSpace, Agent, {}, limits));
  EXPECT_THAT(result.evaluations, SizeIs(12));
  EXPECT_EQ(result.stopped_by, "cancelled");
  const auto busy = [](const std::vector<double>& at) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
    return Agent(at);
  };
  result = Must(OptimizeNumbers(kAgentSpace, busy, {}, {.seconds = 0.05}));
  EXPECT_EQ(result.stopped_by, "time");
  EXPECT_LT(result.evaluations.size(), 10U);
}

TEST(BayesianOptimization, RefusesSpacesAndSettingsThatAreNone) {  // SR-7
  const auto refused = [](const std::vector<Dimension>& space, const BayesianSettings& settings = {}) {
    const Result<BayesianResult> result = OptimizeNumbers(space, Agent, settings);
    return result ? std::string("accepted") : result.error().message;
  };
  EXPECT_THAT(refused({}), HasSubstr("no dimensions"));
  EXPECT_THAT(refused({{"x", 1, 1}}), HasSubstr("\"x\" has no room"));
  EXPECT_THAT(refused({{"x", 2, 1, true}}), HasSubstr("no room"));
  EXPECT_THAT(refused({{"x", 0, INFINITY}}), HasSubstr("no finite numbers"));
  EXPECT_THAT(refused({{"x", 0.5, 4, true}}), HasSubstr("whole numbers"));
  EXPECT_THAT(refused({{"x", 0, 1}}, {.acquisition = "best"}), HasSubstr("there are EI, UCB and PI"));
  EXPECT_THAT(refused({{"x", 0, 1}}, {.random_starts = 0}), HasSubstr("random_starts"));
}

TEST(GaussianProcesses, KnowsItsPointsAndDoubtsWhatIsFarFromThem) {  // SR-7
  std::vector<std::vector<double>> points;
  std::vector<double> values;
  for (int i = 0; i <= 10; ++i) {
    const double x = 0.5 * i / 10;
    points.push_back({x, 0.5});
    values.push_back(std::sin(6 * x));
  }
  const GaussianProcess process(points, values);
  for (size_t i = 0; i < points.size(); ++i) EXPECT_NEAR(process.At(points[i]).mean, values[i], 0.01);
  EXPECT_NEAR(process.At({0.275, 0.5}).mean, std::sin(6 * 0.275), 0.01) << "between them";
  EXPECT_LT(process.At({0.275, 0.5}).sd, 0.05);
  EXPECT_GT(process.At({1, 0.5}).sd, 5 * process.At({0.275, 0.5}).sd);
  const GaussianProcess same({{0.1}, {0.1}, {0.2}}, {1, 1, 1});
  EXPECT_EQ(same.At({0.9}).mean, 1) << "equal points without variance";
  EXPECT_GT(same.At({0.9}).sd, same.At({0.1}).sd);
}

}  // namespace
}  // namespace wfe::optimizer
