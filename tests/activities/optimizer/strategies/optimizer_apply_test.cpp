// Changes → a new graph that is valid and does what the old one did, or a sentence (ST-1, ST-2).
#include "activities/optimizer/strategies/apply.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "activities/graph/validate.h"
#include "tests/activities/optimizer/plain_run.h"

namespace wfe::optimizer {
namespace {

using graph::Graph;
using graph::GraphNode;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Graph Read(const json& text) {
  const Graph graph = text.get<Graph>();
  const graph::Mistakes mistakes = graph::Validate(graph);
  EXPECT_TRUE(mistakes.empty()) << mistakes.told[0].message;
  return graph;
}

json Node(const std::string& id, const std::vector<std::string>& reads, const std::string& writes) {
  json node = {{"id", id}, {"activity", "work"}, {"parameters", {{"p", id}}}, {"reads", reads}};
  if (!writes.empty()) node["writes"] = {writes};
  return node;
}

/// a, b, c and d one after the other; d reads what a and c write.
Graph Row() {
  return Read({{"id", "row"},
               {"start", "a"},
               {"inputs", {"in"}},
               {"outputs", {"z"}},
               {"nodes", {Node("a", {"in"}, "x"), Node("b", {"in"}, "u"), Node("c", {"in"}, "y"),
                          Node("d", {"x", "y"}, "z")}},
               {"edges", {{{"source", "a"}, {"target", "b"}}, {{"source", "b"}, {"target", "c"}},
                          {{"source", "c"}, {"target", "d"}}}}});
}

GraphChange Change(std::string_view type, std::vector<std::string> nodes) {
  GraphChange change;
  change.type = type;
  change.nodes = std::move(nodes);
  return change;
}

Graph Applied(const Graph& graph, const std::vector<GraphChange>& changes) {
  const Graph before = graph;
  const Result<Graph> after = ApplyChanges(graph, changes);
  EXPECT_EQ(graph, before) << "it is never changed in place";
  EXPECT_TRUE(after) << after.error().message;
  EXPECT_TRUE(graph::Validate(*after).empty());
  return *after;
}

std::string Refused(const Graph& graph, const std::vector<GraphChange>& changes) {
  const Result<Graph> after = ApplyChanges(graph, changes);
  EXPECT_FALSE(after) << json(*after).dump();
  return after ? "" : after.error().message;
}

void ExpectSame(const Graph& before, const Graph& after, const json& state = {{"in", 7}}) {
  for (const bool last_first : {false, true})
    EXPECT_EQ(RunPlainly(after, state, last_first).outputs, RunPlainly(before, state).outputs);
}

TEST(ApplyChanges, TakesANodeOutOfARow) {
  const Graph row = Row();
  const Graph after = Applied(row, {Change(kRemoveNode, {"b"})});
  EXPECT_EQ(after.nodes.size(), 3U);
  EXPECT_EQ(after.edges.size(), 2U);
  ExpectSame(row, after);
  EXPECT_THAT(Refused(row, {Change(kRemoveNode, {"a"})}), HasSubstr("it reads x, which no node writes"));
}

TEST(ApplyChanges, PutsADecisionWhereEdgesHangOnTheNode) {
  const Graph graph = Read({{"id", "loop"},
                            {"start", "first"},
                            {"inputs", {"in"}},
                            {"outputs", {"x"}},
                            {"nodes", {Node("first", {"in"}, "x"),
                                       {{"id", "again"}, {"activity", "work"}, {"reads", {"in"}}, {"writes", {"u"}},
                                        {"max_iterations", 3}},
                                       Node("body", {"x"}, "v"), Node("end", {"in"}, "w")}},
                            {"edges", {{{"source", "first"}, {"target", "again"}},
                                       {{"source", "again"}, {"target", "body"}, {"condition", "/x/n >= 0"}},
                                       {{"source", "again"}, {"target", "end"}},
                                       {{"source", "body"}, {"target", "again"}, {"condition", "/x/n >= 0"}},
                                       {{"source", "body"}, {"target", "end"}}}}});
  const Graph after = Applied(graph, {Change(kRemoveNode, {"again"})});
  EXPECT_EQ(graph::FindNode(after, "again")->kind, graph::kDecision);
  EXPECT_EQ(graph::FindNode(after, "again")->max_iterations, 3) << "it still bounds the cycle";
  ExpectSame(graph, after);
  EXPECT_EQ(RunPlainly(after, {{"in", 7}}).runs.at("body"), RunPlainly(graph, {{"in", 7}}).runs.at("body"));
  // The last node of a walk is an end after it, too.
  const Graph without_end = Applied(graph, {Change(kRemoveNode, {"end"})});
  EXPECT_EQ(graph::FindNode(without_end, "end")->kind, graph::kDecision);
  ExpectSame(graph, without_end);
}

TEST(ApplyChanges, TakesANodeOutOfABranch) {
  json graph = Row();
  graph["nodes"].push_back({{"id", "fork"}, {"kind", "parallel"}, {"branches", {"e", "f"}}});
  graph["nodes"].push_back(Node("e", {"in"}, "k"));
  graph["nodes"].push_back(Node("e2", {"in"}, "k2"));
  graph["nodes"].push_back(Node("f", {"in"}, "l"));
  graph["edges"].push_back({{"source", "d"}, {"target", "fork"}});
  graph["edges"].push_back({{"source", "e"}, {"target", "e2"}});
  const Graph read = Read(graph);
  const Graph after = Applied(read, {Change(kRemoveNode, {"e"}), Change(kRemoveNode, {"f"})});
  EXPECT_THAT(graph::FindNode(after, "fork")->branches, ElementsAre("e2", "f"));
  EXPECT_EQ(graph::FindNode(after, "f")->kind, graph::kDecision) << "a parallel node needs two branches";
  EXPECT_THAT(Refused(read, {Change(kRemoveNode, {"fork"})}), HasSubstr("what hangs on it would be lost"));
}

TEST(ApplyChanges, RunsIndependentNodesAtOnceWhereverTheyStand) {
  const Graph row = Row();
  const Graph pair = Applied(row, {Change(kCreateParallelNode, {"a", "c"})});
  EXPECT_EQ(pair.start, "parallel_a");
  EXPECT_THAT(graph::FindNode(pair, "parallel_a")->branches, ElementsAre("a", "c"));
  ExpectSame(row, pair);
  // The new node and another one: no nodes in each other.
  const Graph three = Applied(pair, {Change(kCreateParallelNode, {"parallel_a", "b"})});
  EXPECT_EQ(std::ranges::count(three.nodes, graph::kParallel, &GraphNode::kind), 1);
  EXPECT_EQ(three.nodes.size(), 5U);
  ExpectSame(row, three);
  EXPECT_THAT(Refused(row, {Change(kCreateParallelNode, {"a", "d"})}), HasSubstr("a and d: d reads x of a"));
  EXPECT_THAT(Refused(row, {Change(kCreateParallelNode, {"a"})}), HasSubstr("two nodes or more"));
  EXPECT_THAT(Refused(row, {Change(kCreateParallelNode, {"a", "a"})}), HasSubstr("each once"));
  EXPECT_THAT(Refused(row, {Change(kCreateParallelNode, {"a", "q"})}), HasSubstr("there is no node q"));
}

TEST(ApplyChanges, KeepsSideEffectsBehindWhatCameBefore) {
  json graph = Row();
  graph["nodes"][1]["side_effects"] = true;
  EXPECT_THAT(Refused(Read(graph), {Change(kCreateParallelNode, {"a", "c"})}), HasSubstr("c needs b, which needs a"));
}

TEST(ApplyChanges, MakesOneCallOfSeveral) {
  const Graph row = Row();
  GraphChange batch = Change(kCreateBatchNode, {"a", "b", "c"});
  const Graph after = Applied(row, {batch});
  const GraphNode* const made = graph::FindNode(after, "batch_a");
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->activity, "work");
  ExpectSame(row, after);
  EXPECT_THAT(Refused(after, {Change(kRemoveNode, {"b"})}), HasSubstr("b is one of the nodes of batch batch_a"));
  json other = row;
  other["nodes"][1]["activity"] = "something";
  EXPECT_THAT(Refused(Read(other), {batch}), HasSubstr("b calls something else than a"));
}

TEST(ApplyChanges, ReadsOneResultForTwoWhereverItStood) {
  json graph = Row();
  json same = graph["nodes"][0];  // a
  same["id"] = "a2";
  same["writes"] = {"x2"};
  graph["nodes"].push_back(same);
  json reader = Node("e", {"x2", "x"}, "w");  // both names
  graph["nodes"].push_back(reader);
  json place = Node("f", {"x2"}, "v");
  place["inputs"] = {{"/deep/er", "/x2/n"}};
  graph["nodes"].push_back(place);
  graph["edges"].push_back({{"source", "d"}, {"target", "a2"}});
  graph["edges"].push_back({{"source", "a2"}, {"target", "e"}});
  graph["edges"].push_back({{"source", "e"}, {"target", "f"}});
  graph["outputs"] = {"z", "w", "v"};
  const Graph before = Read(graph);
  const Graph after = Applied(before, {Change(kMergeNodes, {"a", "a2"})});
  EXPECT_EQ(graph::FindNode(after, "a2"), nullptr);
  EXPECT_THAT(graph::FindNode(after, "e")->reads, ElementsAre("x"));
  ExpectSame(before, after);
  EXPECT_THAT(Refused(before, {Change(kMergeNodes, {"a2", "a"})}), HasSubstr("a runs before a2"));
  graph["outputs"].push_back("x2");
  EXPECT_THAT(Refused(Read(graph), {Change(kMergeNodes, {"a", "a2"})}), HasSubstr("x2 is what the graph gives"));
}

TEST(ApplyChanges, SetsWhatANodeCalls) {
  const Graph row = Row();
  GraphChange tool = Change(kSubstituteTool, {"a"});
  tool.tool = "other";
  EXPECT_EQ(graph::FindNode(Applied(row, {tool}), "a")->activity, "other") << "the activity was the tool";
  tool.activity = "runTool";
  EXPECT_EQ(graph::FindNode(Applied(row, {tool}), "a")->activity, "runTool");
  EXPECT_EQ(graph::FindNode(Applied(row, {tool}), "a")->tool, "other");
  GraphChange model = Change(kSubstituteModel, {"a", "b"});
  model.model = "small";
  EXPECT_EQ(graph::FindNode(Applied(row, {model}), "b")->model, "small");
  GraphChange cache = Change(kEnableCache, {"c"});
  cache.cache = graph::CacheSettings{};
  EXPECT_TRUE(graph::FindNode(Applied(row, {cache}), "c")->cache.has_value());
  json harmful = row;
  harmful["nodes"][2]["side_effects"] = true;
  EXPECT_THAT(Refused(Read(harmful), {cache}), HasSubstr("c has side effects"));
  EXPECT_THAT(Refused(row, {Change(kEnableCache, {"c"})}), HasSubstr("no settings"));
  GraphChange retry = Change(kSetRetry, {"d"});
  retry.retry = graph::RetrySettings{.maximum_attempts = 5};
  EXPECT_EQ(graph::FindNode(Applied(row, {retry}), "d")->retry->maximum_attempts, 5);
  EXPECT_THAT(Refused(row, {cache, Change("paint_it", {"a"})}),
              HasSubstr("change 2 (paint_it): there is no such change"));
}

}  // namespace
}  // namespace wfe::optimizer
