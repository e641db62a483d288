// What strategies propose and what they refuse, one rule at a time (ST-1 to ST-22).
#include "activities/optimizer/strategies/strategy.h"

#include <gmock/gmock.h>

#include <cmath>

#include "activities/optimizer/strategies/cache_replay.h"

namespace wfe::optimizer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

graph::GraphNode Node(const std::string& id, std::vector<std::string> reads, std::vector<std::string> writes) {
  graph::GraphNode node;
  node.id = id;
  node.activity = "callTool";
  node.tool = "tool_" + id;
  node.reads = std::move(reads);
  node.writes = std::move(writes);
  return node;
}

/// Nodes one after the other, each with a profile.
struct World {
  graph::Graph graph;
  PerformanceProfile profile;
  Catalog catalog;
  SuggestOptions options;

  World() {
    graph.id = "w";
    graph.inputs = {"in"};
    profile.workflow_id = "w";
    profile.executions = 50;
    options.everywhere = true;
    catalog.models = {{"small", "s", 0.1, 0.4, 0.4}, {"medium", "m", 0.5, 2, 0.6}, {"large", "l", 1, 4, 1}};
  }
  graph::GraphNode& Add(graph::GraphNode node, double duration, double cost = 0) {
    if (graph.start.empty()) graph.start = node.id;
    if (!graph.nodes.empty()) graph.edges.push_back({graph.nodes.back().id, node.id, ""});
    NodePerformanceProfile measured;
    measured.node_id = node.id;
    measured.activity = node.activity;
    measured.tool = node.tool;
    measured.model = node.model;
    measured.runs = measured.tool_calls = 50;
    measured.runs_per_execution = 1;
    measured.avg_duration = duration;
    measured.avg_cost = cost;
    profile.node_metrics.push_back(measured);
    profile.workflow_metrics.avg_duration += duration;
    graph.nodes.push_back(std::move(node));
    return graph.nodes.back();
  }
  NodePerformanceProfile& Measured(size_t n) { return profile.node_metrics[n]; }
  Suggestions Made() const { return Suggest(&graph, profile, catalog, options); }
};

std::vector<std::string> Reasons(const Suggestions& suggestions, std::string_view strategy) {
  std::vector<std::string> reasons;
  for (const Refusal& refusal : suggestions.refused) {
    if (refusal.strategy_type == strategy) reasons.push_back(refusal.reason);
  }
  return reasons;
}

const OptimizationSuggestion* Of(const Suggestions& suggestions, std::string_view strategy) {
  for (const OptimizationSuggestion& one : suggestions.made) {
    if (one.strategy_type == strategy) return &one;
  }
  return nullptr;
}

TEST(Parallelization, IsAsMuchFasterAsAmdahlSays) {  // ST-3 ST-6
  World world;
  world.Add(Node("a", {"in"}, {"x"}), 6);
  world.Add(Node("b", {"in"}, {"y"}), 4);
  world.Add(Node("c", {"x", "y"}, {"z"}), 10);
  world.graph.outputs = {"z"};
  const Suggestions made = world.Made();
  const OptimizationSuggestion* const one = Of(made, kParallelization);
  ASSERT_NE(one, nullptr);
  EXPECT_EQ(one->target, "a,b");
  EXPECT_EQ(one->risk_level, kRiskMedium);
  EXPECT_DOUBLE_EQ(one->estimated_improvement.duration_reduction, 4.0 / 20);
  EXPECT_DOUBLE_EQ(one->estimated_improvement.speedup, 1 / (1 - 0.2));
  EXPECT_DOUBLE_EQ(*one->estimated_improvement.local_speedup, 10.0 / 6);
  EXPECT_DOUBLE_EQ(one->estimated_improvement.confidence, 0.8);
  EXPECT_DOUBLE_EQ(one->evidence["sequential_duration"], 10);
  EXPECT_DOUBLE_EQ(one->rank, 0.8 * 0.8 * 0.4 * 0.2) << "ST-4";
}

