// What is wrong with a graph: each mistake with its place and its exact sentence (GW-2).
#include <gmock/gmock.h>

#include "activities/graph/read_graph.h"
#include "activities/graph/validate.h"

namespace wfe::graph {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// triage -> plan -> write, with a parallel node and a loop.
json Good() {
  return json::parse(R"({
    "id": "feature", "start": "plan", "inputs": ["task"], "outputs": ["code"],
    "nodes": [
      {"id": "plan", "kind": "agent", "activity": "callModel", "reads": ["task"], "writes": ["plan"]},
      {"id": "write", "kind": "activity", "activity": "writeCode", "reads": ["plan"], "optional_reads": ["findings"],
       "writes": ["code"], "max_iterations": 3},
      {"id": "check", "kind": "parallel", "branches": ["lint", "test"]},
      {"id": "lint", "kind": "activity", "activity": "lint", "reads": ["code"], "writes": ["findings"]},
      {"id": "test", "kind": "activity", "activity": "test", "reads": ["code"], "writes": ["verdict"]},
      {"id": "good", "kind": "decision"},
      {"id": "ship", "kind": "child", "activity": "Ship", "reads": ["code"]}],
    "edges": [
      {"source": "plan", "target": "write"}, {"source": "write", "target": "check"},
      {"source": "check", "target": "good"},
      {"source": "good", "target": "ship", "condition": "/verdict/passed"},
      {"source": "good", "target": "write"}]})");
}

std::vector<std::string> Sentences(const json& graph, const KnownTypes& known = {}) {
  Mistakes mistakes;
  const auto read = CheckGraph(graph, known, mistakes);
  EXPECT_EQ(read.has_value(), mistakes.empty());
  std::vector<std::string> sentences;
  for (const Mistake& mistake : mistakes.told) sentences.push_back(mistake.pointer + " | " + mistake.message);
  return sentences;
}

/// The mistakes after one change: a JSON patch of one operation.
std::vector<std::string> After(const char* patch) { return Sentences(Good().patch(json::parse(patch))); }

struct Case {
  const char* patch;
  std::vector<std::string> sentences;
};

TEST(Validate, AGoodGraphHasNoMistakes) { EXPECT_THAT(Sentences(Good()), IsEmpty()); }

TEST(Validate, EachMistakeOfFormHasItsPlaceAndSentence) {
  const Case cases[] = {
      {R"([{"op":"add","path":"/nodes/0/raeds","value":[]}])",
       {"/nodes/0/raeds | node plan: raeds is not known; did you mean reads?"}},
      {R"([{"op":"add","path":"/colour","value":1}])", {"/colour | colour is not known"}},
      {R"([{"op":"add","path":"/edges/0/if","value":1}])", {"/edges/0/if | edge 0: if is not known"}},
      {R"([{"op":"replace","path":"/nodes/1/max_iterations","value":"3"}])",
       {"/nodes/1/max_iterations | node write: max_iterations must be a whole number",
        "/nodes/1/max_iterations | node write: the cycle write -> check -> good -> write has no node with "
        "max_iterations"}},
      {R"([{"op":"add","path":"/nodes/0/retry","value":{"maximum_attempts":1.5}}])",
       {"/nodes/0/retry | node plan: retry.maximum_attempts must be a whole number"}},
      {R"([{"op":"replace","path":"/edges","value":{}}])", {"/edges | edges must be a list"}},
      {R"([{"op":"replace","path":"/nodes/6","value":7}])",
       {"/nodes/6 | node 6: must be a JSON object",
        "/nodes/6/id | node 6: an id must have 1 to 100 letters, digits, '-', '_' and '.', not \"\"",
        "/nodes/6/activity | node 6: activity is missing",
        "/edges/3/target | edge 3 (good -> ship): there is no node \"ship\"",
        "/nodes/6 | node 6: it is never reached from plan"}},
  };
  for (const Case& c : cases) EXPECT_EQ(After(c.patch), c.sentences) << c.patch;
  EXPECT_THAT(Sentences(json(3)), ElementsAre(" | a graph must be a JSON object"));
  Mistakes mistakes;
  EXPECT_FALSE(CheckGraphText("{\"id\": ", {}, mistakes).has_value());
  EXPECT_EQ(mistakes.told.at(0).message, "the graph is not JSON (line 1, column 8)");
}

