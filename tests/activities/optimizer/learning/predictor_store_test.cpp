// Examples, trainings and predictions through the records service (LN-2, LN-5).
#include "activities/optimizer/learning/predictor_store.h"

#include <gmock/gmock.h>

#include <chrono>

#include "activities/optimizer/learning/learn_from_run.h"
#include "tests/activities/optimizer/learning/simulated_runs.h"
#include "tools/demo/memory_records.h"

namespace wfe::optimizer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Instant kNow = *ParseIso8601("2026-04-01T00:00:00.000Z");

template <class T>
T Must(Result<T> result) {
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().ToString());
  return *std::move(result);
}

class PredictorStore : public ::testing::Test {
 protected:
  void Append(size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) Must(AppendExample(records_, runs_[i].example));
  }
  TrainReport Train() { return Must(TrainPredictor(records_, "report", kNow, problems_)); }
  Result<Prediction> PredictOne(const std::string& workflow_id = "report") {
    return Predict(records_, {.workflow_id = workflow_id,
                              .graph = ChainOf(8),
                              .input = {{"task", "some words of a task"}, {"files", {"a.cpp"}}},
                              .context = {.at = "2026-03-03T10:00:00.000Z", .recent_load = 3}});
  }
  std::map<std::string, std::string>& Rows(std::string_view table) { return rows_.tables[std::string(table)]; }

  std::vector<SimulatedRun> runs_ = SimulateRuns(World::kStructured, 1, 320);
  wfe::demo::MemoryRecords rows_;
  client::RecordsClient records_{rows_};
  learning::RowProblems problems_;
};

TEST_F(PredictorStore, ARunLeavesOneExampleHoweverOftenItIsTold) {  // LN-5
  EXPECT_TRUE(Must(AppendExample(records_, runs_[0].example)).is_new);
  TrainingExample again = runs_[0].example;
  again.duration_s = 1e6;
  const AppendedExample second = Must(AppendExample(records_, again));
  EXPECT_FALSE(second.is_new);
  EXPECT_EQ(second.new_examples, 1);
  const std::vector<TrainingExample> examples = Must(LoadExamples(records_, "report", problems_));
  ASSERT_THAT(examples, SizeIs(1));
  EXPECT_EQ(examples[0].duration_s, runs_[0].example.duration_s) << "the first one counts";
  EXPECT_EQ(FeaturesFrom(examples[0].features).size(), FeatureNames().size());
  EXPECT_EQ(examples[0].features, runs_[0].example.features);
}

TEST_F(PredictorStore, AHundredNewExamplesAreTimeForATraining) {  // LN-5
  Append(0, 99);
  EXPECT_FALSE(Must(AppendExample(records_, runs_[98].example)).training_due);
  EXPECT_TRUE(Must(AppendExample(records_, runs_[99].example)).training_due);
  EXPECT_TRUE(Must(AppendExample(records_, runs_[100].example)).training_due) << "until it is done";
  const TrainReport report = Train();
  EXPECT_TRUE(report.trained);
  EXPECT_EQ(report.reason, "there was no predictor");
  EXPECT_EQ(report.examples, 101);
  EXPECT_EQ(Must(AppendExample(records_, runs_[101].example)).new_examples, 1) << "it counts anew";
  Append(102, 200);
  EXPECT_FALSE(Train().trained);
  EXPECT_THAT(Train().reason, HasSubstr("fewer than 100 new"));
  Append(200, 201);
  EXPECT_EQ(Train().reason, "there are 100 new examples");
  EXPECT_FALSE(Train().trained) << "a repetition finds its work done";
  EXPECT_THAT(Rows(kPredictorsTable), SizeIs(2));
}

