// What a profile says of executions whose figures are known.
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "tests/activities/optimizer/profile/planted_executions.h"

namespace wfe::optimizer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(Profile, OfANodeHasMeansPercentilesSharesAndErrors) {  // PF-1, PF-2
  Profiled runs;
  for (int i = 1; i <= 10; ++i) {
    NodeRun step = Step("a", 0, i * 1000);
    step.input_tokens = 100;
    step.output_tokens = 50;
    step.cost_usd = 0.01;
    step.cpu_ms = static_cast<double>(i) * 250;
    step.memory_mb = 10.0 * i;
    step.attempts = i == 1 ? 3 : 1;
    runs.Add({i <= 2 ? Failing(step, i == 1 ? "BROKEN" : "TIMED_OUT") : step, Step("b", i * 1000, 500)});
  }
  const PerformanceProfile profile = runs.Finish();
  const NodePerformanceProfile& a = *profile.Node("a");
  EXPECT_EQ(a.runs, 10);
  EXPECT_DOUBLE_EQ(a.avg_duration, 5.5);
  EXPECT_NEAR(a.p50_duration, 5.5, 1e-6);
  EXPECT_NEAR(a.p95_duration, 9.55, 1e-6) << "between the 9th and the 10th, as type 7 has it";
  EXPECT_NEAR(a.p99_duration, 9.91, 1e-6);
  EXPECT_DOUBLE_EQ(a.success_rate, 0.8);
  EXPECT_THAT(a.error_types, ElementsAre(Pair("BROKEN", 1), Pair("TIMED_OUT", 1)));
  EXPECT_DOUBLE_EQ(*a.token_efficiency, 0.5);
  EXPECT_EQ(a.tool_calls, 12) << "every attempt";
  EXPECT_NEAR(*a.avg_cpu_percent, 25, 1e-9);
  EXPECT_DOUBLE_EQ(*a.avg_memory_mb, 55);
  EXPECT_NEAR(a.cost_share, 1, 1e-9);
  const NodePerformanceProfile& b = *profile.Node("b");
  EXPECT_FALSE(b.token_efficiency || b.avg_cpu_percent || b.avg_memory_mb) << "what was not measured is absent";
  EXPECT_EQ(profile.executions, 10);
  EXPECT_DOUBLE_EQ(profile.workflow_metrics.avg_duration, 6.0);
  EXPECT_DOUBLE_EQ(profile.workflow_metrics.success_rate, 0.8);
  EXPECT_NEAR(profile.workflow_metrics.avg_cost, 0.01, 1e-9);
  EXPECT_DOUBLE_EQ(profile.workflow_metrics.avg_tokens, 150);
  EXPECT_EQ(profile.from, "2026-03-02T00:00:00.000Z");
  EXPECT_EQ(profile.to, "2026-03-02T09:00:00.000Z");
  const nlohmann::json record = profile;
  EXPECT_EQ(nlohmann::json(record.get<PerformanceProfile>()), record);
}

TEST(Profile, CountsNodesBesideEachOtherOnce) {  // PF-5
  // a, then b and c at once, then d: c is what the run waits for.
  const PerformanceProfile profile =
      Profiled()
          .Times(5, {Step("a", 0, 1000), Step("b", 1000, 2000), Step("c", 1000, 6000), Step("d", 7000, 1000)})
          .Finish();
  EXPECT_DOUBLE_EQ(profile.Node("a")->time_contribution, 1.0 / 8);
  EXPECT_DOUBLE_EQ(profile.Node("b")->time_contribution, 0);
  EXPECT_DOUBLE_EQ(profile.Node("c")->time_contribution, 6.0 / 8);
  EXPECT_DOUBLE_EQ(profile.Node("d")->time_contribution, 1.0 / 8);
}

TEST(Profile, FollowsTheGraphWhereTimesAloneWouldNotTell) {  // PF-5
  // Two branches; x2 begins when x1 ends, while y1 of the other branch has ended a moment later than x1.
  const graph::Graph graph = GraphOf(R"({"id": "w", "start": "fork", "nodes": [
      {"id": "fork", "kind": "parallel", "branches": ["x1", "y1"]},
      {"id": "x1", "activity": "a"}, {"id": "x2", "activity": "a"}, {"id": "y1", "activity": "a"},
      {"id": "end", "activity": "a"}],
      "edges": [{"source": "x1", "target": "x2"}, {"source": "fork", "target": "end"}]})");
  const std::vector<NodeRun> steps = {Step("x1", 0, 1000), Step("y1", 0, 1005), Step("x2", 1010, 3000),
                                      Step("end", 4010, 1000)};
  const PerformanceProfile by_graph = Profiled({.workflow_id = "w", .graph = &graph}).Times(5, steps).Finish();
  EXPECT_NEAR(by_graph.Node("x1")->time_contribution, 1000.0 / 5010, 1e-9);
  EXPECT_EQ(by_graph.Node("y1")->time_contribution, 0);
  const PerformanceProfile by_time = Profiled().Times(5, steps).Finish();
  EXPECT_NEAR(by_time.Node("y1")->time_contribution, 1005.0 / 5010, 1e-9) << "without the graph it is the likelier one";
}