TEST(Validate, EachMistakeOfANodeHasItsPlaceAndSentence) {
  const Case cases[] = {
      {R"([{"op":"replace","path":"/nodes/4/id","value":"lint"}])",
       {"/nodes/2/branches/1 | node check: there is no node \"test\"",
        "/nodes/4/id | node lint: node 3 has the same id",
        "/edges/3/condition | edge 3 (good -> ship): its condition reads verdict, which is not written on the way plan "
        "-> write -> check -> good"}},
      {R"([{"op":"replace","path":"/nodes/5/kind","value":"decison"}])",
       {"/nodes/5/kind | node good: a kind is one of activity, agent, parallel, batch, decision, child, not "
        "\"decison\"; did "
        "you mean decision?"}},
      {R"([{"op":"replace","path":"/nodes/0/activity","value":""}])",
       {"/nodes/0/activity | node plan: activity is missing"}},
      {R"([{"op":"add","path":"/nodes/5/activity","value":"x"}])",
       {"/nodes/5/activity | node good: a decision node has no activity"}},
      {R"([{"op":"add","path":"/nodes/0/writes/-","value":"a key"}])",
       {"/nodes/0/writes/1 | node plan: writes: \"a key\" is no key of a state"}},
      {R"([{"op":"add","path":"/nodes/0/inputs","value":{"prompt":"/question"}}])",
       {"/nodes/0/inputs/prompt | node plan: inputs: question is neither in reads nor in optional_reads"}},
      {R"([{"op":"add","path":"/nodes/0/inputs","value":{"/parts/x":"/task"}},
           {"op":"add","path":"/nodes/0/parameters","value":{"parts":[]}}])",
       {"/nodes/0/inputs | node plan: inputs: the parameters have no place /parts/x"}},
      {R"([{"op":"add","path":"/nodes/0/outputs","value":{"text":"/text"}}])",
       {"/nodes/0/outputs/text | node plan: outputs: \"text\" is not in writes"}},
      {R"([{"op":"replace","path":"/nodes/2/branches","value":["lint"]}])",
       {"/nodes/2/branches | node check: a parallel node has two branches or more",
        "/nodes/4 | node test: it is never reached from plan",
        "/edges/3/condition | edge 3 (good -> ship): its condition reads verdict, which is not written on the way plan "
        "-> "
        "write -> check -> good"}},
      {R"([{"op":"add","path":"/nodes/0/timeout_s","value":-1}])",
       {"/nodes/0/timeout_s | node plan: timeout_s must be from 0 to 2592000"}},
      {R"([{"op":"add","path":"/nodes/1/max_iterations","value":10001}])",
       {"/nodes/1/max_iterations | node write: max_iterations must be from 0 to 10000"}},
      {R"([{"op":"add","path":"/nodes/0/cache","value":{"ttl_seconds":0,"eviction":"fifo"}}])",
       {"/nodes/0/cache/eviction | node plan: eviction is lru",
        "/nodes/0/cache/ttl_seconds | node plan: cache/ttl_seconds must be from 1 to 2592000"}},
      {R"([{"op":"add","path":"/nodes/0/cache","value":{}},{"op":"add","path":"/nodes/0/side_effects","value":true}])",
       {"/nodes/0/cache | node plan: a node with side effects must not be cached"}},
      {R"([{"op":"replace","path":"/nodes/0/kind","value":"batch"}])",
       {"/nodes/0 | node plan: a batch has either items (a list in the state) or branches (nodes of one call)"}},
      {R"([{"op":"replace","path":"/start","value":"paln"}])", {"/start | start: there is no node \"paln\""}},
  };
  for (const Case& c : cases) EXPECT_EQ(After(c.patch), c.sentences) << c.patch;
}

