// What one workflow learns from another (LN-6, LN-7).
#include "activities/optimizer/learning/transfer.h"

#include <gmock/gmock.h>

#include <chrono>

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

/// A chain of these activities; ids are `prefix` and the activity.
graph::Graph ChainOfActivities(const std::string& id, const std::vector<std::string>& activities,
                               const std::string& prefix = "n_") {
  graph::Graph graph{.id = id, .start = prefix + activities.front()};
  for (size_t i = 0; i < activities.size(); ++i) {
    graph.nodes.push_back({.id = prefix + activities[i], .activity = activities[i]});
    if (i > 0) graph.edges.push_back({prefix + activities[i - 1], prefix + activities[i], ""});
  }
  return graph;
}

OptimizationSuggestion CacheOf(const std::string& node, double confidence = 0.9) {
  OptimizationSuggestion suggestion{.suggestion_id = "s1",
                                    .strategy_type = std::string(kCaching),
                                    .action = std::string(kEnableCache),
                                    .target = node,
                                    .description = "Keep its results.",
                                    .risk_level = std::string(kRiskLow),
                                    .needs = std::string(kAfterValidation)};
  suggestion.changes = {{.type = std::string(kEnableCache), .nodes = {node}, .cache = graph::CacheSettings()}};
  suggestion.estimated_improvement = {.duration_reduction = 0.3, .confidence = confidence};
  return suggestion;
}

LearnedChange Learned(OptimizationSuggestion suggestion, std::optional<double> measured, const std::string& id = "t1") {
  return {.id = id,
          .at = "2026-03-02T00:00:00.000Z",
          .workflow_id = "source",
          .suggestion = std::move(suggestion),
          .measured_improvement = measured};
}

/// Applies caches and nothing else.
Result<graph::Graph> Apply(const graph::Graph& graph, const std::vector<GraphChange>& changes) {
  graph::Graph changed = graph;
  for (const GraphChange& change : changes) {
    if (change.type != kEnableCache) return FailedPrecondition("change 1 cannot be applied");
    for (graph::GraphNode& node : changed.nodes) {
      if (node.id == change.nodes[0]) node.cache = change.cache;
    }
  }
  return changed;
}
std::string IdOf(const std::string& workflow_id, const std::vector<GraphChange>& changes) {
  return workflow_id + ":" + changes[0].type + ":" + changes[0].nodes[0];
}

TEST(SimilarityOfGraphs, IsOneForTheSameAndFallsWithEveryEdit) {  // LN-6
  const graph::Graph graph = ChainOfActivities("a", {"read", "split", "embed", "search", "write"});
  EXPECT_EQ(CompareGraphs(graph, graph).similarity, 1);
  const graph::Graph renamed = ChainOfActivities("b", {"read", "split", "embed", "search", "write"}, "other_");
  EXPECT_EQ(CompareGraphs(graph, renamed).similarity, 1) << "what nodes are called does not matter";
  const graph::Graph shorter = ChainOfActivities("c", {"read", "split", "embed", "search"});
  const GraphSimilarity one = CompareGraphs(graph, shorter);
  EXPECT_DOUBLE_EQ(one.graph, 1 - 2.0 / (5 + 4 + 4 + 3)) << "a node and an edge";
  EXPECT_DOUBLE_EQ(one.node, 4.0 / 5);
  graph::Graph tooled = graph;
  tooled.nodes[3].tool = "web";
  EXPECT_DOUBLE_EQ(CompareGraphs(graph, tooled).graph, 1 - 0.5 / 18);
  EXPECT_DOUBLE_EQ(CompareGraphs(graph, tooled).node, 0.5) << "all of the types, none of the tools";
  const graph::Graph stranger = ChainOfActivities("d", {"pay", "ship"});
  EXPECT_LT(CompareGraphs(graph, stranger).similarity, 0.5 * one.similarity);
  EXPECT_EQ(CompareGraphs(graph, stranger).node, 0);
  for (const graph::Graph* other : std::initializer_list<const graph::Graph*>{&renamed, &shorter, &tooled, &stranger}) {
    const GraphSimilarity there = CompareGraphs(graph, *other);
    EXPECT_NEAR(there.similarity, CompareGraphs(*other, graph).similarity, 1e-9) << other->id;
    EXPECT_TRUE(there.graph >= 0 && there.graph <= 1);
  }
  EXPECT_EQ(CompareGraphs(graph::Graph(), graph::Graph()).similarity, 1);
}