TEST(Profile, ContributionsNeverAddUpToMoreThanAll) {  // PF-5
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    Profiled runs;
    for (int i = 0; i < 5; ++i) {
      std::vector<NodeRun> steps;
      for (int n = 0; n < 12; ++n) {
        const auto start = static_cast<int64_t>(random() % 100);
        steps.push_back(Step("n" + std::to_string(n), start, static_cast<int64_t>(random() % 50)));
      }
      runs.Add(steps);
    }
    double sum = 0;
    const PerformanceProfile profile = runs.Finish();
    for (const NodePerformanceProfile& node : profile.node_metrics) sum += node.time_contribution;
    EXPECT_LE(sum, 1 + 1e-9) << "seed " << seed;
    EXPECT_GT(sum, 0) << "seed " << seed;
  }
}

TEST(Profile, OfAToolSaysHowOftenTheSameInputGaveTheSame) {  // PF-3
  Profiled runs;
  runs.Add({Step("a", 0, 10, "in-1", "out-1"), Step("a", 10, 10, "in-1", "out-1")});
  runs.Add({Step("a", 0, 10, "in-1", "out-1"), Step("a", 10, 10, "in-2", "out-2")});
  runs.Add({Step("a", 0, 10, "in-2", "other"), Failing(Step("a", 10, 10, "in-1", "out-1"))});
  NodeRun hit = Step("a", 0, 1, "in-1", "out-1");
  hit.cache_hit = true;
  runs.Add({hit});
  const PerformanceProfile profile = runs.Finish();
  const ToolPerformanceProfile& tool = *profile.Tool("do_a");
  EXPECT_EQ(tool.call_count, 7);
  EXPECT_EQ(tool.repeats, 3);
  EXPECT_EQ(tool.contradictions, 1);
  EXPECT_NEAR(*tool.deterministic_rate, 2.0 / 3, 1e-12);
  EXPECT_EQ(tool.repeats_in_run, 1);
  EXPECT_EQ(tool.cache_hits, 1);
  EXPECT_EQ(tool.cache_misses, 6);
  EXPECT_NEAR(tool.success_rate, 6.0 / 7, 1e-12);
  EXPECT_FALSE(Profiled().Add({Step("a", 0, 1, "x", "y")}).Finish().Tool("do_a")->deterministic_rate)
      << "undefined without repeats";
}

TEST(Profile, TakesTheTierOfCostFromTheCatalogElseFromTheCost) {  // PF-3, RC-13
  Catalog catalog;
  catalog.tools.push_back({.tool_id = "do_a", .cost_tier = "high"});
  NodeRun cheap = Step("b", 0, 1);
  cheap.cost_usd = 0.0005;
  const PerformanceProfile profile =
      Profiled({.workflow_id = "w", .catalog = &catalog}).Add({Step("a", 0, 1), cheap, Step("c", 0, 1)}).Finish();
  EXPECT_EQ(profile.Tool("do_a")->cost_tier, "high");
  EXPECT_EQ(profile.Tool("do_b")->cost_tier, "low");
  EXPECT_EQ(profile.Tool("do_c")->cost_tier, "free");
}

TEST(Profile, DoesNotDependOnTheOrderInWhichExecutionsCome) {  // PF-4
  std::vector<delivery::ExecutionRecord> records;
  for (int i = 0; i < 40; ++i) {
    const NodeRun step = Step("a", 0, 100 + i, "in-" + std::to_string(i), "out");
    records.push_back(Execution(i, {i >= 25 ? Failing(step) : step}));
  }
  const auto profile_of = [&] {
    ProfileBuilder builder({.workflow_id = "w"});
    for (const auto& record : records) EXPECT_TRUE(builder.Add(record).has_value());
    return *builder.Finish();
  };
  const PerformanceProfile in_order = profile_of();
  std::shuffle(records.begin(), records.end(), std::mt19937(7));
  const PerformanceProfile shuffled = profile_of();
  const Trend& trend = in_order.Node("a")->error_trend;
  EXPECT_GT(trend.per_execution, 0);
  EXPECT_LT(trend.p_value, 1e-6);
  EXPECT_EQ(nlohmann::json(in_order), nlohmann::json(shuffled));
  ASSERT_EQ(shuffled.calls.at("do_a").size(), 40U);
  EXPECT_EQ(shuffled.calls.at("do_a")[3].execution, 3U);
}