TEST(Validate, EachMistakeOfTheWayHasItsPlaceAndSentence) {
  const Case cases[] = {
      {R"([{"op":"replace","path":"/edges/0/target","value":"wirte"}])",
       {"/edges/0/target | edge 0 (plan -> wirte): there is no node \"wirte\"",
        "/nodes/1 | node write: it is never reached from plan", "/nodes/2 | node check: it is never reached from plan",
        "/nodes/3 | node lint: it is never reached from plan", "/nodes/4 | node test: it is never reached from plan",
        "/nodes/5 | node good: it is never reached from plan", "/nodes/6 | node ship: it is never reached from plan",
        "/outputs/0 | the graph's output code: it is one which is not written on the way plan"}},
      {R"([{"op":"remove","path":"/nodes/1/max_iterations"}])",
       {"/nodes/1/max_iterations | node write: the cycle write -> check -> good -> write has no node with "
        "max_iterations"}},
      {R"([{"op":"remove","path":"/inputs"}])",
       {"/nodes/0/reads/0 | node plan: it reads task, which no node writes and no input of the graph is"}},
      {R"([{"op":"add","path":"/nodes/1/reads/-","value":"findings"},{"op":"remove","path":"/nodes/1/optional_reads"}])",
       {"/nodes/1/reads/1 | node write: it reads findings, which is not written on the way plan -> write"}},
      {R"([{"op":"replace","path":"/edges/3/condition","value":"/verdict/passed ="}])",
       {"/edges/3/condition | edge 3 (good -> ship): condition \"/verdict/passed =\", at character 17: a comparison is "
        "written "
        "=="}},
      {R"([{"op":"replace","path":"/edges/3/condition","value":""}])",
       {"/edges/4 | edge 4 (good -> write): it is never taken, since edge 3 before it has no condition; a parallel "
        "node runs "
        "both"}},
      {R"([{"op":"replace","path":"/edges/3/condition","value":"/score > 1"}])",
       {"/edges/3/condition | edge 3 (good -> ship): its condition reads score, which no node writes and no input of "
        "the graph "
        "is"}},
      {R"([{"op":"replace","path":"/nodes/4/writes","value":["findings"]},
           {"op":"replace","path":"/edges/3/condition","value":"present(/verdict) and /verdict/passed"}])",
       {"/nodes/2/branches | node check: branches lint and test both write findings"}},
      {R"([{"op":"add","path":"/nodes/4/optional_reads","value":["findings"]}])",
       {"/nodes/2/branches | node check: branch test reads findings, which branch lint writes at the same time"}},
      {R"([{"op":"add","path":"/edges/-","value":{"source":"lint","target":"good"}}])",
       {"/nodes/5 | node good: it is reached in the walk from plan and in branch lint of check; a walk must not go on "
        "in "
        "another one's nodes"}},
      {R"([{"op":"add","path":"/edges/-","value":{"source":"ship","target":"ship"}}])",
       {"/nodes/6/max_iterations | node ship: the cycle ship -> ship has no node with max_iterations",
        "/nodes/0 | node plan: no way leads from it to an end (a node that no edge leaves)",
        "/nodes/1 | node write: no way leads from it to an end (a node that no edge leaves)",
        "/nodes/2 | node check: no way leads from it to an end (a node that no edge leaves)",
        "/nodes/5 | node good: no way leads from it to an end (a node that no edge leaves)",
        "/nodes/6 | node ship: no way leads from it to an end (a node that no edge leaves)"}},
      {R"([{"op":"add","path":"/outputs/-","value":"report"}])",
       {"/outputs/1 | the graph's output report: it is one which no node writes and no input of the graph is"}},
  };
  for (const Case& c : cases) EXPECT_EQ(After(c.patch), c.sentences) << c.patch;
}

