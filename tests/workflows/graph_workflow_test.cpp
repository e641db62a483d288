// GraphWorkflow: what each kind of node does, where it goes on to, and how it fails (GW-1, GW-2, VA-5, ST-21).
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "activities/graph/mistake.h"
#include "activities/graph/simulate_step.h"
#include "tests/workflows/graph_runner.h"

namespace wfe::workflows {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class GraphWorkflowTest : public ::testing::Test {
 protected:
  GraphRunner runner_;
};

json Activity(const std::string& id, const json& more = json::object()) {
  json node = {{"id", id}, {"kind", "activity"}, {"activity", id}};
  node.update(more);
  return node;
}
json Edge(const std::string& source, const std::string& target, const std::string& condition = "") {
  return {{"source", source}, {"target", target}, {"condition", condition}};
}
json GraphOf(const std::vector<json>& nodes, const std::vector<json>& edges, const json& more = json::object()) {
  json graph = {{"id", "g"}, {"start", nodes[0]["id"]}, {"nodes", nodes}, {"edges", edges}};
  graph.update(more);
  return graph;
}
/// write and check until it is good, at most three times; then ship.
json Loop() {
  return GraphOf(
      {Activity("write", {{"max_iterations", 3}, {"optional_reads", {"verdict"}}, {"writes", {"code"}}}),
       Activity("check", {{"reads", {"code"}}, {"writes", {"verdict"}}}), Activity("ship", {{"reads", {"code"}}})},
      {Edge("write", "check"), Edge("check", "ship", "/verdict/passed"), Edge("check", "write")});
}

TEST_F(GraphWorkflowTest, NodesRunOneAfterTheOtherAndHandTheirResultsOn) {  // GW-1
  runner_.answer = [](const Asked& asked) -> json {
    return asked.type == "plan" ? json{{"text", "the plan"}, {"cost_usd", 0.25}, {"tokens", 10}} : json("written");
  };
  const json result = runner_.RunGraph(
      GraphOf(
          {Activity("plan",
                    {{"reads", {"task"}}, {"parameters", {{"depth", 2}}}, {"writes", {"plan"}}, {"model", "small"}}),
           Activity("write", {{"reads", {"plan"}}, {"inputs", {{"text", "/plan/text"}}}, {"writes", {"code"}}})},
          {Edge("plan", "write")}, {{"inputs", {"task"}}, {"outputs", {"code"}}}),
      {{"task", "count"}});
  ASSERT_THAT(runner_.Ids(), ElementsAre("plan", "write"));
  EXPECT_EQ(runner_.asked[0].input, json({{"task", "count"}, {"depth", 2}, {"model", "small"}}));
  EXPECT_EQ(runner_.asked[1].input, json({{"text", "the plan"}}));
  EXPECT_EQ(result.at("status"), "completed");
  EXPECT_EQ(result.at("outputs"), json({{"code", "written"}}));
  EXPECT_EQ(result.at("node_runs"), 2);
  EXPECT_DOUBLE_EQ(result.at("cost_usd").get<double>(), 0.25);
  EXPECT_EQ(result.at("nodes")[0].at("tokens"), 10);
  EXPECT_EQ(result.at("version").get<std::string>().size(), 64U);
}

TEST_F(GraphWorkflowTest, ALoopEndsWhenItsConditionHolds) {
  runner_.answer = [n = 0](const Asked& asked) mutable -> json {
    return asked.type == "check" ? json{{"passed", ++n == 2}} : json("code");
  };
  const json result = runner_.RunGraph(Loop());
  EXPECT_THAT(runner_.Ids(), ElementsAre("write", "check", "write#2", "check#2", "ship"));
  EXPECT_FALSE(runner_.asked[0].input.contains("verdict"));
  EXPECT_EQ(runner_.asked[2].input.at("verdict"), json({{"passed", false}}));
  EXPECT_EQ(result.at("nodes")[0].at("runs"), 2);
}

TEST_F(GraphWorkflowTest, AnEdgeToANodeThatHasRunOftenEnoughIsPassedOver) {
  runner_.answer = [](const Asked&) -> json { return {{"passed", false}}; };
  json graph = Loop();
  json result = runner_.RunGraph(graph);
  EXPECT_EQ(result.at("type"), "NO_WAY_ON");
  EXPECT_EQ(
      result.at("failure"),
      "node check: no edge that leaves it can be taken: no condition holds, or the target has run as often as its "
      "max_iterations says");
  EXPECT_THAT(runner_.Ids(), ElementsAre("write", "check", "write#2", "check#2", "write#3", "check#3"));
  graph["edges"][2] = Edge("check", "write", "not /verdict/passed");
  graph["edges"].push_back(Edge("check", "ship"));
  result = runner_.RunGraph(graph);
  EXPECT_EQ(result.at("status"), "completed");
}

TEST_F(GraphWorkflowTest, AConditionWithoutAnAnswerEndsTheRun) {
  runner_.answer = [](const Asked&) -> json { return {{"passed", "yes"}}; };
  json result = runner_.RunGraph(Loop());
  EXPECT_EQ(result.at("type"), "BAD_CONDITION");
  EXPECT_EQ(result.at("failure"),
            "node check: condition \"/verdict/passed\" of the edge to ship, at character 1: this is a text, not true "
            "or false");
  EXPECT_EQ(result.at("details"), json({{"node", "check"}}));
}

json Fork(const json& left = json::object(), const json& right = json::object()) {
  return GraphOf({{{"id", "both"}, {"kind", "parallel"}, {"branches", {"left", "right"}}},
                  Activity("left", left),
                  Activity("right", right),
                  Activity("after", {{"reads", {"l", "r"}}})},
                 {Edge("both", "after")});
}

TEST_F(GraphWorkflowTest, BranchesBeginTogetherAndAllEndBeforeItGoesOn) {
  runner_.hang = {"left"};
  EXPECT_TRUE(runner_.RunGraph(Fork({{"writes", {"l"}}}, {{"writes", {"r"}}})).is_null());
  EXPECT_THAT(runner_.Ids(), ElementsAre("left", "right"));
  const json progress = runner_.Query();
  EXPECT_EQ(progress.at("running"), json({"both", "left"}));
  EXPECT_EQ(progress.at("status"), "running");
  EXPECT_EQ(progress.at("nodes")[2].at("status"), "done");
  runner_.engine().CompleteActivity("left", 1);
  EXPECT_EQ(runner_.Continue().at("status"), "completed");
  EXPECT_EQ(runner_.asked.back().input, json({{"l", 1}, {"r", json::object()}}));
}

TEST_F(GraphWorkflowTest, TheFirstFailureCancelsTheOtherBranches) {
  runner_.hang = {"left"};
  runner_.answer = [](const Asked&) -> json { return {{"fails", "no compiler"}, {"type", "MISSING_TOOL"}}; };
  const json result = runner_.RunGraph(Fork({{"writes", {"l"}}}, {{"writes", {"r"}}}));
  EXPECT_EQ(result.at("failure"), "node right: right failed: no compiler");
  EXPECT_EQ(result.at("type"), "MISSING_TOOL");
  EXPECT_EQ(runner_.cancel_requests, 1);
  EXPECT_THAT(runner_.Ids(), ElementsAre("left", "right"));
  const json progress = runner_.Query();
  EXPECT_EQ(progress.at("status"), "failed");
  EXPECT_EQ(progress.at("nodes")[1].at("status"), "cancelled");
  EXPECT_THAT(progress.value("running", json::array()), IsEmpty());
}

TEST_F(GraphWorkflowTest, ACancelRequestCancelsWhatRuns) {
  runner_.hang = {"left", "right"};
  EXPECT_TRUE(runner_.RunGraph(Fork({{"writes", {"l"}}}, {{"writes", {"r"}}})).is_null());
  runner_.engine().RequestCancel();
  EXPECT_EQ(runner_.Continue(), json({{"cancelled", true}}));
  EXPECT_EQ(runner_.cancel_requests, 2);
  EXPECT_EQ(runner_.Query().at("status"), "cancelled");
}

TEST_F(GraphWorkflowTest, ABatchMakesAsManyCallsAtOnceAsItMay) {
  const json node = {{"id", "embed"},         {"kind", "batch"},  {"activity", "embed"}, {"reads", {"docs"}},
                     {"writes", {"vectors"}}, {"items", "/docs"}, {"batch_size", 2},     {"max_concurrent", 2}};
  runner_.answer = [](const Asked& asked) { return asked.input.at("items"); };
  runner_.hang = {"embed#1.1"};
  EXPECT_TRUE(runner_.RunGraph(GraphOf({node}, {}, {{"inputs", {"docs"}}}), {{"docs", {1, 2, 3, 4, 5}}}).is_null());
  EXPECT_THAT(runner_.Ids(), ElementsAre("embed#1.1", "embed#1.2")) << "the third waits";
  runner_.engine().CompleteActivity("embed#1.1", {10, 20});
  const json result = runner_.Continue();
  EXPECT_THAT(runner_.Ids(), ElementsAre("embed#1.1", "embed#1.2", "embed#1.3"));
  EXPECT_EQ(result.at("outputs").at("vectors"), json({10, 20, 3, 4, 5}));
  EXPECT_EQ(result.at("nodes")[0].at("calls"), 3);
}

TEST_F(GraphWorkflowTest, ABatchOfNodesIsOneCallWhoseResultsEachNodeWrites) {  // ST-10
  const json graph = GraphOf({{{"id", "all"}, {"kind", "batch"}, {"activity", "embedAll"}, {"branches", {"a", "b"}}},
                              Activity("a", {{"parameters", {{"text", "A"}}}, {"writes", {"va"}}}),
                              Activity("b", {{"reads", {"t"}}, {"writes", {"vb"}}})},
                             {}, {{"inputs", {"t"}}, {"outputs", {"va", "vb"}}});
  runner_.answer = [](const Asked&) -> json { return {1, 2}; };
  const json result = runner_.RunGraph(graph, {{"t", "B"}});
  ASSERT_EQ(runner_.asked.size(), 1U);
  EXPECT_EQ(runner_.asked[0].type, "embedAll");
  EXPECT_EQ(runner_.asked[0].input, json({{"items", {{{"text", "A"}}, {{"t", "B"}}}}}));
  EXPECT_EQ(result.at("outputs"), json({{"va", 1}, {"vb", 2}}));
  runner_.answer = [](const Asked&) -> json { return json::array({1}); };
  EXPECT_EQ(runner_.RunGraph(graph, {{"t", "B"}}).at("failure"),
            "node all: its 2 items did not give a list of as many results");
}

TEST_F(GraphWorkflowTest, AChildIsAWorkflowOfItsOwn) {
  const json graph = GraphOf(
      {{{"id", "ship"}, {"kind", "child"}, {"activity", "Ship"}, {"parameters", {{"to", "x"}}}, {"writes", {"n"}}}},
      {});
  std::string id;
  runner_.answer_child = [&](const std::string& workflow_id, const json& input) {
    id = workflow_id;
    return input;
  };
  EXPECT_EQ(runner_.RunGraph(graph).at("outputs"), json({{"n", {{"to", "x"}}}}));
  EXPECT_EQ(id, "workflow-1/ship");
  runner_.answer_child = [](const std::string&, const json&) -> json { return {{"fails", "no ship"}}; };
  const json result = runner_.RunGraph(graph);
  EXPECT_EQ(result.at("failure"), "node ship: workflow Ship (workflow-1/ship) failed: no ship");
  EXPECT_EQ(result.at("type"), "CHILD_BROKEN");
}

TEST_F(GraphWorkflowTest, TimesRetriesAndCachingAreThoseOfTheNode) {
  runner_.RunGraph(GraphOf({Activity("a", {{"timeout_s", 5},
                                           {"heartbeat_s", 2},
                                           {"task_queue", "gpu"},
                                           {"retry", {{"maximum_attempts", 7}, {"non_retryable", {"X"}}}},
                                           {"cache", {{"ttl_seconds", 60}, {"max_size", 9}}}}),
                            {{"id", "b"}, {"kind", "agent"}, {"activity", "b"}},
                            Activity("c")},
                           {Edge("a", "b"), Edge("b", "c")}));
  ASSERT_EQ(runner_.scheduled.size(), 3U);
  const auto& a = runner_.scheduled[0];
  EXPECT_EQ(a.start_to_close_timeout().seconds(), 5);
  EXPECT_EQ(a.heartbeat_timeout().seconds(), 2);
  EXPECT_EQ(a.task_queue().name(), "gpu");
  EXPECT_EQ(a.retry_policy().maximum_attempts(), 7);
  EXPECT_EQ(a.retry_policy().non_retryable_error_types(0), "X");
  EXPECT_EQ(a.header().fields().at("wfe-cache").data(), R"({"max_entries":9,"ttl_ms":60000})");
  EXPECT_EQ(runner_.scheduled[1].retry_policy().maximum_attempts(), 0) << "a model's patience ends its retries";
  EXPECT_EQ(runner_.scheduled[1].start_to_close_timeout().seconds(), 600);
  EXPECT_EQ(runner_.scheduled[2].retry_policy().maximum_attempts(), 3);
  EXPECT_EQ(runner_.scheduled[2].header().fields_size(), 0);
}

TEST_F(GraphWorkflowTest, WhatCameFromACacheIsCountedAndCostsNothing) {  // ST-21
  runner_.hang = {"a"};
  EXPECT_TRUE(runner_.RunGraph(GraphOf({Activity("a", {{"cache", json::object()}})}, {})).is_null());
  runner_.engine().CompleteActivity("a", {{"cost_usd", 5}});
  auto& event = *runner_.engine().mutable_history().mutable_events()->rbegin();
  (*event.mutable_activity_task_completed_event_attributes()
        ->mutable_result()
        ->mutable_payloads(0)
        ->mutable_metadata())["wfe-cache"] = "hit";
  const json node = runner_.Continue().at("nodes")[0];
  EXPECT_EQ(node.at("from_cache"), 1);
  EXPECT_EQ(node.at("cost_usd"), 0);
}

TEST_F(GraphWorkflowTest, ADryRunTakesRecordedResultsWhereInputsAreTheSame) {  // VA-5
  const json graph = GraphOf({Activity("plan", {{"reads", {"task"}}, {"writes", {"plan"}}}),
                              Activity("write", {{"reads", {"plan"}}, {"writes", {"code"}}})},
                             {Edge("plan", "write")}, {{"inputs", {"task"}}});
  const json plan = {{"activity", "plan"},
                     {"input_sha256", graph::InputHash({{"task", "t"}})},
                     {"result", {{"p", 1}, {"cost_usd", 3}}},
                     {"duration_ms", 1500}};
  const json write = {{"activity", "write"},
                      {"input_sha256", graph::InputHash({{"plan", plan["result"]}})},
                      {"result", "code"},
                      {"duration_ms", 500}};
  json input = {
      {"graph", graph}, {"state", {{"task", "t"}}}, {"dry_run", {{"recorded", {plan, write}}, {"missing", "fail"}}}};
  json result = runner_.Run(input);
  EXPECT_THAT(runner_.asked, IsEmpty());
  EXPECT_EQ(result.at("path_ms"), 2000);
  EXPECT_EQ(result.at("cost_usd"), 0);
  EXPECT_EQ(result.at("nodes")[0].at("recorded"), 1);
  EXPECT_EQ(result.at("outputs").at("code"), "code");

  input["dry_run"]["recorded"] = json::array({plan});
  EXPECT_THAT(runner_.Run(input).at("failure").get<std::string>(),
              HasSubstr("node write: no result of write is recorded for its input (SHA-256 "));
  input["dry_run"]["missing"] = "run";
  result = runner_.Run(input);
  EXPECT_THAT(runner_.Ids(), ElementsAre("write")) << "only what is not recorded is run";
  input["graph"]["nodes"][1]["side_effects"] = true;
  EXPECT_THAT(runner_.Run(input).at("failure").get<std::string>(), HasSubstr("does not run what has side effects"));
}

TEST_F(GraphWorkflowTest, ARunThatCannotBeginSaysWhy) {
  const json graph = GraphOf({Activity("a", {{"reads", {"task"}}})}, {}, {{"inputs", {"task"}}});
  const std::pair<json, std::string> cases[] = {
      {json::object(), "the input of GraphWorkflow is not valid: input.graph is missing"},
      {{{"graph", graph}, {"stat", 1}}, "the input of GraphWorkflow is not valid: input.stat is not known"},
      {{{"graph", graph}}, "input.state lacks task, which graph g takes"},
      {{{"graph", graph}, {"state", {{"task", 1}, {"tsk", 1}}}},
       "input.state.tsk is none of the inputs of graph g; did you mean task?"},
      {{{"graph", graph}, {"state", {{"task", 1}}}, {"version", "00"}}, "graph g is version "},
      {{{"graph", graph}, {"state", {{"task", 1}}}, {"dry_run", {{"missing", "x"}}}},
       "input.dry_run.missing must be run or fail"},
      {{{"graph", 3}}, "the graph cannot be run: a graph must be a JSON object"},
  };
  for (const auto& [input, sentence] : cases) EXPECT_THAT(runner_.Run(input).value("failure", ""), HasSubstr(sentence));
  json wrong = graph;
  wrong["nodes"][0]["reads"] = {"x"};
  wrong["nodes"][0]["timeout_s"] = -1;
  const json result = runner_.RunGraph(wrong, {{"task", 1}});
  EXPECT_EQ(result.at("type"), "INVALID_GRAPH");
  EXPECT_EQ(result.at("details").size(), 2U);
  EXPECT_EQ(result.at("details")[0].at("pointer"), "/nodes/0/timeout_s");
  EXPECT_THAT(runner_.asked, IsEmpty());
}

TEST_F(GraphWorkflowTest, AResultThatDoesNotFitEndsTheRun) {
  const json graph = GraphOf({Activity("a", {{"writes", {"x", "y"}}})}, {});
  runner_.answer = [](const Asked&) -> json { return {{"x", 1}}; };
  EXPECT_EQ(runner_.RunGraph(graph).at("failure"), "node a: its result has no member y");
  runner_.answer = [](const Asked&) -> json {
    return {{"x", std::string(600'000, 'x')}, {"y", std::string(600'000, 'y')}};
  };
  const json result = runner_.RunGraph(graph);
  EXPECT_EQ(result.at("type"), "STATE_TOO_LARGE");
  EXPECT_EQ(result.at("failure"),
            "node a: with the 600003 bytes that it writes to y the state has 1200006 bytes; the limit is 1048576");
}

// Histories hold these: a member that is new needs a default, and a line that changes means that stored data looks
// different.  WFE_REWRITE=1 writes them anew.
TEST(GraphRecordBytes, NewRecordsAreAsTheyWereStored) {
  graph::Graph whole;
  whole.nodes.emplace_back().retry.emplace();
  whole.nodes.back().cache.emplace();
  whole.edges.emplace_back();
  std::string now;
  for (const json& record :
       {json(whole), json(GraphInput()), json(GraphInput{.graph = whole, .dry_run = DryRun()}),
        json(graph::RecordedResult()), json(GraphProgress()), json(NodeProgress()), json(graph::Mistake()),
        json(graph::SimulateStepInput()), json(graph::SimulateStepResult()), json(graph::SimulatedVariant())}) {
    now += record.dump() + "\n";
  }
  const std::string path = std::string(WFE_SOURCE_DIR) + "/tests/testdata/records/graph.txt";
  if (std::getenv("WFE_REWRITE") != nullptr) std::ofstream(path) << now;
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(now, text.str());
}

/// What the two activities of a managed run are given, and a version whose only node is `work`.
class ManagedGraphRun : public GraphWorkflowTest {
 protected:
  ManagedGraphRun() {
    runner_.answer = [this](const Asked& asked) -> json {
      if (asked.type == "chooseVersion") return chosen;
      if (asked.type == "recordRun") return recorded;
      return worked;
    };
  }
  const Asked& Last() const { return runner_.asked.back(); }

