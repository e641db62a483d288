// A graph as a value: its JSON, its version, its schema, its pictures, and what goes into a node and comes out of it.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "activities/graph/draw_graph.h"
#include "activities/graph/graph.h"
#include "activities/graph/node_data.h"

namespace wfe::graph {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

Graph TwoSteps() {
  Graph graph;
  graph.id = "two";
  graph.start = "a";
  graph.nodes = {{.id = "b", .activity = "second", .reads = {"y", "x"}},
                 {.id = "a", .activity = "first", .writes = {"x", "y"}}};
  graph.edges = {{.source = "a", .target = "b", .condition = ""}};
  return graph;
}

TEST(GraphValue, ItsVersionIsThatOfItsMeaning) {  // EN-10
  const Graph graph = TwoSteps();
  Graph other = graph;
  std::swap(other.nodes[0], other.nodes[1]);
  std::swap(other.nodes[1].reads[0], other.nodes[1].reads[1]);
  EXPECT_NE(other, graph);
  EXPECT_EQ(VersionOf(other), VersionOf(graph)) << "the order of nodes and of keys says nothing";
  EXPECT_EQ(VersionOf(json(graph).get<Graph>()), VersionOf(graph));
  other.nodes[1].model = "small";
  EXPECT_NE(VersionOf(other), VersionOf(graph));
  // Stored versions are found again: this may only change with what a graph means.
  EXPECT_EQ(
      CanonicalJson(graph),
      R"({"edges":[{"source":"a","target":"b"}],"id":"two","nodes":[{"activity":"first","id":"a","kind":"activity",)"
      R"("writes":["x","y"]},{"activity":"second","id":"b","kind":"activity","reads":["x","y"]}],"start":"a"})");
}

TEST(GraphValue, OrderOfTheEdgesOfANodeIsPartOfIt) {
  Graph graph = TwoSteps();
  graph.nodes.push_back({.id = "c", .activity = "third"});
  graph.edges = {{.source = "a", .target = "b", .condition = "/x == 1"},
                 {.source = "a", .target = "c", .condition = "/y == 1"}};
  Graph other = graph;
  std::swap(other.edges[0], other.edges[1]);
  EXPECT_NE(VersionOf(other), VersionOf(graph));
}

TEST(GraphValue, ItsSchemaIsAsItsRecordsAre) {  // WFE_REWRITE=1 writes it anew
  const std::string path = std::string(WFE_SOURCE_DIR) + "/schemas/graph.schema.json";
  const std::string now = GraphSchema().dump(2) + "\n";
  if (std::getenv("WFE_REWRITE") != nullptr) std::ofstream(path) << now;
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(now, text.str());
}

TEST(NodeData, InputIsParametersAndWhatIsRead) {
  const json state = {{"task", "t"}, {"plan", {{"text", "p"}}}, {"extra", 1}};
  GraphNode node{.id = "n",
                 .activity = "a",
                 .tool = "grep",
                 .model = "small",
                 .parameters = {{"parts", {"fixed", nullptr}}, {"x", 1}}};
  node.reads = {"task", "plan"};
  node.optional_reads = {"findings"};
  node.inputs = {{"/parts/1", "/plan/text"}, {"f", "/findings"}};
  EXPECT_EQ(InputOf(node, state).value(),
            json({{"tool", "grep"}, {"model", "small"}, {"x", 1}, {"task", "t"}, {"parts", {"fixed", "p"}}}));
  EXPECT_EQ(InputOf(node, {{"plan", 3}}).error().message, "the state has nothing at /plan/text");
  EXPECT_EQ(InputOf(node, {{"plan", {{"text", 1}}}}).error().message, "the state has no task");
}

TEST(NodeData, ResultsGoWhereWritesAndOutputsSay) {
  GraphNode node{.id = "n"};
  node.writes = {"all"};
  EXPECT_EQ(WritesOf(node, {{"x", 1}}).value(), json({{"all", {{"x", 1}}}}));
  node.writes = {"x", "y"};
  EXPECT_EQ(WritesOf(node, {{"x", 1}}).error().message, "its result has no member y");
  node.outputs = {{"y", "/deep/1"}};
  EXPECT_EQ(WritesOf(node, {{"x", 1}, {"deep", {7, 8}}}).value(), json({{"x", 1}, {"y", 8}}));
  EXPECT_EQ(WritesOf(node, {{"x", 1}}).error().message, "its result has nothing at /deep/1 for y");
}

TEST(NodeData, ABatchDividesItsItemsAndJoinsItsResults) {
  GraphNode node{.id = "n", .kind = "batch", .activity = "embed", .reads = {"docs"}, .writes = {"vectors"}};
  node.items = "/docs";
  node.batch_size = 2;
  const auto inputs = InputsOfBatch(node, {{"docs", {"a", "b", "c"}}}).value();
  EXPECT_EQ(json(inputs), json::parse(R"([{"items":["a","b"]},{"items":["c"]}])"));
  EXPECT_EQ(ResultsOfBatch(node, inputs, {{1, 2}, json::array({3})}).value(), json({1, 2, 3}));
  EXPECT_EQ(ResultsOfBatch(node, inputs, {{1, 2}, json(3)}).error().message,
            "call 2 got 1 items and did not give a list of as many results");
  node.batch_size = 1;
  EXPECT_EQ(json(InputsOfBatch(node, {{"docs", {"a"}}}).value()), json::parse(R"([{"item":"a"}])"));
  EXPECT_EQ(InputsOfBatch(node, {{"docs", 3}}).error().message, "what is at /docs is no list");
}

TEST(DrawGraph, ShowsNodesBranchesAndConditionsInEachLanguage) {
  Graph graph = TwoSteps();
  graph.nodes.push_back({.id = "p", .kind = "parallel", .branches = {"l", "r"}});
  graph.nodes.push_back({.id = "l", .kind = "agent", .activity = "call\"Model", .model = "small"});
  graph.nodes.push_back({.id = "r", .activity = "right"});
  graph.edges.push_back({.source = "b", .target = "p", .condition = "/x == \"q\""});
  EXPECT_EQ(DrawText(graph, {{"a", "3 s"}}),
            "two\n\n"
            "a  activity  first  3 s\n"
            "  -> b\n"
            "b  activity  second\n"
            "  -> p  if /x == \"q\"\n"
            "p  parallel  l, r\n"
            "  l  agent     call\"Model, small\n"
            "  r  activity  right\n");
  EXPECT_EQ(DrawMermaid(graph),
            "flowchart TD\n"
            "  n_a[\"a<br/>first\"]\n"
            "  n_b[\"b<br/>second\"]\n"
            "  n_p[/\"p\"/]\n"
            "  n_p_46_join((\" \"))\n"
            "  n_l(\"l<br/>call#quot;Model, small\")\n"
            "  n_r[\"r<br/>right\"]\n"
            "  n_a --> n_b\n"
            "  n_b -->|\"/x == #quot;q#quot;\"| n_p\n"
            "  n_p -.-> n_l\n"
            "  n_l -.-> n_p_46_join\n"
            "  n_p -.-> n_r\n"
            "  n_r -.-> n_p_46_join\n");
  EXPECT_THAT(DrawDot(graph), HasSubstr("\"b\" -> \"p\" [label=\"/x == \\\"q\\\"\"];"));
}

TEST(DrawGraph, GraphvizDrawsItOrIsSaidToBeMissing) {
  const Result<std::string> svg = DrawSvg(TwoSteps());
  if (svg) {
    EXPECT_THAT(*svg, HasSubstr("<svg"));
    EXPECT_THAT(*svg, HasSubstr(">second<"));
  } else {
    EXPECT_THAT(svg.error().message, HasSubstr("apt install graphviz"));
  }
}

}  // namespace
}  // namespace wfe::graph
