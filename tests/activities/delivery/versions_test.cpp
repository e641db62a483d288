// Versions of a workflow's definition: which there are, which one is in service, which one a run gets and keeps.
#include <gmock/gmock.h>

#include <set>
#include <utility>

#include "activities/delivery/records/executions.h"
#include "activities/delivery/records/version_choice.h"
#include "activities/delivery/records/version_experiment.h"
#include "activities/delivery/records/version_store.h"
#include "tools/demo/memory_records.h"

namespace wfe::delivery {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kAt = "2026-03-02T00:00:00.000Z";

template <class T>
T Must(Result<T> result) {
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().ToString());
  return result ? *std::move(result) : T();
}

class Versions : public ::testing::Test {
 protected:
  int Put(const std::string& content) {
    return Must(store_.Put({.workflow_id = "report",
                            .content = content,
                            .parent_version = std::nullopt,
                            .suggestion = "",
                            .metrics = nullptr,
                            .author = "ada",
                            .reason = "r",
                            .at = kAt}));
  }
  VersionState State() { return Must(store_.Get("report")); }
  static Change By(const std::string& author, const std::string& reason = "r") { return {author, reason, kAt}; }
  SplitRequest Step(int64_t step, double share, const std::string& rollout = "r1") {
    return {.rollout_id = rollout, .version = 1, .control = 0, .share = share, .step = step, .change = By("rollout")};
  }

  wfe::demo::MemoryRecords rows_;
  client::RecordsClient records_{rows_};
  VersionStore store_{records_};
};

TEST_F(Versions, FirstIsTheOriginalAndInServiceAndTheSameContentIsTheSameVersion) {  // RB-1, RC-18
  EXPECT_EQ(Put(R"({"nodes": [1, 2], "name": "a"})"), 0);
  EXPECT_EQ(Put(R"({"name":"a","nodes":[1,2]})"), 0) << "whatever the order of its keys";
  EXPECT_EQ(Put(R"({"name":"b"})"), 1);
  const VersionState state = State();
  EXPECT_EQ(state.in_service, 0);
  EXPECT_EQ(state.versions[0].version_id, "report_v0");
  EXPECT_EQ(state.versions[1].version_id, "report_v1");
  EXPECT_EQ(state.versions[1].parent_version, 0);
  EXPECT_EQ(state.versions[0].status, kStatusInService);
  EXPECT_EQ(state.versions[1].status, kStatusNew);
  EXPECT_EQ(Must(store_.Content(state, 0)), R"({"name":"a","nodes":[1,2]})");
  rows_.blobs[state.versions[1].content_hash] = "{}";
  EXPECT_THAT(store_.Content(state, 1).error().message, HasSubstr("the bytes that came have another hash"));
}

TEST_F(Versions, RollbackGoesToTheVersionBeforeOrToANamedOneAndRewritesNothing) {  // RB-1
  for (const char* content : {"0", "1", "2"}) Put(content);
  Must(store_.Activate("report", 1, By("ada")));
  Must(store_.Activate("report", 2, By("ada")));
  const size_t rows = rows_.tables[std::string(kVersionsTable)].size();
  VersionChange change = Must(store_.RollBack("report", std::nullopt, By("ada", "slower")));
  EXPECT_EQ(change.version_id, "report_v1");
  EXPECT_EQ(change.previous_version_id, "report_v2");
  EXPECT_EQ(rows_.tables[std::string(kVersionsTable)].size(), rows + 1);
  EXPECT_EQ(State().versions[2].status, kStatusRolledBack);
  change = Must(store_.RollBack("report", std::nullopt, By("ada")));
  EXPECT_EQ(change.version, 0);
  EXPECT_EQ(Must(store_.RollBack("report", 2, By("ada"))).version, 2) << "a named one may be newer";
  change = Must(store_.RollBack("report", 2, By("ada")));
  EXPECT_FALSE(change.changed) << "a repetition finds its work done";
}