  json chosen = {{"workflow_id", "report"},
                 {"version_id", "report_v2"},
                 {"version", 2},
                 {"content", GraphOf({Activity("work", {{"writes", {"done"}}})}, {})}};
  json recorded = {{"is_new", true}, {"nodes", 1}};
  json worked = 1;
  const json input = {{"workflow_id", "report"}};
};

TEST_F(ManagedGraphRun, AsksForItsVersionAndLeavesItsRecord) {  // EN-10, RC-16
  const json result = runner_.Run(input);
  EXPECT_THAT(runner_.Ids(), ElementsAre("chooseVersion#", "work", "recordRun#"));
  EXPECT_EQ(runner_.asked[0].input["workflow_id"], "report");
  EXPECT_EQ(runner_.asked[0].input["run_id"], "run-1");
  EXPECT_TRUE(runner_.asked[0].input["with_content"].get<bool>());
  EXPECT_EQ(Last().input["version_id"], "report_v2");
  EXPECT_TRUE(Last().input["success"].get<bool>());
  EXPECT_EQ(result.at("status"), "completed");
  EXPECT_EQ(result.at("version_id"), "report_v2");
  EXPECT_FALSE(result.contains("not_recorded"));
}

TEST_F(ManagedGraphRun, IsRecordedWhenItFailsAndWhenItsVersionIsNoGoodGraph) {  // RC-16, GW-2
  worked = {{"fails", "no"}, {"type", "BROKEN"}};
  EXPECT_EQ(runner_.Run(input).at("type"), "BROKEN");
  EXPECT_EQ(Last().type, "recordRun");
  EXPECT_FALSE(Last().input["success"].get<bool>());
  EXPECT_EQ(Last().input["error_type"], "BROKEN");
  chosen["content"] = {{"id", "g"}, {"start", "nowhere"}};
  EXPECT_EQ(runner_.Run(input).at("type"), "INVALID_GRAPH");
  EXPECT_EQ(Last().input["error_type"], "INVALID_GRAPH");
}

TEST_F(ManagedGraphRun, IsAsGoodWhenItCannotBeRecorded) {  // RC-16
  recorded = {{"fails", "the disk is full"}, {"type", "INVALID_ARGUMENT"}};
  const json result = runner_.Run(input);
  EXPECT_EQ(result.at("status"), "completed");
  EXPECT_EQ(result.at("not_recorded"), "the disk is full");
}

TEST_F(ManagedGraphRun, LeavesNothingWhereTheInputWasWrongOrThereIsNoVersion) {  // EN-10
  chosen["content"]["inputs"] = {"task"};
  EXPECT_EQ(runner_.Run(input).at("failure"), "input.state lacks task, which graph g takes");
  EXPECT_EQ(Last().type, "chooseVersion");
  chosen = {{"fails", "there are no versions"}, {"type", "NOT_FOUND"}};
  const json result = runner_.Run(input);
  EXPECT_EQ(result.at("type"), "NO_VERSION");
  EXPECT_EQ(result.at("failure"), "no version of report could be had: there are no versions");
  const auto refusal = [&](const json& wrong) { return runner_.Run(wrong).at("failure").get<std::string>(); };
  EXPECT_THAT(refusal({{"workflow_id", "report"}, {"graph", Loop()}}), HasSubstr("must not both be given"));
  EXPECT_THAT(refusal({{"workflow_id", "report"}, {"version", "x"}}), HasSubstr("for runs with their own graph"));
  EXPECT_THAT(refusal({{"state", json::object()}}), HasSubstr("input.graph is missing"));
}

TEST_F(GraphWorkflowTest, ALoopThatRunsTooOftenIsEnded) {
  json graph = Loop();
  graph["nodes"][0]["max_iterations"] = 9'000;
  runner_.answer = [](const Asked&) -> json { return {{"passed", false}}; };
  GraphRunner quick;
  quick.answer = runner_.answer;
  quick.check_replay = false;
  const json result = quick.RunGraph(graph);
  EXPECT_EQ(result.at("type"), "TOO_MANY_NODE_RUNS");
  EXPECT_EQ(quick.asked.size(), 5'000U);
}

}  // namespace
}  // namespace wfe::workflows