TEST_F(PredictorStore, PredictsWhatWasTrainedAndRefusesBefore) {  // LN-2
  Append(0, 49);
  EXPECT_EQ(PredictOne().error().message,
            "there is no predictor of workflow report: it has 49 examples, and a prediction needs 50");
  EXPECT_EQ(PredictOne().error().code, StatusCode::kFailedPrecondition);
  const TrainReport refused = Train();
  EXPECT_FALSE(refused.trained);
  EXPECT_EQ(refused.reason, "workflow report has 49 examples, and a prediction needs 50");
  EXPECT_THAT(Rows(kPredictorsTable), IsEmpty());
  Append(49, 320);
  EXPECT_THAT(PredictOne().error().message, HasSubstr("it has not been trained yet"));
  EXPECT_TRUE(Train().trained);
  const Prediction prediction = Must(PredictOne());
  EXPECT_EQ(prediction.duration_s.source, kFromModel);
  EXPECT_GT(prediction.duration_s.value, 2);
  EXPECT_LT(prediction.duration_s.value, 12) << "a short input on a short graph";
  EXPECT_EQ(prediction.trained_at, "2026-04-01T00:00:00.000Z");
  const Prediction direct = Must(Must(LoadPredictor(records_, "report")).Predict(runs_[3].features));
  const Predictor fresh = Must(TrainOn("report", ExamplesOf(runs_), kNow));
  EXPECT_EQ(nlohmann::json(direct), nlohmann::json(Must(fresh.Predict(runs_[3].features))))
      << "as before it was stored";
  EXPECT_EQ(PredictOne("other").error().code, StatusCode::kFailedPrecondition);
  EXPECT_EQ(Predict(records_, {.workflow_id = "a b"}).error().code, StatusCode::kInvalidArgument);
  EXPECT_THAT(Predict(records_, {.workflow_id = "report", .graph = {{"nodes", 3}}}).error().message,
              HasSubstr("the graph of workflow report is none"));
}

TEST_F(PredictorStore, AStoredModelThatIsBrokenIsOneSentenceAndATrainingCuresIt) {  // LN-2
  Append(0, 200);
  Train();
  const auto broken = [&] {
    const Result<Prediction> prediction = PredictOne();
    return prediction ? std::string("predicted") : prediction.error().message;
  };
  rows_.blobs.begin()->second[100] ^= 1;
  EXPECT_THAT(broken(), HasSubstr("has lost its trees of"));
  const TrainReport report = Train();
  EXPECT_TRUE(report.trained) << report.reason;
  EXPECT_THAT(report.reason, HasSubstr("has lost its trees of"));
  EXPECT_EQ(broken(), "predicted");
  rows_.blobs.clear();
  EXPECT_THAT(broken(), HasSubstr("there is no blob"));
  EXPECT_TRUE(Train().trained);
  Rows(kPredictorsTable).rbegin()->second = "{\"workflow_id\":3}";
  EXPECT_THAT(broken(), HasSubstr("of table optimizer_predictors cannot be read"));
  EXPECT_TRUE(Train().trained);
  Rows(kPredictorsTable).rbegin()->second = "no JSON";
  EXPECT_THAT(broken(), HasSubstr("is not JSON"));
  EXPECT_TRUE(Train().trained);
  EXPECT_EQ(broken(), "predicted");
}

TEST_F(PredictorStore, AModelOfOtherFeaturesIsNotUsed) {  // LN-1, LN-2
  Append(0, 200);
  Train();
  std::string& row = Rows(kPredictorsTable).rbegin()->second;
  nlohmann::json json = ParseJson(row);
  json["feature_version"] = kFeatureVersion - 1;
  json["of_later"] = "kept";
  row = json.dump();
  EXPECT_EQ(PredictOne().error().code, StatusCode::kFailedPrecondition);
  EXPECT_THAT(PredictOne().error().message, HasSubstr("knows version 0 of the features, and this wfe has version 1"));
  EXPECT_TRUE(Train().trained) << "there are examples of this version";
  EXPECT_TRUE(PredictOne().has_value());
}