TEST(SimilarityOfGraphs, PairsNodesByWhatTheyDoAndWhereTheyStand) {  // LN-6
  // "ask" twice: the one before "write" is paired with the one before "write", whatever its id.
  graph::Graph from = ChainOfActivities("a", {"read", "ask", "split", "check", "write"});
  graph::Graph to = ChainOfActivities("b", {"read", "ask", "split", "check", "write"}, "m_");
  from.nodes[3].activity = to.nodes[3].activity = "ask";
  std::swap(to.nodes[1], to.nodes[3]);
  const std::vector<NodePair> pairs = MatchNodes(from, to);
  EXPECT_EQ(to.nodes[static_cast<size_t>(pairs[1].partner)].id, "m_ask");
  EXPECT_EQ(to.nodes[static_cast<size_t>(pairs[3].partner)].id, "m_check");
}

TEST(SimilarityOfGraphs, OfTheLargestGraphsIsKnownInASecond) {  // LN-6, TG-8
  graph::Graph graph{.id = "a", .start = "n0"};
  for (int i = 0; i < 2'000; ++i) {
    graph.nodes.push_back({.id = "n" + std::to_string(i), .activity = i % 3 == 0 ? "ask" : "read"});
    if (i > 0) graph.edges.push_back({"n" + std::to_string(i - 1), "n" + std::to_string(i), ""});
  }
  graph::Graph other = graph;
  other.nodes.erase(other.nodes.begin() + 1'000, other.nodes.begin() + 1'500);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_GT(CompareGraphs(graph, other).similarity, 0.5);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("two graphs of 2,000 and 1,500 nodes: %.1f ms\n", seconds * 1e3);
  EXPECT_LT(seconds, 1);
}

TEST(TransferOfChanges, IsAdaptedToTheNodesOfTheTargetAndIsNoLongerSafe) {  // LN-6
  const std::vector<TransferSource> sources = {{"source", ChainOfActivities("source", {"read", "embed", "write"}),
                                                {Learned(CacheOf("n_embed"), 0.25)}}};
  const graph::Graph target = ChainOfActivities("target", {"read", "embed", "rank", "write"}, "t_");
  const Suggestions suggestions = Transfer(target, sources, Apply, IdOf);
  ASSERT_THAT(suggestions.made, SizeIs(1));
  EXPECT_THAT(suggestions.refused, IsEmpty());
  const OptimizationSuggestion& made = suggestions.made[0];
  const double similarity = CompareGraphs(sources[0].graph, target).similarity;
  EXPECT_THAT(made.changes[0].nodes, ElementsAre("t_embed"));
  EXPECT_EQ(made.target, "t_embed");
  EXPECT_EQ(made.suggestion_id, "target:enable_cache:t_embed");
  EXPECT_DOUBLE_EQ(made.estimated_improvement.confidence, 0.9 * similarity);
  EXPECT_DOUBLE_EQ(made.rank, 0.9 * similarity);
  EXPECT_EQ(made.risk_level, kRiskMedium);
  EXPECT_EQ(made.needs, kAfterApproval) << "what was seen elsewhere is no proof here";
  EXPECT_EQ(made.evidence["from_workflow"], "source");
  EXPECT_EQ(made.evidence["measured_improvement_there"], 0.25);
}

