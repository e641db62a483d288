// Runs of a managed graph: each gets a version at its start, keeps it, and leaves the record of its execution once,
// through power cuts and killed workers (EN-10, RC-16, PF-4).
#include <gmock/gmock.h>

#include "activities/delivery/steps/register.h"
#include "activities/graph/simulate_step.h"
#include "activities/optimizer/profile/profile_builder.h"
#include "activities/optimizer/profile/record_run.h"
#include "tools/demo/memory_records.h"
#include "tests/workflows/graph_world.h"

namespace wfe::workflows {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using optimizer::NodeRun;

json Simulated(const std::string& id, const json& parameters) {
  return {{"id", id}, {"activity", "simulateStep"}, {"parameters", parameters}, {"writes", {id}}};
}

/// "plan" and then "write", which takes so long.
json Report(int64_t duration_ms, const json& more = json::object()) {
  json write = {{"duration_ms", duration_ms}, {"cost_usd", 0.5}, {"prompt_token_count", 100}};
  write.update(more);
  return {{"id", "report"},
          {"start", "plan"},
          {"inputs", {"task"}},
          {"outputs", {"write"}},
          {"nodes", {Simulated("plan", {{"duration_ms", 1000}}), Simulated("write", write)}},
          {"edges", {{{"source", "plan"}, {"target", "write"}}}}};
}

class ManagedGraphs : public ::testing::Test {
 protected:
  void Boot(uint64_t seed) {
    world_ = std::make_unique<GraphWorld>(seed);
    graph::RegisterSimulateStep(world_->activities(), {.waits = false});
    delivery::RegisterDeliveryActivities(world_->activities(), {.records = records_, .hook = {}});
    optimizer::RegisterRecordRun(world_->activities(),
                                 {.records = records_, .history = [this](const std::string&, const std::string&) {
                                    return world_->History();
                                  }});
    world_->Boot();
  }
  void Add(const json& graph) {
    const auto added = delivery::VersionStore(*records_).Put({.workflow_id = "report",
                                                              .content = graph.dump(),
                                                              .parent_version = std::nullopt,
                                                              .suggestion = "suggestion 7",
                                                              .metrics = nullptr,
                                                              .author = "ada",
                                                              .reason = "r",
                                                              .at = "2026-11-01T00:00:00.000Z"});
    ASSERT_TRUE(added.has_value()) << added.error().ToString();
  }
  static json Input() { return {{"workflow_id", "report"}, {"state", {{"task", "x"}}}}; }
  std::vector<delivery::ExecutionRecord> Records() {
    learning::RowProblems problems;
    const auto records = delivery::LoadExecutions(*records_, "report", *ParseIso8601("2026-11-01T00:00:00Z"),
                                                  *ParseIso8601("2027-11-01T00:00:00Z"), problems);
    EXPECT_TRUE(records.has_value() && problems.empty());
    return records ? *records : std::vector<delivery::ExecutionRecord>();
  }
  static json ResultOf(const temporal::api::history::v1::History& history) {
    const auto& last = *history.events().rbegin();
    if (last.has_workflow_execution_failed_event_attributes()) {
      const auto& failure = last.workflow_execution_failed_event_attributes().failure();
      return {{"failure", failure.message()}, {"type", failure.application_failure_info().type()}};
    }
    EXPECT_TRUE(last.has_workflow_execution_completed_event_attributes()) << last.ShortDebugString();
    return core::DecodePayloads(last.workflow_execution_completed_event_attributes().result()).value();
  }

  wfe::demo::MemoryRecords rows_;
  std::shared_ptr<client::RecordsClient> records_ = std::make_shared<client::RecordsClient>(rows_);
  std::unique_ptr<GraphWorld> world_;
};

TEST_F(ManagedGraphs, ARunGetsTheVersionInServiceAndLeavesItsRecord) {  // EN-10, RC-16
  Add(Report(5000));
  Boot(1);
  world_->Submit(Input());
  const json result = ResultOf(world_->End());
  EXPECT_EQ(result["version_id"], "report_v0");
  EXPECT_FALSE(result.contains("not_recorded")) << result["not_recorded"];
  const std::vector<delivery::ExecutionRecord> records = Records();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].version_id, "report_v0");
  EXPECT_TRUE(records[0].success);
  EXPECT_DOUBLE_EQ(records[0].cost_usd, 0.5);
  EXPECT_EQ(records[0].tokens, 100);
  EXPECT_EQ(records[0].optimization_applied, "suggestion 7");
  EXPECT_NEAR(static_cast<double>(records[0].duration_ms), 6000, 200) << "without its own recording";
  std::vector<std::string> nodes;
  for (const NodeRun& step : records[0].nodes.get<std::vector<NodeRun>>()) nodes.push_back(step.node);
  EXPECT_THAT(nodes, ElementsAre("plan", "write"));
}