TEST_F(PredictorStore, ExamplesThatCannotBeReadAreToldAndHideNoOther) {  // LN-5
  Append(0, 60);
  Rows(kExamplesTable)["report/run-7"] = "{}";
  Rows(kExamplesTable)["report/run-8"] = "no JSON";
  Rows(kExampleCountsTable)["report"] = "no count";
  const TrainReport report = Train();
  EXPECT_TRUE(report.trained);
  EXPECT_EQ(report.examples, 58);
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("report/run-7"), HasSubstr("report/run-8")));
  EXPECT_EQ(Must(AppendExample(records_, runs_[60].example)).new_examples, 1);
}

TEST_F(PredictorStore, RefusesExamplesThatAreNone) {  // LN-5
  const auto refused = [&](auto change) {
    TrainingExample example = runs_[0].example;
    change(example);
    const Result<AppendedExample> result = AppendExample(records_, example);
    return result ? std::string("accepted") : result.error().message;
  };
  EXPECT_THAT(refused([](auto& e) { e.workflow_id = "a/b"; }), HasSubstr("the id of a workflow"));
  EXPECT_THAT(refused([](auto& e) { e.workflow_run_id = ""; }), HasSubstr("a run id"));
  EXPECT_THAT(refused([](auto& e) { e.at = "today"; }), HasSubstr("not a time"));
  EXPECT_THAT(refused([](auto& e) { e.duration_s = -1; }), HasSubstr("duration_s of run run-0 is negative"));
  EXPECT_THAT(refused([](auto& e) { e.cost_usd = std::nan(""); }), HasSubstr("no number"));
  EXPECT_THAT(Rows(kExamplesTable), IsEmpty());
}

TEST_F(PredictorStore, AnExecutionIsAnExample) {  // RC-16, LN-5
  const delivery::ExecutionRecord execution{.workflow_id = "report",
                                            .version_id = "report_v1",
                                            .workflow_run_id = "r1",
                                            .started_at = "2026-03-02T00:00:00.000Z",
                                            .duration_ms = 1500,
                                            .cost_usd = 0.25,
                                            .success = true};
  const TrainingExample example = ExampleOf(execution, runs_[0].features);
  EXPECT_EQ(example.at, "2026-03-02T00:00:01.500Z");
  EXPECT_EQ(example.duration_s, 1.5);
  EXPECT_EQ(example.cost_usd, 0.25);
  EXPECT_TRUE(example.success);
  EXPECT_EQ(example.features, runs_[0].example.features);
}

TEST_F(PredictorStore, ARunUnderAnOptimizationTeachesTheSelectorOnce) {  // LN-5
  CompletedRun run{.execution = {.workflow_id = "report",
                                 .version_id = "report_v1",
                                 .workflow_run_id = "r1",
                                 .started_at = "2026-03-02T00:00:00.000Z",
                                 .duration_ms = 6'000,
                                 .cost_usd = 0.09,
                                 .success = true},
                   .features = runs_[0].features,
                   .active = ActiveOptimization{.context = {"report", "SLOW_NODE", "small"},
                                                .strategy = "parallelization",
                                                .baseline_duration_s = 10,
                                                .baseline_cost_usd = 0.1}};
  for (int attempt = 0; attempt < 2; ++attempt) Must(LearnFromRun(records_, run));
  RewardHistory history = Must(LoadRewards(records_, run.active->context, problems_));
  EXPECT_EQ(history.at("parallelization").tried, 1);
  EXPECT_DOUBLE_EQ(history.at("parallelization").total, 0.4);
  run.execution.workflow_run_id = "r2";
  run.execution.success = false;
  Must(LearnFromRun(records_, run));
  run.execution.workflow_run_id = "r3";
  run.active.reset();
  EXPECT_EQ(Must(LearnFromRun(records_, run)).new_examples, 3);
  history = Must(LoadRewards(records_, {"report", "SLOW_NODE", "small"}, problems_));
  EXPECT_EQ(history.at("parallelization").tried, 2);
  EXPECT_DOUBLE_EQ(history.at("parallelization").total, 0.4) << "a run that failed brought nothing";
}

}  // namespace
}  // namespace wfe::optimizer