TEST(Validate, TypesThatTheWorkerDoesNotKnowAreNamedWithTheNearest) {
  const std::set<std::string> activities = {"callModel", "writeCode", "lint", "runTest"};
  const std::set<std::string> workflows = {"Shipping"};
  EXPECT_THAT(Sentences(Good(), {.activities = &activities, .workflows = &workflows}),
              ElementsAre("/nodes/4/activity | node test: there is no activity \"test\"",
                          "/nodes/6/activity | node ship: there is no workflow \"Ship\"; did you mean Shipping?"));
}

TEST(Validate, AllMistakesAreTold) {
  json graph = Good();
  graph["nodes"][0]["reads"] = {"a", "b"};
  graph["nodes"][3]["timeout_s"] = -1;
  graph["edges"][3]["condition"] = "(";
  EXPECT_EQ(Sentences(graph).size(), 4U);
}

json Chain(int nodes) {
  json graph = {{"id", "chain"}, {"start", "n0"}, {"nodes", json::array()}, {"edges", json::array()}};
  for (int i = 0; i < nodes; ++i) {
    const std::string id = "n" + std::to_string(i);
    graph["nodes"].push_back(
        {{"id", id}, {"kind", "activity"}, {"activity", "a"}, {"writes", {"k" + std::to_string(i % 1000)}}});
    if (i > 0) graph["nodes"].back()["reads"] = {"k" + std::to_string((i - 1) % 1000)};
    if (i > 0) graph["edges"].push_back({{"source", "n" + std::to_string(i - 1)}, {"target", id}});
  }
  return graph;
}

TEST(Validate, AGraphOfTooManyNodesIsRefusedByTheLimit) {
  EXPECT_THAT(Sentences(Chain(100'000)), ElementsAre("/nodes | the graph has 100000 nodes; the limit is 2000",
                                                     "/edges | the graph has 99999 edges; the limit is 8000"));
  EXPECT_THAT(Sentences(Chain(2'000)), IsEmpty());
  json loop = Chain(2'000);  // the longest way back there is
  loop["edges"].push_back({{"source", "n1999"}, {"target", "n0"}, {"condition", "/k5 == 1"}});
  loop["nodes"].push_back({{"id", "end"}, {"kind", "activity"}, {"activity", "a"}});
  EXPECT_THAT(Sentences(loop), ElementsAre("/nodes | the graph has 2001 nodes; the limit is 2000"));
}

TEST(Validate, ManyMistakesAreCountedAndTheFirstAreTold) {
  json graph = Chain(1'000);
  for (json& node : graph["nodes"]) node["reads"] = {"absent"};
  Mistakes mistakes;
  EXPECT_FALSE(CheckGraph(graph, {}, mistakes).has_value());
  EXPECT_EQ(mistakes.count, 1'000U);
  EXPECT_EQ(mistakes.told.size(), Mistakes::kMaxTold);
}

TEST(Validate, BranchesNestAsDeepAsTheLimitSays) {
  json graph = {{"id", "deep"}, {"start", "p0"}, {"nodes", json::array()}, {"edges", json::array()}};
  for (int i = 0; i < 20; ++i) {
    const std::string n = std::to_string(i);
    graph["nodes"].push_back(
        {{"id", "p" + n}, {"kind", "parallel"}, {"branches", {"a" + n, "p" + std::to_string(i + 1)}}});
    graph["nodes"].push_back({{"id", "a" + n}, {"kind", "activity"}, {"activity", "a"}});
  }
  graph["nodes"].push_back({{"id", "p20"}, {"kind", "activity"}, {"activity", "a"}});
  EXPECT_EQ(Sentences(graph).at(0), "/nodes/32/branches | node p16: branches are nested more than 16 deep");
}

}  // namespace
}  // namespace wfe::graph