TEST_F(ManagedGraphs, AVersionThatComesIntoServiceIsForNewRunsOnly) {  // EN-10, RB-3
  Add(Report(5000));
  Boot(1);
  world_->Submit(Input());
  world_->Advance(std::chrono::seconds(2));
  Add(Report(1000));
  delivery::VersionStore store(*records_);
  ASSERT_TRUE(store.Activate("report", 1, {"ada", "r", "2026-11-26T09:00:02.000Z"}).has_value());
  const json result = ResultOf(world_->End());
  EXPECT_EQ(result["version_id"], "report_v0");
  EXPECT_GT(result["path_ms"].get<int64_t>(), 5500);
}

TEST_F(ManagedGraphs, ARunThatFailsLeavesItsRecordToo) {  // RC-16
  Add(Report(1000, {{"failure_rate", 1.0}}));
  Boot(1);
  world_->Submit(Input());
  const json result = ResultOf(world_->End());
  EXPECT_TRUE(result.contains("failure")) << result;
  const std::vector<delivery::ExecutionRecord> records = Records();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_FALSE(records[0].success);
  const auto steps = records[0].nodes.get<std::vector<NodeRun>>();
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_FALSE(steps[1].success);
  EXPECT_EQ(steps[1].attempts, 3);
}

TEST_F(ManagedGraphs, AVersionThatIsNoGoodGraphFailsAndIsRecorded) {  // GW-2, RC-16
  Add({{"id", "report"}, {"start", "nowhere"}});
  Boot(1);
  world_->Submit(Input());
  EXPECT_EQ(ResultOf(world_->End())["type"], "INVALID_GRAPH");
  const std::vector<delivery::ExecutionRecord> records = Records();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].context["error_type"], "INVALID_GRAPH");
}

TEST_F(ManagedGraphs, WrongInputsHaveOneAnswerEachAndCountForNoVersion) {  // EN-10
  Boot(1);
  world_->Submit(Input());
  json result = ResultOf(world_->End());
  EXPECT_EQ(result["type"], "NO_VERSION");
  EXPECT_THAT(result["failure"].get<std::string>(), HasSubstr("no version of report could be had"));

  Add(Report(1000));
  const auto answer = [&](const json& input) {
    Boot(1);
    world_->Submit(input);
    return ResultOf(world_->End())["failure"].get<std::string>();
  };
  EXPECT_THAT(answer({{"workflow_id", "report"}}), HasSubstr("input.state lacks task"));
  EXPECT_THAT(answer({{"workflow_id", "report"}, {"graph", Report(1)}}), HasSubstr("must not both be given"));
  EXPECT_THAT(answer({{"state", json::object()}}), HasSubstr("input.graph is missing"));
  EXPECT_THAT(answer({{"workflow_id", "report"}, {"version", "abc"}}), HasSubstr("are for runs with their own graph"));
  EXPECT_TRUE(Records().empty());
}

TEST_F(ManagedGraphs, ARunWithItsOwnGraphAsksForNoVersionAndLeavesNothing) {  // GW-1
  Boot(1);
  world_->Submit({{"graph", Report(1000)}, {"state", {{"task", "x"}}}});
  const auto history = world_->End();
  EXPECT_EQ(ResultOf(history)["status"], "completed");
  for (const auto& event : history.events()) {
    if (!event.has_activity_task_scheduled_event_attributes()) continue;
    EXPECT_EQ(event.activity_task_scheduled_event_attributes().activity_type().name(), "simulateStep");
  }
  EXPECT_TRUE(rows_.tables.empty());
}

TEST_F(ManagedGraphs, EachRunLeavesOneRecordThroughPowerCutsAndKilledWorkers) {  // EN-1, RC-16
  int disturbed = 0;
  constexpr int kRuns = 40;
  for (uint64_t seed = 1; seed <= kRuns; ++seed) {
    rows_.tables.clear();
    Add(Report(4000));
    Boot(seed);
    simulation::Random random(seed);
    world_->Submit(Input());
    for (int i = 0; i < 6; ++i) world_->Disturb(random);
    const auto history = world_->End();
    EXPECT_EQ(ResultOf(history)["status"], "completed") << "seed " << seed;
    const std::vector<delivery::ExecutionRecord> records = Records();
    ASSERT_EQ(records.size(), 1U) << "seed " << seed;
    EXPECT_EQ(rows_.tables[std::string(delivery::kRunVersionsTable)].size(), 1U) << "seed " << seed;
    // What is recorded is what the closed history says, but for the end, which was told before the run was recorded.
    const auto read = optimizer::ExecutionOf(history, {.workflow_id = "report", .version_id = "report_v0"});
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->nodes, records[0].nodes) << "seed " << seed;
    EXPECT_LE(records[0].duration_ms, read->duration_ms) << "seed " << seed;
    disturbed += world_->disturbed;
  }
  EXPECT_GT(disturbed, kRuns) << "or nothing was tested";
}

}  // namespace
}  // namespace wfe::workflows