TEST_F(Versions, WhatCannotBeIsOneSentence) {  // RB-1
  EXPECT_EQ(store_.Get("nobody").error().message, "there are no versions of a workflow \"nobody\"");
  for (const char* content : {"0", "1", "2"}) Put(content);
  EXPECT_EQ(store_.RollBack("report", std::nullopt, By("ada")).error().message,
            "there is no version before report_v0: it is the original");
  EXPECT_EQ(store_.RollBack("report", 7, By("ada")).error().message,
            "there is no version report_v7; the newest is report_v2");
  EXPECT_EQ(store_.Activate("report", 1, By("")).error().message,
            "a change of the version in service needs an author and a reason");
  EXPECT_EQ(store_.Delete("report", 0, By("ada")).error().message, "report_v0 is the original and cannot be deleted");
  Must(store_.Activate("report", 1, By("ada")));
  EXPECT_EQ(store_.Delete("report", 1, By("ada")).error().message, "report_v1 is in service: roll back first");
  ASSERT_TRUE(store_.Delete("report", 2, By("ada", "wrong answers")).has_value());
  EXPECT_EQ(store_.Activate("report", 2, By("ada")).error().message,
            "version report_v2 was deleted by ada at 2026-03-02T00:00:00.000Z: wrong answers");
  EXPECT_EQ(store_.Activate("report", 0, By("bob"), 0).error().message,
            "report_v1 is in service, not report_v0: nothing was changed");
  EXPECT_EQ(ParseVersion("report", "report_v12").value(), 12);
  EXPECT_EQ(ParseVersion("report", "v3").value(), 3);
  for (const char* text : {"", "-1", "x", "other_v1", "report_v", "3x", "report_v-1"}) {
    EXPECT_FALSE(ParseVersion("report", text).has_value()) << text;
  }
  EXPECT_THAT(
      store_.Put({.workflow_id = "report", .content = "{", .author = "a", .reason = "r", .at = kAt}).error().message,
      HasSubstr("the definition is not JSON"));
}

TEST_F(Versions, DeletedVersionsAreLeftOutOfRollbacks) {  // RB-1
  for (const char* content : {"0", "1", "2"}) Put(content);
  Must(store_.Activate("report", 1, By("ada")));
  Must(store_.Activate("report", 2, By("ada")));
  ASSERT_TRUE(store_.Delete("report", 1, By("ada")).has_value());
  EXPECT_EQ(Must(store_.RollBack("report", std::nullopt, By("ada"))).version, 0);
}

/// Before every row that one writer appends, another one is faster.
class Racing final : public client::ServiceClient {
 public:
  explicit Racing(wfe::demo::MemoryRecords& rows) : rows_(rows) {}
  std::shared_ptr<client::CallHandle> Call(std::string_view service, std::string_view method,
                                           const google::protobuf::MessageLite& request,
                                           const client::CallOptions& options,
                                           Function<void(Result<std::string>)> done) override {
    if (method == "AppendRow" && before_append) std::exchange(before_append, nullptr)();
    return rows_.Call(service, method, request, options, std::move(done));
  }
  std::function<void()> before_append;

 private:
  wfe::demo::MemoryRecords& rows_;
};

TEST_F(Versions, TwoAtOnceDoNotOverwriteEachOther) {  // RB-1, RC-18
  Put("0");
  Racing racing(rows_);
  client::RecordsClient other_records(racing);
  VersionStore other(other_records);
  racing.before_append = [&] { EXPECT_EQ(Put("1"), 1); };
  const int number =
      Must(other.Put({.workflow_id = "report", .content = "2", .author = "bob", .reason = "r", .at = kAt}));
  EXPECT_EQ(number, 2);
  racing.before_append = [&] { Must(store_.Activate("report", 1, By("ada"))); };
  EXPECT_EQ(other.Activate("report", 2, By("bob"), 0).error().message,
            "report_v1 is in service, not report_v0: nothing was changed");
  EXPECT_EQ(State().in_service, 1);
}

TEST_F(Versions, RunKeepsTheVersionItBeganWith) {  // EN-10, RB-3
  Put("0");
  Put("1");
  EXPECT_EQ(Must(ChooseVersion(records_, "report", "run-1", kAt)).version, 0);
  Must(store_.Activate("report", 1, By("ada")));
  EXPECT_EQ(Must(ChooseVersion(records_, "report", "run-1", kAt)).version, 0) << "asked again, after a retry";
  EXPECT_EQ(Must(ChooseVersion(records_, "report", "run-2", kAt)).version_id, "report_v1");
  Must(store_.RollBack("report", std::nullopt, By("ada")));
  EXPECT_EQ(Must(ChooseVersion(records_, "report", "run-2", kAt)).version, 1);
  EXPECT_EQ(Must(ChooseVersion(records_, "report", "run-3", kAt)).version, 0);
}