TEST(Parallelization, LeavesTheTimeThatIsNoNodesAsItIs) {  // ST-6
  World world;
  world.Add(Node("a", {"in"}, {"x"}), 5);
  world.Add(Node("b", {"in"}, {"y"}), 5);
  world.profile.workflow_metrics.avg_duration = 20;
  const Suggestions made = world.Made();
  ASSERT_NE(Of(made, kParallelization), nullptr);
  EXPECT_DOUBLE_EQ(Of(made, kParallelization)->estimated_improvement.duration_reduction, 0.25);
}

TEST(Parallelization, SaysWhyItLeavesTwoNodesApart) {  // ST-12 ST-13
  World world;
  world.Add(Node("a", {"in"}, {"x"}), 5);
  world.Add(Node("b", {"x"}, {"y"}), 5);
  world.Add(Node("c", {"y"}, {"z"}), 5);
  world.Add(Node("d", {"in"}, {"z"}), 5);
  world.Add(Node("e", {"in"}, {"w"}), 5).side_effects = true;
  const auto reasons = Reasons(world.Made(), kParallelization);
  EXPECT_THAT(reasons, ::testing::Contains("c needs b, which needs a"));
  EXPECT_THAT(reasons, ::testing::Contains("both write z"));
  EXPECT_THAT(reasons, ::testing::Contains("e has side effects, which come when all before it went well"));
}

TEST(Pruning, NeverRemovesWhatIsReadLater) {  // ST-11
  World world;
  world.Add(Node("a", {"in"}, {"x"}), 5);
  world.Add(Node("b", {"x"}, {"y"}), 5);
  world.graph.outputs = {"y"};
  world.Measured(0).success_rate = 0.2;
  const Suggestions made = world.Made();
  EXPECT_EQ(Of(made, kPruning), nullptr);
  EXPECT_THAT(Reasons(made, kPruning), ElementsAre("it fails in 80 % of its runs, but b reads what it writes"));
}

TEST(Pruning, OfAFailingNodeIsForAPersonAndOneThatFailsNowAndThenIsRepeated) {  // ST-5 ST-11
  World world;
  world.Add(Node("a", {"in"}, {"x"}), 5);
  world.Add(Node("b", {"in"}, {"y"}), 5);
  world.graph.outputs = {"y"};
  world.Measured(0).success_rate = 0.3;
  world.Measured(1).success_rate = 0.7;
  const Suggestions made = world.Made();
  ASSERT_THAT(made.made, SizeIs(::testing::Ge(2)));
  const auto of_type = [&](std::string_view type) {
    for (const auto& one : made.made) {
      if (one.action == type) return one;
    }
    return OptimizationSuggestion{};
  };
  EXPECT_EQ(of_type(kRemoveNode).target, "a");
  EXPECT_EQ(of_type(kRemoveNode).risk_level, kRiskHigh);
  EXPECT_EQ(of_type(kRemoveNode).needs, kAfterReview);
  const OptimizationSuggestion retry = of_type(kSetRetry);
  EXPECT_EQ(retry.target, "b");
  // Three attempts fail in 30 %, so one fails in 0.3 ^ (1/3), and five in 0.3 ^ (5/3).
  EXPECT_NEAR(retry.estimated_improvement.quality_impact, (1 - std::pow(0.3, 5.0 / 3)) / 0.7 - 1, 1e-9);
  EXPECT_LT(retry.estimated_improvement.duration_reduction, 0) << "more attempts take longer";
}