TEST(TransferOfChanges, AppliesToTheTargetAsTheStrategiesApplyIt) {  // LN-6, GW-2
  graph::Graph source = ChainOfActivities("source", {"read", "embed", "write"});
  source.inputs = {"text"};
  const std::vector<TransferSource> sources = {{"source", source, {Learned(CacheOf("n_embed"), 0.25)}}};
  graph::Graph target = ChainOfActivities("target", {"read", "embed", "rank", "write"}, "t_");
  for (graph::GraphNode& node : target.nodes) node.writes = {node.id + "_out"};
  const Suggestions suggestions = Transfer(target, sources);
  ASSERT_THAT(suggestions.made, SizeIs(1)) << (suggestions.refused.empty() ? "" : suggestions.refused[0].reason);
  EXPECT_EQ(suggestions.made[0].suggestion_id, SuggestionId("target", suggestions.made[0].changes));
  const graph::Graph changed = Must(ApplyChanges(target, suggestions.made[0].changes));
  EXPECT_TRUE(graph::FindNode(changed, "t_embed")->cache.has_value());
  target.nodes[1].side_effects = true;
  EXPECT_THAT(Transfer(target, sources).made, IsEmpty()) << "what has side effects is never cached";
}

TEST(TransferOfChanges, LeavesWhatDidNotHelpWhatIsDoubtfulAndWhatDoesNotFit) {  // LN-6
  const graph::Graph graph = ChainOfActivities("source", {"read", "embed", "write"});
  OptimizationSuggestion pruned = CacheOf("n_embed");
  pruned.changes[0].type = std::string(kRemoveNode);
  const std::vector<TransferSource> sources = {
      {"source", graph,
       {Learned(CacheOf("n_embed"), -0.1, "bad"), Learned(CacheOf("n_write", 0.7), 0.3, "doubtful"),
        Learned(CacheOf("n_read"), std::nullopt, "elsewhere"), Learned(CacheOf("gone"), 0.3, "gone"),
        Learned(pruned, 0.3, "pruned")}}};
  graph::Graph target = ChainOfActivities("target", {"fetch", "embed", "write"});
  target.nodes[2].cache = graph::CacheSettings();
  const Suggestions suggestions = Transfer(target, sources, Apply, IdOf);
  EXPECT_THAT(suggestions.made, IsEmpty());
  std::vector<std::string> reasons;
  for (const Refusal& refusal : suggestions.refused) reasons.push_back(refusal.reason);
  EXPECT_THAT(reasons, ElementsAre(HasSubstr("change bad of workflow source: it did not help there"),
                                   HasSubstr("its confidence is not above 0.7"),
                                   HasSubstr("no node does what \"n_read\" does there"), HasSubstr("no node \"gone\""),
                                   HasSubstr("cannot be applied")));
  std::vector<TransferSource> cached = {{"source", graph, {Learned(CacheOf("n_write"), 0.3)}}};
  EXPECT_THAT(Transfer(target, cached, Apply, IdOf).refused[0].reason, HasSubstr("has it that way already"));
}

TEST(TransferOfChanges, RanksByTheSimilarityOfWhereItIsFromAndTakesTenSources) {  // LN-6
  const graph::Graph target = ChainOfActivities("target", {"read", "embed", "rank", "write"});
  std::vector<TransferSource> sources;
  for (int i = 0; i < 12; ++i) {
    std::vector<std::string> activities = {"read", "embed", "rank", "write"};
    for (int k = 0; k < i; ++k) activities.push_back("step" + std::to_string(k));
    sources.push_back({"w" + std::to_string(i), ChainOfActivities("w", activities),
                       {Learned(CacheOf(i % 2 == 0 ? "n_embed" : "n_read", 0.8), 0.2)}});
  }
  sources.push_back({"target", target, {Learned(CacheOf("n_write"), 0.9)}});
  const std::vector<SimilarWorkflow> similar = MostSimilar(target, sources);
  ASSERT_THAT(similar, SizeIs(kMaxSources)) << "and the workflow itself is none of them";
  for (size_t i = 0; i < similar.size(); ++i) EXPECT_EQ(similar[i].source, i);
  const Suggestions suggestions = Transfer(target, sources, Apply, IdOf);
  ASSERT_THAT(suggestions.made, SizeIs(2)) << "equal changes are one";
  EXPECT_EQ(suggestions.made[0].target, "n_embed");
  EXPECT_EQ(suggestions.made[0].evidence["from_workflow"], "w0");
  EXPECT_GT(suggestions.made[0].rank, suggestions.made[1].rank);
  // What did not help the most similar one is not taken from one that is less so.
  sources[0].changes[0].measured_improvement = 0;
  for (const OptimizationSuggestion& made : Transfer(target, sources, Apply, IdOf).made) {
    EXPECT_EQ(made.target, "n_read");
  }
}