TEST_F(Versions, RolloutsShareGrowsAroundTheSameRuns) {  // RO-1, XB-1
  Put("0");
  Put("1");
  std::set<std::string> before;
  int64_t step = 0;
  for (const double share : {0.05, 0.10, 0.25, 0.50, 1.0}) {
    ASSERT_TRUE(Must(store_.Split("report", Step(++step, share))).changed);
    std::set<std::string> variant;
    for (int i = 0; i < 1000; ++i) {
      const std::string run = "run-" + std::to_string(i);
      // Each asked as a new run would be.
      rows_.tables.erase(std::string(kRunVersionsTable));
      rows_.tables.erase(std::string(learning::kAssignmentsTable));
      const RunVersion chosen = Must(ChooseVersion(records_, "report", run, kAt));
      EXPECT_EQ(chosen.assignment.experiment_id, "r1");
      if (chosen.version == 1) variant.insert(run);
    }
    EXPECT_NEAR(static_cast<double>(variant.size()), 1000 * share, 35);
    EXPECT_TRUE(std::ranges::includes(variant, before));
    before = variant;
  }
}

TEST_F(Versions, LateStepOfARolloutRaisesNothing) {  // RO-1
  Put("0");
  Put("1");
  Must(store_.Split("report", Step(1, 0.05)));
  Must(store_.Split("report", Step(2, 0.10)));
  Must(store_.Split("report", Step(3, 0)));
  EXPECT_FALSE(Must(store_.Split("report", Step(2, 0.10))).changed) << "an attempt that was held up";
  EXPECT_FALSE(State().split);
  EXPECT_FALSE(Must(store_.Finish("report", Step(3, 1))).changed);
  EXPECT_EQ(State().in_service, 0);
}

TEST_F(Versions, PersonsChangeEndsARolloutAndItIsTold) {  // RB-1, RO-3
  Put("0");
  Put("1");
  Put("2");
  Must(store_.Split("report", Step(1, 0.05)));
  EXPECT_EQ(Must(store_.Split("report", Step(1, 0.05, "r2"))).overtaken, "rollout r1 divides the traffic");
  Must(store_.Activate("report", 2, By("ada", "urgent")));
  EXPECT_FALSE(State().split);
  const std::string why = "report_v2 was put in service by ada at 2026-03-02T00:00:00.000Z (urgent)";
  EXPECT_EQ(Must(store_.Split("report", Step(2, 0.10))).overtaken, why);
  EXPECT_EQ(Must(store_.Finish("report", Step(3, 1))).overtaken, why);
  EXPECT_EQ(WhyOvertaken(State(), "r1"), why);

  // A rollback without a name takes back what is rolled out, and nothing else.
  Must(store_.RollBack("report", std::nullopt, By("ada")));
  Must(store_.Split("report", Step(1, 0.5, "r3")));
  EXPECT_EQ(Must(store_.RollBack("report", std::nullopt, By("ada", "stop"))).version, 0);
  EXPECT_FALSE(State().split);
  EXPECT_THAT(WhyOvertaken(State(), "r3"), HasSubstr("report_v0 was put in service by ada"));
}

TEST_F(Versions,
       ArmWhoseVersionWasDeletedGetsTheOneInService) {  // XB-1, "an experiment whose arm's version was deleted"
  Put("0");
  Put("1");
  learning::Experiment experiment{.experiment_id = "e1",
                                  .subject = SubjectOf("report"),
                                  .control = "report_v0",
                                  .variant = "report_v1",
                                  .metrics = {{.name = "duration"}},
                                  .variant_share = 0.99};
  experiment.started_at = kAt;
  learning::ExperimentStore experiments(records_);
  Must(experiments.Start(experiment));
  EXPECT_EQ(Must(ChooseVersion(records_, "report", "run-1", kAt)).version, 1);
  ASSERT_TRUE(store_.Delete("report", 1, By("ada", "wrong")).has_value());
  const RunVersion chosen = Must(ChooseVersion(records_, "report", "run-2", kAt));
  EXPECT_EQ(chosen.version, 0);
  EXPECT_EQ(chosen.note,
            "e1: version report_v1 was deleted by ada at 2026-03-02T00:00:00.000Z: wrong; the run gets report_v0");
  EXPECT_EQ(Must(ChooseVersion(records_, "report", "run-1", kAt)).version, 1) << "one that runs keeps its version";
}

TEST_F(Versions, ExperimentWhoseControlIsNotInServiceAnyMoreDividesNothing) {  // XB-1, RB-3
  for (const char* content : {"0", "1", "2"}) Put(content);
  learning::Experiment experiment{.experiment_id = "e1",
                                  .subject = SubjectOf("report"),
                                  .control = "report_v0",
                                  .variant = "report_v1",
                                  .metrics = {{.name = "duration"}},
                                  .variant_share = 0.99};
  experiment.started_at = kAt;
  Must(learning::ExperimentStore(records_).Start(experiment));
  Must(store_.Activate("report", 2, By("ada")));
  const RunVersion chosen = Must(ChooseVersion(records_, "report", "run-1", kAt));
  EXPECT_EQ(chosen.version, 2);
  EXPECT_EQ(chosen.assignment.experiment_id, "");
}