TEST(ToolSelection, ComparesNormalizedScores) {  // ST-7 ST-14
  World world;
  world.Add(Node("a", {"in"}, {"x"}), 10, 0.1);
  const auto tool = [&](const std::string& id, double cost, double duration, double success) {
    ToolInfo info;
    info.tool_id = id;
    info.capabilities = {"search"};
    info.avg_cost = cost;
    info.avg_duration = duration;
    info.success_rate = success;
    world.catalog.tools.push_back(info);
  };
  tool("tool_a", 0.1, 10, 0.95);
  tool("cheap", 0.02, 8, 0.92);
  tool("quick", 0.08, 1, 0.95);
  tool("wrong", 0, 0, 0.7);
  tool("worse", 0, 0, 0.89);
  const Suggestions made = world.Made();
  const OptimizationSuggestion* const one = Of(made, kToolSelection);
  ASSERT_NE(one, nullptr);
  // Of three that may: cheap 0.4 + 0.3 × 2/9 + 0.3 × 0.92, quick 0.4 × 0.25 + 0.3 + 0.3 × 0.95.
  EXPECT_EQ(one->changes[0].tool, "cheap");
  EXPECT_NEAR(one->evidence["proposed"]["score"].get<double>(), 0.4 + 0.3 * 2 / 9 + 0.3 * 0.92, 1e-12);
  EXPECT_NEAR(one->estimated_improvement.cost_reduction, 0.8, 1e-12);
  EXPECT_NEAR(one->estimated_improvement.duration_reduction, 0.2, 1e-12);
  EXPECT_NEAR(one->estimated_improvement.quality_impact, 0.92 / 0.95 - 1, 1e-12);
  EXPECT_EQ(one->risk_level, kRiskLow);
  EXPECT_THAT(Reasons(made, kToolSelection),
              ::testing::UnorderedElementsAre("not wrong: it succeeds in only 70 % of its calls",
                                              "not worse: it succeeds in 89 % of its calls, and tool_a in 95 %",
                                              "not quick: its score is not the best"));
}

TEST(ToolSelection, OffersAnIndexOnlyForManyItems) {  // ST-15
  World world;
  world.Add(Node("a", {"in"}, {"x"}), 10, 0.1).parameters = {{"items", 900}};
  ToolInfo linear;
  linear.tool_id = "tool_a";
  linear.capabilities = {"search"};
  linear.avg_cost = 0.1;
  linear.avg_duration = 10;
  linear.success_rate = 1;
  ToolInfo vector = linear;
  vector.tool_id = "vector";
  vector.capabilities = {"search", "index"};
  vector.avg_duration = 1;
  vector.approximate = true;
  world.catalog.tools = {linear, vector};
  EXPECT_THAT(Reasons(world.Made(), kToolSelection), ElementsAre("not vector: an index is for more than 1000 items"));
  world.graph.nodes[0].parameters["items"] = 5'000;
  const Suggestions made = world.Made();
  ASSERT_NE(Of(made, kToolSelection), nullptr);
  EXPECT_EQ(Of(made, kToolSelection)->risk_level, kRiskMedium);
  EXPECT_EQ(Of(made, kToolSelection)->needs, kAfterExperiment);
}

class Models : public ::testing::Test {
 protected:
  Models() {
    graph::GraphNode node = Node("a", {"in"}, {"x"});
    node.kind = graph::kAgent;
    node.model = "l";
    world.Add(node, 10, 0.01);
  }
  std::string Proposed(double in, double out) {
    world.Measured(0).avg_input_tokens = in;
    world.Measured(0).avg_output_tokens = out;
    const Suggestions made = world.Made();
    const OptimizationSuggestion* const one = Of(made, kModelSelection);
    return one == nullptr ? "" : one->changes[0].model;
  }
  World world;
};

