// Whether the predictor predicts, on workflows whose truth is known, and whether it is silent where it cannot (LN-2,
// LN-3).  WFE_SEEDS=11-60 looks at other seeds than the usual.
#include "activities/optimizer/learning/predictor.h"

#include <gmock/gmock.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "tests/activities/optimizer/learning/simulated_runs.h"

namespace wfe::optimizer {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Instant kNow = *ParseIso8601("2026-04-01T00:00:00.000Z");
constexpr size_t kLater = 300;  // runs after the training, which nothing was learned from

std::pair<uint64_t, uint64_t> Seeds() {
  unsigned long long first = 1;
  unsigned long long last = 5;
  if (const char* text = std::getenv("WFE_SEEDS"); text != nullptr) std::sscanf(text, "%llu-%llu", &first, &last);
  return {first, last};
}

template <class T>
T Must(Result<T> result) {
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().ToString());
  return *std::move(result);
}

std::vector<SimulatedRun> First(const std::vector<SimulatedRun>& runs, size_t count) {
  return {runs.begin(), runs.begin() + static_cast<std::ptrdiff_t>(count)};
}

/// Mean absolute errors on the later runs; of success mean squared ones.
struct LaterErrors {
  double said = 0;
  double mean = 0;
  double truth = 0;  ///< Of who knows the truth but for the noise.
};

std::map<std::string, LaterErrors> ErrorsLater(const Predictor& predictor, const std::vector<SimulatedRun>& runs,
                                               size_t trained) {
  std::map<std::string, LaterErrors> errors;
  const auto n = static_cast<double>(runs.size() - trained);
  const auto add = [&](std::string_view target, double came, double said, double truth) {
    const double mean = predictor.record().Target(target)->mean;
    const auto error = [&](double value) {
      return target == kSuccessTarget ? (value - came) * (value - came) : std::abs(value - came);
    };
    LaterErrors& of = errors[std::string(target)];
    of.said += error(said) / n;
    of.mean += error(mean) / n;
    of.truth += error(truth) / n;
  };
  for (size_t i = trained; i < runs.size(); ++i) {
    const SimulatedRun& run = runs[i];
    const Prediction prediction = Must(predictor.Predict(run.features));
    add(kDurationTarget, *run.example.duration_s, prediction.duration_s.value, run.expected_duration_s);
    add(kCostTarget, *run.example.cost_usd, prediction.cost_usd.value, run.expected_cost_usd);
    add(kSuccessTarget, run.example.success ? 1 : 0, prediction.success_probability.value, run.success_probability);
  }
  return errors;
}

/// What came of one world at one size, over the seeds.
struct Tally {
  int trained = 0;
  int used = 0;
  int worse = 0;  ///< Of the used ones: on the later runs the mean would have been better.
  LaterErrors sum;
};

std::map<std::string, Tally> TallyOf(World world, size_t examples) {
  std::map<std::string, Tally> tallies;
  const auto [first, last] = Seeds();
  for (uint64_t seed = first; seed <= last; ++seed) {
    const std::vector<SimulatedRun> runs = SimulateRuns(world, seed, examples + kLater);
    const Predictor predictor = Must(TrainOn("report", ExamplesOf(First(runs, examples)), kNow));
    for (const auto& [target, errors] : ErrorsLater(predictor, runs, examples)) {
      const TargetModel& model = *predictor.record().Target(target);
      EXPECT_TRUE(!model.used || model.error < model.baseline_error) << "a worse one is used";
      Tally& tally = tallies[target];
      ++tally.trained;
      tally.used += model.used ? 1 : 0;
      tally.worse += model.used && errors.said > errors.mean ? 1 : 0;
      tally.sum.said += errors.said;
      tally.sum.mean += errors.mean;
      tally.sum.truth += errors.truth;
    }
  }
  return tallies;
}

void Print(const char* world, size_t examples, const std::map<std::string, Tally>& tallies) {
  for (const auto& [target, tally] : tallies) {
    const double n = tally.trained;
    std::printf("%-11s %5zu %-9s %9.4f %9.4f %9.4f %5d/%2d %6d\n", world, examples, target.c_str(), tally.sum.said / n,
                tally.sum.mean / n, tally.sum.truth / n, tally.used, tally.trained, tally.worse);
  }
}