TEST_F(Versions, ExperimentEndsWithoutAWinnerWhenThereIsNothingToCompare) {  // XB-1, XB-3
  for (const char* content : {"0", "1", "2"}) Put(content);
  learning::RowProblems problems;
  const Instant now = *ParseIso8601("2026-03-02T01:00:00Z");
  const auto start = [&](const std::string& id, const std::string& variant) {
    return StartVersionExperiment(records_, "report",
                                  {.experiment_id = id, .variant = variant, .started_at = kAt, .author = "ada"});
  };
  EXPECT_EQ(start("e0", "v7").error().message, "there is no version report_v7; the newest is report_v2");
  EXPECT_EQ(start("e0", "v0").error().message, "report_v0 is in service already");
  EXPECT_TRUE(Must(start("e1", "v1")));
  EXPECT_FALSE(Must(start("e1", "v1"))) << "an attempt whose answer was lost";
  EXPECT_EQ(start("e2", "v2").error().message, "experiment e1 divides the traffic; it has to end first");
  auto result = Must(JudgeVersionExperiment(records_, "e1", {}, now, problems));
  EXPECT_FALSE(result.decided());
  EXPECT_THAT(result.reason, HasSubstr("waits for 1000 more runs"));
  ASSERT_TRUE(store_.Delete("report", 1, By("ada", "wrong")).has_value());
  result = Must(JudgeVersionExperiment(records_, "e1", {}, now, problems));
  EXPECT_EQ(result.winner, learning::kWinnerInconclusive);
  EXPECT_EQ(
      result.reason,
      "it has nothing to compare any more: version report_v1 was deleted by ada at 2026-03-02T00:00:00.000Z: wrong");
  EXPECT_TRUE(Must(start("e2", "v2")));
  Must(store_.Activate("report", 2, By("bob", "urgent")));
  result = Must(JudgeVersionExperiment(records_, "e2", {}, now, problems));
  EXPECT_THAT(result.reason, HasSubstr("report_v2 was put in service by bob"));
  Must(store_.Split("report",
                    {.rollout_id = "r1", .version = 0, .control = 2, .share = 0.5, .step = 1, .change = By("x")}));
  EXPECT_EQ(start("e3", "v0").error().message, "rollout r1 divides the traffic; it has to end first");
}

TEST_F(Versions, RowThatIsNoEventIsNamed) {  // RC-18
  Put("0");
  auto& table = rows_.tables[std::string(kVersionsTable)];
  table["report/00000002"] = R"({"kind":"polished","at":"x","version":0})";
  EXPECT_THAT(store_.Get("report").error().message,
              HasSubstr("row report/00000002 of table workflow_versions is of the "
                        "unknown kind \"polished\"; a newer wfe may have written it"));
  table["report/00000002"] = R"({"kind":"activated","at":"x","version":3})";
  EXPECT_THAT(store_.Get("report").error().message, HasSubstr("is about version 3, which there is not"));
}

TEST_F(Versions, ExecutionsAreFoundByTheirEnd) {  // RC-16
  for (int hour = 0; hour < 72; ++hour) {
    ExecutionRecord execution;
    execution.workflow_id = hour % 2 == 0 ? "report" : "reports";
    execution.version_id = "report_v0";
    execution.workflow_run_id = "run-" + std::to_string(hour);
    execution.started_at = FormatIso8601Millis(*ParseIso8601(kAt) + std::chrono::hours(hour));
    execution.duration_ms = 30 * 60 * 1000;
    execution.success = true;
    EXPECT_TRUE(Must(SaveExecution(records_, execution)));
    EXPECT_FALSE(Must(SaveExecution(records_, execution)));
  }
  learning::RowProblems problems;
  const auto of = [&](const char* from, const char* to) {
    std::vector<std::string> runs;
    for (const auto& each :
         Must(LoadExecutions(records_, "report", *ParseIso8601(from), *ParseIso8601(to), problems))) {
      runs.push_back(each.workflow_run_id);
    }
    return runs;
  };
  EXPECT_THAT(of("2026-03-02T22:30:00Z", "2026-03-03T02:30:00Z"), ElementsAre("run-22", "run-24"));
  EXPECT_EQ(of("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z").size(), 36u);
  EXPECT_TRUE(problems.empty());
}

}  // namespace
}  // namespace wfe::delivery