TEST_F(Models, AreAsLargeAsTheWorkIsComplex) {  // ST-16
  EXPECT_EQ(Proposed(499, 199), "s");
  EXPECT_EQ(Proposed(500, 100), "m");
  EXPECT_EQ(Proposed(100, 200), "m");
  EXPECT_EQ(Proposed(2'000, 1'000), "m");
  EXPECT_EQ(Proposed(2'001, 10), "");
  EXPECT_EQ(Proposed(10, 1'001), "");
  EXPECT_EQ(Proposed(0, 0), "") << "not measured";
}

TEST_F(Models, AreOneClassLargerWhereTheNodeFailsOrCallsOften) {  // ST-16
  world.Measured(0).success_rate = 0.89;
  EXPECT_EQ(Proposed(100, 100), "m");
  world.Measured(0).success_rate = 1;
  world.Measured(0).tool_calls = 100;
  EXPECT_EQ(Proposed(100, 100), "m");
}

TEST_F(Models, AreNotMadeSmallerWhereTheLastRunsFailed) {  // ST-17
  world.Measured(0).recent_success_rate = 0.79;
  EXPECT_EQ(Proposed(100, 100), "");
  EXPECT_THAT(Reasons(world.Made(), kModelSelection)[0], HasSubstr("only 79 % of its last runs succeeded"));
}

TEST_F(Models, AreEstimatedByPricesAndTokens) {  // ST-8
  EXPECT_EQ(Proposed(400, 100), "s");
  const Suggestions made = world.Made();
  const EstimatedImprovement& improvement = Of(made, kModelSelection)->estimated_improvement;
  EXPECT_NEAR(improvement.cost_reduction, 0.9, 1e-12);  // a tenth of both prices
  EXPECT_NEAR(improvement.duration_reduction, 0.6, 1e-12);
  EXPECT_NEAR(improvement.quality_impact, -2 * kQualityOfTier, 1e-12);
  EXPECT_EQ(Of(made, kModelSelection)->needs, kAfterExperiment);
}

std::vector<ToolCall> Calls(const std::vector<uint64_t>& inputs, int64_t apart_ms = 1'000) {
  std::vector<ToolCall> calls;
  for (const uint64_t input : inputs) {
    ToolCall call;
    call.at_ms = static_cast<int64_t>(calls.size()) * apart_ms;
    call.input = input;
    call.output = input == 99 ? 0 : input * 10;  // 99 always fails
    calls.push_back(call);
  }
  return calls;
}

TEST(CacheReplay, CountsWhatAnLruWouldHaveHad) {  // ST-19
  EXPECT_EQ(ReplayCache(Calls({1, 2, 1, 2, 3, 1}), {0}, 3'600, 1'000).hits, 3);
  EXPECT_EQ(ReplayCache(Calls({1, 2, 1, 3, 2, 1}), {0}, 3'600, 2).hits, 1) << "2 went for 3, and 1 for 2";
  EXPECT_EQ(ReplayCache(Calls({1, 1, 1, 1}), {0}, 2, 10).hits, 2) << "the third is as old as it may be";
  EXPECT_EQ(ReplayCache(Calls({99, 99, 99}), {0}, 3'600, 10).hits, 0) << "a failure is not kept";
  EXPECT_EQ(ReplayCache(Calls({1, 1}), {1}, 3'600, 10).calls, 0) << "calls of another node";
}

TEST(CacheReplay, SeesAHitThatWouldHaveBeenWrong) {  // ST-20
  std::vector<ToolCall> calls = Calls({1, 1, 1});
  calls[2].output = 11;
  EXPECT_EQ(ReplayCache(calls, {0}, 3'600, 10).wrong_hits, 1);
}

class Cache : public ::testing::Test {
 protected:
  Cache() {
    world.Add(Node("a", {"in"}, {"x"}), 2, 0.1);
    tool.tool_id = "tool_a";
    tool.call_count = 40;
    tool.avg_duration = 2;
    tool.repeats = 30;
    std::vector<uint64_t> inputs;
    for (uint64_t i = 0; i < 40; ++i) inputs.push_back(i % 10 + 1);
    world.profile.calls["tool_a"] = Calls(inputs);  // 30 of 40 were there before
  }
  Suggestions Made() {
    world.profile.tool_metrics = {tool};
    return world.Made();
  }
  World world;
  ToolPerformanceProfile tool;
};

TEST_F(Cache, OfThreeHitsInFourIsNeverMoreThanFourTimesFaster) {  // ST-9 ST-18 ST-20
  const Suggestions made = Made();
  const OptimizationSuggestion* const one = Of(made, kCaching);
  ASSERT_NE(one, nullptr);
  const EstimatedImprovement& improvement = one->estimated_improvement;
  EXPECT_DOUBLE_EQ(*improvement.hit_rate, 0.75);
  EXPECT_NEAR(improvement.duration_reduction, (2 - (0.75 * 0.01 + 0.25 * 2)) / 2, 1e-12);
  EXPECT_NEAR(improvement.cost_reduction, 0.9 * 0.75, 1e-12);
  EXPECT_LT(*improvement.local_speedup, 4);
  EXPECT_NEAR(*improvement.local_speedup, 2 / (0.75 * 0.01 + 0.25 * 2), 1e-12);
  EXPECT_DOUBLE_EQ(*improvement.speedup_of_hits, 200);
  EXPECT_EQ(one->risk_level, kRiskLow);
  EXPECT_EQ(one->needs, kAfterValidation);
  EXPECT_EQ(one->changes[0].cache->ttl_seconds, 3'600);
  EXPECT_EQ(one->changes[0].cache->max_size, 1'000);
}

TEST_F(Cache, NeedsApprovalUntilTwentyRepeatsWereTheSame) {  // ST-20
  tool.repeats = 19;
  ASSERT_NE(Of(Made(), kCaching), nullptr);
  EXPECT_EQ(Of(Made(), kCaching)->needs, kAfterApproval);
  EXPECT_EQ(Of(Made(), kCaching)->risk_level, kRiskMedium);
  world.graph.nodes[0].deterministic = true;
  EXPECT_EQ(Of(Made(), kCaching)->needs, kAfterValidation) << "it is declared";
  tool.contradictions = 2;
  EXPECT_EQ(Of(Made(), kCaching)->needs, kAfterApproval) << "the declaration is wrong";
  tool.contradictions = 5;
  EXPECT_EQ(Of(Made(), kCaching), nullptr);
  EXPECT_THAT(Reasons(Made(), kCaching),
              ElementsAre("5 of 19 repeats gave another result, although it is declared deterministic"));
}

TEST_F(Cache, IsRefusedForSideEffectsAndFilesWithoutHashesAndRareHits) {  // ST-9 ST-20
  world.graph.nodes[0].side_effects = true;
  EXPECT_THAT(Reasons(Made(), kCaching), ElementsAre("it has side effects"));
  world.graph.nodes[0].side_effects = false;
  ToolInfo info;
  info.tool_id = "tool_a";
  info.capabilities = {"reads_files"};
  world.catalog.tools = {info};
  EXPECT_THAT(Reasons(Made(), kCaching), ElementsAre("it reads files, and their hashes are not in its input"));
  world.graph.nodes[0].inputs = {{"files_sha256", "/in"}};
  EXPECT_NE(Of(Made(), kCaching), nullptr);
  world.options.rules.cache_ttl_seconds = 5;
  EXPECT_THAT(Reasons(Made(), kCaching), ElementsAre("a cache would have had the answer to only 0 % of its calls"));
  world.profile.calls.clear();
  EXPECT_THAT(Reasons(Made(), kCaching)[0], HasSubstr("were not recorded"));
}

TEST(Batching, TakesMoreThanAFewCalls) {  // ST-10 ST-22
  for (const auto& [kind, least] : {std::pair("embedding", 4), std::pair("search", 6), std::pair("analysis", 11)}) {
    World world;
    ToolInfo info;
    info.tool_id = "embed";
    info.supports_batch = true;
    info.batch_kind = kind;
    world.catalog.tools = {info};
    for (int n = 0; n < least; ++n) {
      EXPECT_EQ(Of(world.Made(), kBatching), nullptr) << kind << " " << n;
      graph::GraphNode node = Node("a" + std::to_string(n), {"in"}, {"x" + std::to_string(n)});
      node.tool = "embed";
      world.Add(node, 2, 0.1);
    }
    const Suggestions made = world.Made();
    const OptimizationSuggestion* const one = Of(made, kBatching);
    ASSERT_NE(one, nullptr) << kind;
    EXPECT_NEAR(*one->estimated_improvement.local_speedup, least * 2 / (1.5 * 2), 1e-12);
    EXPECT_NEAR(one->estimated_improvement.cost_reduction, 0.5, 1e-12);
    EXPECT_EQ(one->evidence["count"], 50) << "identical groups of all executions are one suggestion";
  }
}

TEST(Suggest, IsAboutBottlenecksUnlessAskedForAll) {  // ST-1
  World world;
  world.Add(Node("a", {"in"}, {"x"}), 6);
  world.Add(Node("b", {"in"}, {"y"}), 4);
  world.options.everywhere = false;
  EXPECT_THAT(world.Made().made, IsEmpty());
  Bottleneck slow;
  slow.type = kSlowNode;
  slow.node_id = "b";
  world.profile.bottlenecks = {slow};
  EXPECT_THAT(world.Made().made, SizeIs(1));
  world.profile.bottlenecks[0].type = kMissingCaching;
  EXPECT_THAT(world.Made().made, IsEmpty());
}

TEST(Suggest, SaysOneSentenceWhereThereIsNothingToLookAt) {  // BN-10 GW-2
  World world;
  world.Add(Node("a", {"in"}, {"x"}), 6);
  world.profile.executions = 4;
  EXPECT_EQ(world.Made().refused.at(0).reason, "the profile is of 4 executions; 5 are needed");
  world.profile.executions = 5;
  world.graph.start = "b";
  EXPECT_THAT(world.Made().refused.at(0).reason, HasSubstr("the graph is not valid: start: there is no node"));
}

TEST(Suggest, OfAWorkflowInCppIsOnlyWhatNeedsNoGraph) {  // GW-3
  World world;
  graph::GraphNode agent = Node("ask", {"in"}, {"x"});
  agent.model = "l";
  world.Add(agent, 10, 0.01);
  world.Add(Node("b", {"in"}, {"y"}), 10);
  world.Measured(0).avg_input_tokens = 100;
  world.Measured(0).avg_output_tokens = 100;
  world.Measured(0).time_contribution = 0.5;
  const Suggestions made = Suggest(nullptr, world.profile, world.catalog, world.options);
  ASSERT_THAT(made.made, SizeIs(1));
  EXPECT_EQ(made.made[0].action, kSubstituteModel);
  EXPECT_NEAR(made.made[0].estimated_improvement.duration_reduction, 0.5 * 0.6, 1e-12);
  EXPECT_THAT(Reasons(made, kParallelization), SizeIs(1));
}

TEST(Suggest, RanksByWhatIsGainedForSure) {  // ST-4
  OptimizationSuggestion one;
  one.risk_level = kRiskHigh;
  one.estimated_improvement.confidence = 0.5;
  one.estimated_improvement.duration_reduction = 0.3;
  one.estimated_improvement.cost_reduction = 0.1;
  one.estimated_improvement.quality_impact = 0.4;
  EXPECT_DOUBLE_EQ(RankOf(one), 0.5 * 0.5 * 0.4 * 0.4) << "better quality is no reason of its own";
  one.estimated_improvement.quality_impact = -0.5;
  EXPECT_DOUBLE_EQ(RankOf(one), 0.5 * 0.5 * (0.16 - 0.1));
}

TEST(Suggest, CanBeWrittenDownAndReadAgain) {  // ST-2
  World world;
  world.Add(Node("a", {"in"}, {"x"}), 6);
  world.Add(Node("b", {"in"}, {"y"}), 4);
  const Suggestions made = world.Made();
  ASSERT_THAT(made.made, SizeIs(1));
  const nlohmann::json written = made;
  EXPECT_EQ(nlohmann::json(written.get<Suggestions>()), written);
  EXPECT_THAT(made.made[0].suggestion_id, SizeIs(16));
  EXPECT_EQ(made.made[0].suggestion_id, world.Made().made[0].suggestion_id);
}

}  // namespace
}  // namespace wfe::optimizer