TEST(Profile, OfStepsThatWereCancelledCountsOnlyTheCost) {  // PF-2
  NodeRun cancelled = Failing(Step("a", 0, 9000), std::string(kRunCancelled));
  cancelled.cost_usd = 1;
  const PerformanceProfile profile = Profiled().Add({Step("a", 0, 1000)}).Add({cancelled}).Finish();
  EXPECT_EQ(profile.Node("a")->runs, 1);
  EXPECT_DOUBLE_EQ(profile.Node("a")->success_rate, 1);
  EXPECT_DOUBLE_EQ(profile.Node("a")->avg_duration, 1);
  EXPECT_DOUBLE_EQ(profile.cost_analysis.by_node.at("a"), 1);
}

TEST(Profile, HasOneAnswerForEachKindOfBadInput) {  // PF-4, BN-10
  ProfileBuilder builder({.workflow_id = "w", .version_id = "w_v1"});
  EXPECT_THAT(builder.Finish().error().message, HasSubstr("there are no executions of w_v1"));
  ProfileBuilder other({.workflow_id = "w", .version_id = "w_v1"});
  EXPECT_FALSE(*other.Add(Execution(1, {})));
  EXPECT_EQ(other.Finish().error().message, "there are no executions of w_v1; 1 are of other versions of w");

  ProfileBuilder some({.workflow_id = "w"});
  delivery::ExecutionRecord foreign = Execution(1, {});
  foreign.workflow_id = "x";
  EXPECT_EQ(some.Add(foreign).error().message, "run run-1 is of workflow x, not of w");
  delivery::ExecutionRecord broken = Execution(2, {});
  broken.nodes = {{{"node", "a"}}};
  EXPECT_THAT(some.Add(broken).error().message,
              HasSubstr("the nodes of run run-2 cannot be read: activity is missing"));
  broken.nodes = "what";
  EXPECT_FALSE(some.Add(broken).has_value());
  EXPECT_EQ(some.executions(), 0) << "they are left out";
}

/// So many executions of 10 to 100 nodes, as rows of a table have them.
TEST(Profile, StaysSmallAndQuickOverManyExecutions) {  // TG-8, PF-4
  const char* const asked = std::getenv("WFE_EXECUTIONS");
  const int count = asked == nullptr ? 10'000 : std::atoi(asked);
  const auto heap = [] { return static_cast<double>(mallinfo2().uordblks + mallinfo2().hblkhd) / (1 << 20); };
  const double before = heap();
  double most = 0;
  std::mt19937 random(1);
  ProfileBuilder builder({.workflow_id = "w"});
  std::chrono::duration<double> adding{};
  int64_t steps_in_all = 0;
  for (int i = 0; i < count; ++i) {
    std::vector<NodeRun> steps;
    const int nodes = 10 + static_cast<int>(random() % 91);
    for (int n = 0; n < nodes; ++n) {
      const std::string input = random() % 2 == 0 ? "same" + std::to_string(random() % 50) : std::to_string(random());
      steps.push_back(Step("node" + std::to_string(n), n * 100, 100, input, input));
    }
    steps_in_all += nodes;
    const delivery::ExecutionRecord record = Execution(i, steps);
    const auto begun = std::chrono::steady_clock::now();
    ASSERT_TRUE(builder.Add(record).has_value());
    adding += std::chrono::steady_clock::now() - begun;
    if (i % 1000 == 999) most = std::max(most, heap() - before);
  }
  const auto begun = std::chrono::steady_clock::now();
  PerformanceProfile profile = *builder.Finish();
  const std::chrono::duration<double> finishing = std::chrono::steady_clock::now() - begun;
  most = std::max(most, heap() - before);
  const auto judging_begun = std::chrono::steady_clock::now();
  FindBottlenecks(profile, nullptr, {});
  const std::chrono::duration<double> judging = std::chrono::steady_clock::now() - judging_begun;
  std::printf("%d executions, %lld steps: added in %.2f s, profile in %.2f s, bottlenecks in %.2f s, %.0f MB\n", count,
              static_cast<long long>(steps_in_all), adding.count(), finishing.count(), judging.count(), most);
  EXPECT_EQ(profile.executions, count);
  EXPECT_LT(most, count <= 10'000 ? 100 : 1'000);
}

}  // namespace
}  // namespace wfe::optimizer