void PrintHead() {
  std::printf("%-11s %5s %-9s %9s %9s %9s %8s %6s\n", "runs are", "seen", "", "said", "the mean", "the truth", "used",
              "worse");
}

TEST(Predictor, IsBetterThanTheMeanOfThePastWhereRunsFollowSomething) {  // LN-2, LN-3
  PrintHead();
  for (const size_t examples : {50, 100, 300, 1'000}) {
    const auto tallies = TallyOf(World::kStructured, examples);
    Print("structured", examples, tallies);
    const Tally& duration = tallies.at("duration");
    if (examples >= 100) {
      EXPECT_LT(duration.sum.said, 0.9 * duration.sum.mean);
    }
    if (examples >= 300) {
      EXPECT_EQ(duration.used, duration.trained);
      EXPECT_LT(duration.sum.said, 0.6 * duration.sum.mean);
      EXPECT_LT(tallies.at("cost").sum.said, 0.75 * tallies.at("cost").sum.mean);
    }
    for (const auto& [target, tally] : tallies) EXPECT_LE(tally.worse, 0.1 * tally.trained) << target;
  }
  const auto weak = TallyOf(World::kWeak, 300);
  Print("weak", 300, weak);
  for (const auto& [target, tally] : weak) EXPECT_LE(tally.worse, 0.1 * tally.trained) << target;
}

TEST(Predictor, IsNotUsedWhereNothingFollowsAnything) {  // LN-3
  PrintHead();
  int trained = 0;
  int used = 0;
  for (const size_t examples : {50, 100, 300}) {
    const auto tallies = TallyOf(World::kNoise, examples);
    Print("noise", examples, tallies);
    for (const auto& [target, tally] : tallies) {
      trained += tally.trained;
      used += tally.used;
    }
  }
  std::printf("of %d models of noise %d would be used\n", trained, used);
  EXPECT_LE(used, trained / 100);
}

TEST(Predictor, IsWithdrawnSoonAfterRunsHaveTurned) {  // LN-3: what is held out is held out by time
  PrintHead();
  for (const size_t examples : {kTurnedFrom + 10, kTurnedFrom + 30, kTurnedFrom + 60, kTurnedFrom + 160}) {
    const auto tallies = TallyOf(World::kTurned, examples);
    Print("turned", examples, tallies);
    if (examples == kTurnedFrom + 10) continue;  // ten runs cannot speak against 240
    for (const auto& [target, tally] : tallies) EXPECT_LE(tally.worse, 0.2 * tally.trained) << target;
  }
}

TEST(Predictor, RefusesBelowFiftyExamples) {  // LN-2
  std::vector<TrainingExample> examples = ExamplesOf(SimulateRuns(World::kStructured, 1, 60));
  examples.resize(49);
  Result<Predictor> predictor = TrainOn("report", examples, kNow);
  ASSERT_FALSE(predictor.has_value());
  EXPECT_EQ(predictor.error().code, StatusCode::kFailedPrecondition);
  EXPECT_EQ(predictor.error().message, "workflow report has 49 examples, and a prediction needs 50");
  EXPECT_FALSE(TrainOn("report", {}, kNow).has_value());
  examples = ExamplesOf(SimulateRuns(World::kStructured, 1, 60));
  for (size_t i = 0; i < 20; ++i) examples[i].feature_version = kFeatureVersion + 1;
  predictor = TrainOn("report", examples, kNow);
  ASSERT_FALSE(predictor.has_value());
  EXPECT_THAT(predictor.error().message, HasSubstr("40 examples, and a prediction needs 50 (20 more are of another"));
  EXPECT_TRUE(TrainOn("report", ExamplesOf(SimulateRuns(World::kStructured, 1, 50)), kNow).has_value());
}

TEST(Predictor, SaysWhichOfTheTwoAnswersAndWhy) {  // LN-3
  const std::vector<SimulatedRun> runs = SimulateRuns(World::kStructured, 1, 300);
  std::vector<TrainingExample> examples = ExamplesOf(runs);
  for (TrainingExample& example : examples) {
    example.cost_usd = 0;
    example.success = true;
  }
  const Predictor predictor = Must(TrainOn("report", examples, kNow));
  const Prediction prediction = Must(predictor.Predict(runs[5].features));
  EXPECT_EQ(prediction.duration_s.source, kFromModel);
  EXPECT_EQ(prediction.duration_s.reason, "");
  EXPECT_EQ(prediction.cost_usd.source, kFromMean);
  EXPECT_EQ(prediction.cost_usd.value, 0) << "all cost nothing";
  EXPECT_EQ(prediction.cost_usd.reason, "it was 0 in all 300 runs");
  EXPECT_EQ(prediction.success_probability.value, 1);
  EXPECT_EQ(prediction.success_probability.reason, "it was 1 in all 300 runs");
  EXPECT_EQ(prediction.examples, 300);
  EXPECT_THAT(predictor.record().Target(kDurationTarget)->reason,
              HasSubstr("on the last 120 runs, and the mean of the past has"));
}

TEST(Predictor, TakesValuesThatAreMissingOrNoNumbersForUnknown) {  // LN-1, LN-3
  std::vector<SimulatedRun> runs = SimulateRuns(World::kStructured, 1, 200);
  std::vector<TrainingExample> examples = ExamplesOf(runs);
  for (size_t i = 0; i < examples.size(); ++i) {
    if (i % 2 == 0) examples[i].cost_usd.reset();
    if (i >= 40) examples[i].duration_s = i % 2 == 0 ? std::nan("") : INFINITY;
    if (i % 3 == 0) examples[i].features["input_words"] = std::nan("");
  }
  const Predictor predictor = Must(TrainOn("report", examples, kNow));
  const TargetModel& duration = *predictor.record().Target(kDurationTarget);
  EXPECT_EQ(duration.examples, 40);
  EXPECT_EQ(duration.reason, "only 40 runs say what it was");
  EXPECT_TRUE(std::isfinite(duration.mean));
  EXPECT_EQ(predictor.record().Target(kCostTarget)->examples, 100);
  const Features nothing(FeatureNames().size(), std::nan(""));
  const Prediction prediction = Must(predictor.Predict(nothing));
  for (const PredictedValue& value : {prediction.duration_s, prediction.cost_usd, prediction.success_probability}) {
    EXPECT_TRUE(std::isfinite(value.value));
    EXPECT_GE(value.value, 0);
  }
  EXPECT_THAT(predictor.Predict({1, 2}).error().message, HasSubstr("2 features instead of 20"));
}

TEST(Predictor, ConfidenceFallsOutsideOfWhatItHasSeen) {  // LN-3
  const std::vector<SimulatedRun> runs = SimulateRuns(World::kStructured, 1, 300);
  const Predictor predictor = Must(TrainOn("report", ExamplesOf(runs), kNow));
  const Prediction inside = Must(predictor.Predict(runs[10].features));
  EXPECT_THAT(inside.outside, IsEmpty());
  EXPECT_GT(inside.confidence, 0.4);
  Features features = runs[10].features;
  const auto set = [&](std::string_view name, double value) {
    features[static_cast<size_t>(std::ranges::find(FeatureNames(), name) - FeatureNames().begin())] = value;
  };
  double before = inside.confidence;
  for (const double bytes : {6e3, 2e4, 1e5, 1e7}) {  // the longest that was seen has about 4,000
    set("input_bytes", bytes);
    const Prediction outside = Must(predictor.Predict(features));
    EXPECT_THAT(outside.outside, Contains("input_bytes"));
    EXPECT_LT(outside.confidence, before);
    before = outside.confidence;
  }
  EXPECT_LT(before, 0.01);
  features = runs[10].features;
  set("cyclomatic", 7);  // it was 1 in all of them
  EXPECT_NEAR(Must(predictor.Predict(features)).confidence, inside.confidence / 2, 1e-9);
  features = runs[10].features;
  set("similar_duration_s", 3);  // nobody has ever known it, so no tree asks
  EXPECT_EQ(Must(predictor.Predict(features)).confidence, inside.confidence);
  set("recent_load", std::nan(""));  // it was always known
  EXPECT_THAT(Must(predictor.Predict(features)).outside, Contains("recent_load"));
}

TEST(Predictor, ConfidenceIsHowOftenAnAnswerIsCloseOnLaterRuns) {  // LN-3
  double said = 0;
  double came = 0;
  const auto [first, last] = Seeds();
  for (uint64_t seed = first; seed <= last; ++seed) {
    const std::vector<SimulatedRun> runs = SimulateRuns(World::kStructured, seed, 500 + kLater);
    const Predictor predictor = Must(TrainOn("report", ExamplesOf(First(runs, 500)), kNow));
    said += predictor.record().Target(kDurationTarget)->close_share / static_cast<double>(last - first + 1);
    for (size_t i = 500; i < runs.size(); ++i) {
      const double value = Must(predictor.Predict(runs[i].features)).duration_s.value;
      const double truth = *runs[i].example.duration_s;
      if (std::abs(value - truth) <= truth / 4) came += 1.0 / kLater / static_cast<double>(last - first + 1);
    }
  }
  std::printf("within a quarter: said %.3f, came %.3f\n", said, came);
  EXPECT_NEAR(said, came, 0.08);
}

TEST(Predictor, TheSameExamplesInAnyOrderGiveTheSameBytes) {  // LN-2
  std::vector<TrainingExample> examples = ExamplesOf(SimulateRuns(World::kStructured, 1, 200));
  const auto bytes = [&] {
    return Must(Must(TrainOn("report", examples, kNow)).trees().find(kDurationTarget)->second.Bytes());
  };
  const std::string forward = bytes();
  std::ranges::reverse(examples);
  EXPECT_EQ(bytes(), forward);
  std::printf("the trees of one target of 200 examples have %zu bytes\n", forward.size());
}

TEST(Predictor, TrainsOnTheNewestOfTooManyInAFewSeconds) {  // LN-5, TG-8
  std::vector<SimulatedRun> few = SimulateRuns(World::kStructured, 1, 600);
  std::vector<TrainingExample> examples;
  for (size_t i = 0; i < kMaxExamples + 100; ++i) {
    examples.push_back(few[i % few.size()].example);
    examples.back().workflow_run_id = "run-" + std::to_string(i);
    examples.back().at = FormatIso8601Millis(kNow + std::chrono::minutes(i));
  }
  const auto begin = std::chrono::steady_clock::now();
  const Predictor predictor = Must(TrainOn("report", examples, kNow));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("training on %lld examples: %.2f s\n", static_cast<long long>(predictor.record().examples), seconds);
  EXPECT_EQ(predictor.record().examples, static_cast<int64_t>(kMaxExamples));
  EXPECT_EQ(predictor.record().seen, static_cast<int64_t>(kMaxExamples) + 100);
  EXPECT_EQ(predictor.record().from, FormatIso8601Millis(kNow + std::chrono::minutes(100)));
}

TEST(BoostedTreesOfXgboost, RefuseWhatTheyCannotLearnFrom) {  // LN-2
  using Kind = BoostedTrees::Kind;
  const auto refused = [](Kind kind, const FeatureRows& rows, const std::vector<double>& labels) {
    const Result<BoostedTrees> trees = BoostedTrees::Train(kind, rows, labels, {});
    return trees ? std::string("accepted") : trees.error().message;
  };
  EXPECT_THAT(refused(Kind::kRegression, {}, {}), HasSubstr("no rows"));
  EXPECT_THAT(refused(Kind::kRegression, {{1}, {1, 2}}, {1, 2}), HasSubstr("different lengths"));
  EXPECT_THAT(refused(Kind::kRegression, {{1}, {2}}, {1}), HasSubstr("one label for each"));
  EXPECT_THAT(refused(Kind::kRegression, {{1}, {2}}, {1, std::nan("")}), HasSubstr("not a finite number"));
  EXPECT_THAT(refused(Kind::kProbability, {{1}, {2}}, {1, 0.5}), HasSubstr("neither 0 nor 1"));
  const BoostedTrees trees = Must(BoostedTrees::Train(Kind::kRegression, {{1, 2}, {2, INFINITY}}, {1, 2}, {}));
  EXPECT_THAT(trees.Predict({{1}}).error().message, HasSubstr("the model has 2 features, and the rows have 1"));
  EXPECT_EQ(BoostedTrees::Load("").error().code, StatusCode::kDataLoss);
  EXPECT_EQ(BoostedTrees::Load("no model").error().code, StatusCode::kDataLoss);
}

}  // namespace
}  // namespace wfe::optimizer