TEST(TransferOfChanges, ReadsWhatWasLearnedAsAStreamAndByWorkflow) {  // LN-6, LN-7
  wfe::demo::MemoryRecords rows;
  client::RecordsClient records(rows);
  learning::RowProblems problems;
  const graph::Graph graph = ChainOfActivities("source", {"read", "embed", "write"});
  LearnedChange first = Learned(CacheOf("n_embed"), 0.2, "t1");
  EXPECT_TRUE(Must(SaveLearned(records, first, graph)));
  EXPECT_FALSE(Must(SaveLearned(records, first, graph)));
  LearnedPage page = Must(ReadLearned(records, "", kNow, problems));
  ASSERT_THAT(page.changes, SizeIs(1));
  EXPECT_EQ(page.changes[0].suggestion.target, "n_embed");
  EXPECT_THAT(Must(ReadLearned(records, page.last_key, kNow, problems)).changes, IsEmpty());
  LearnedChange second = Learned(CacheOf("n_write"), std::nullopt, "t2");
  second.at = "2026-03-20T00:00:00.000Z";
  EXPECT_TRUE(Must(SaveLearned(records, second, graph)));
  page = Must(ReadLearned(records, page.last_key, kNow, problems));
  ASSERT_THAT(page.changes, SizeIs(1));
  EXPECT_EQ(page.changes[0].id, "t2");
  std::vector<TransferSource> sources = Must(LoadSources(records, kNow, problems));
  ASSERT_THAT(sources, SizeIs(1));
  EXPECT_EQ(graph::VersionOf(sources[0].graph), graph::VersionOf(graph));
  EXPECT_THAT(sources[0].changes, SizeIs(2));
  EXPECT_THAT(problems, IsEmpty());
  rows.blobs.begin()->second = "{}";
  EXPECT_THAT(Must(LoadSources(records, kNow, problems)), IsEmpty());
  EXPECT_FALSE(problems.empty());
}

TEST(TransferOfChanges, SumsUpHowSimilarWorkflowsDid) {  // LN-1
  PerformanceProfile fast;
  fast.workflow_metrics = {.executions = 10, .avg_duration = 10, .success_rate = 1, .avg_cost = 0.1};
  fast.node_metrics = {{.runs_per_execution = 2, .avg_duration = 3, .avg_memory_mb = 100, .avg_cpu_percent = 50}};
  PerformanceProfile slow;
  slow.workflow_metrics = {.executions = 10, .avg_duration = 40, .success_rate = 0.5, .avg_cost = 0.4};
  const PerformanceProfile empty;
  const SimilarRuns similar = SummaryOf({{1.0, &fast}, {0.5, &slow}, {0.9, &empty}, {1.0, nullptr}});
  EXPECT_DOUBLE_EQ(*similar.mean_duration_s, 20);
  EXPECT_DOUBLE_EQ(*similar.success_rate, 1.25 / 1.5);
  EXPECT_DOUBLE_EQ(*similar.mean_cpu_s, 3) << "only one of them was measured";
  EXPECT_DOUBLE_EQ(*similar.mean_memory_mb, 100);
  EXPECT_FALSE(SummaryOf({}).mean_duration_s.has_value());
}

}  // namespace
}  // namespace wfe::optimizer
