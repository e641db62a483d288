// Each rule finds what was planted for it, and nothing where it was not.
#include <algorithm>
#include <random>

#include "tests/activities/optimizer/profile/planted_executions.h"

namespace wfe::optimizer {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Judged {
  std::vector<std::string> told;  ///< "BN-1 SLOW_NODE a HIGH"; a tool where there is no node.
  PerformanceProfile profile;
};

Judged Judge(PerformanceProfile profile, const graph::Graph* graph = nullptr, const Catalog& catalog = {},
             const BottleneckRules& rules = {}) {
  FindBottlenecks(profile, graph, catalog, rules);
  Judged judged;
  for (const Bottleneck& b : profile.bottlenecks) {
    judged.told.push_back(b.rule + " " + b.type + " " + (b.node_id.empty() ? b.tool_id : b.node_id) + " " + b.severity);
    EXPECT_FALSE(b.description.empty() || b.suggestion.empty() || b.metric.empty()) << judged.told.back();
  }
  judged.profile = std::move(profile);
  return judged;
}

std::vector<std::string> Of(const Judged& judged, const std::string& rule) {
  std::vector<std::string> told;
  std::ranges::copy_if(judged.told, std::back_inserter(told),
                       [&](const std::string& line) { return line.starts_with(rule + " "); });
  return told;
}

const Bottleneck& First(const Judged& judged, const std::string& rule) {
  const auto found = std::ranges::find(judged.profile.bottlenecks, rule, &Bottleneck::rule);
  EXPECT_NE(found, judged.profile.bottlenecks.end()) << rule;
  static const Bottleneck kNone;
  return found == judged.profile.bottlenecks.end() ? kNone : *found;
}

/// Five nodes one after the other that take so long.
std::vector<NodeRun> Row(const std::vector<int64_t>& durations) {
  std::vector<NodeRun> steps;
  int64_t at = 0;
  for (size_t i = 0; i < durations.size(); ++i) {
    steps.push_back(Step("n" + std::to_string(i), at, durations[i]));
    at += durations[i];
  }
  return steps;
}

TEST(Bottlenecks, ANodeIsSlowAboveThreeTimesTheMedianAndNotAtIt) {  // BN-1
  const Judged at = Judge(Profiled().Times(5, Row({1000, 1000, 1000, 1000, 3000})).Finish());
  EXPECT_THAT(Of(at, "BN-1"), IsEmpty());
  const Judged above = Judge(Profiled().Times(5, Row({1000, 1000, 1000, 1000, 3001})).Finish());
  EXPECT_THAT(Of(above, "BN-1"), ElementsAre("BN-1 SLOW_NODE n4 HIGH"));
  EXPECT_DOUBLE_EQ(First(above, "BN-1").value, 3.001);
  EXPECT_DOUBLE_EQ(First(above, "BN-1").threshold, 3);
}

TEST(Bottlenecks, OfTwentyNodesThoseAboveThe95thPercentileAreSlowAndOfFewerNone) {  // BN-2
  std::vector<int64_t> durations(20, 1000);
  for (size_t i = 0; i < 20; ++i) durations[i] += static_cast<int64_t>(i);
  const Judged twenty = Judge(Profiled().Times(5, Row(durations)).Finish());
  EXPECT_THAT(Of(twenty, "BN-2"), ElementsAre("BN-2 SLOW_NODE n19 MEDIUM"));
  EXPECT_NEAR(First(twenty, "BN-2").threshold, 1.01805, 1e-9) << "linear between the 19th and the 20th";
  durations.pop_back();
  const Judged nineteen = Judge(Profiled().Times(5, Row(durations)).Finish());
  EXPECT_THAT(Of(nineteen, "BN-2"), IsEmpty());
  EXPECT_THAT(nineteen.profile.skipped, Contains(HasSubstr("BN-2: 19 nodes; 20 are needed")));
}

TEST(Bottlenecks, ANodeDominatesWithMoreThanAFifthOfTheTimeThatIsWaitedFor) {  // BN-3
  const Judged judged = Judge(Profiled().Times(5, Row({2000, 2001, 1999, 2000, 2000})).Finish());
  EXPECT_THAT(Of(judged, "BN-3"), ElementsAre("BN-3 DOMINANT_NODE n1 MEDIUM"));
  // Beside a longer one nobody waits for it, however long it takes.
  const Judged beside = Judge(Profiled().Times(5, {Step("a", 0, 9000), Step("b", 0, 10000)}).Finish());
  EXPECT_THAT(Of(beside, "BN-3"), ElementsAre("BN-3 DOMINANT_NODE b MEDIUM"));
}

TEST(Bottlenecks, ANodeIsUnreliableBelowEightInTen) {  // BN-4
  const NodeRun good = Step("a", 0, 100);
  const Judged at = Judge(Profiled().Times(8, {good}).Times(2, {Failing(good)}).Finish());
  EXPECT_THAT(Of(at, "BN-4"), IsEmpty());
  const Judged below = Judge(Profiled().Times(79, {good}).Times(21, {Failing(good)}).Finish());
  EXPECT_THAT(Of(below, "BN-4"), ElementsAre("BN-4 UNRELIABLE_NODE a HIGH"));
  EXPECT_NEAR(First(below, "BN-4").value, 0.79, 1e-12);
  EXPECT_THAT(First(below, "BN-4").description, HasSubstr("BROKEN"));
}

TEST(Bottlenecks, ErrorsThatRiseAreToldAndThoseThatFallOrComeEvenlyAreNot) {  // BN-5
  const NodeRun good = Step("a", 0, 100);
  const NodeRun bad = Failing(good);
  const auto runs = [&](int first, int last) {  // failures in ten executions, from the beginning to the end
    Profiled profiled;
    for (int block = 0; block < 10; ++block) {
      const int failures = first + (last - first) * block / 9;
      profiled.Times(10 - failures, {good}).Times(failures, {bad});
    }
    return Judge(profiled.Finish());
  };
  EXPECT_THAT(Of(runs(0, 4), "BN-5"), ElementsAre("BN-5 UNRELIABLE_NODE a MEDIUM"));
  EXPECT_THAT(Of(runs(4, 0), "BN-5"), IsEmpty());
  EXPECT_THAT(Of(runs(2, 2), "BN-5"), IsEmpty());
  EXPECT_LT(First(runs(0, 4), "BN-5").value, 0.05);
}

TEST(Bottlenecks, ErrorsWithoutATrendAreSeldomCalledRising) {  // BN-5
  constexpr int kProfiles = 400;
  int told = 0;
  for (uint32_t seed = 1; seed <= kProfiles; ++seed) {
    std::mt19937 random(seed);
    Profiled profiled;
    for (int i = 0; i < 60; ++i) {
      std::vector<NodeRun> steps;
      for (int n = 0; n < 10; ++n) {
        const NodeRun step = Step("n" + std::to_string(n), n * 100, 100);
        steps.push_back(random() % 10 == 0 ? Failing(step) : step);
      }
      profiled.Add(steps);
    }
    if (!Of(Judge(profiled.Finish()), "BN-5").empty()) ++told;
  }
  EXPECT_LE(told, kProfiles * 5 / 100) << "of profiles with ten nodes each, two-sided: at most one in twenty";
}

NodeRun Costing(NodeRun step, double usd) {
  step.cost_usd = usd;
  return step;
}

TEST(Bottlenecks, AToolIsExpensiveAboveATenthOfTheCostOrWhereACheaperOneCanDoTheSame) {  // BN-6, RC-13
  const auto profile = [](double a, double b) {
    return Profiled().Times(5, {Costing(Step("a", 0, 10), a), Costing(Step("b", 10, 10), b)}).Finish();
  };
  EXPECT_THAT(Of(Judge(profile(0.125, 0.875)), "BN-6"),
              ElementsAre("BN-6 EXPENSIVE_TOOL b MEDIUM", "BN-6 EXPENSIVE_TOOL a MEDIUM"));
  EXPECT_THAT(Of(Judge(profile(0.09, 0.91)), "BN-6"), ElementsAre("BN-6 EXPENSIVE_TOOL b MEDIUM"));
  EXPECT_THAT(Of(Judge(profile(0, 0)), "BN-6"), IsEmpty()) << "nothing costs anything";

  Catalog catalog;
  catalog.tools = {{.tool_id = "do_a", .capabilities = {"search"}},
                   {.tool_id = "narrow", .capabilities = {"embed"}, .avg_cost = 0},
                   {.tool_id = "retired", .capabilities = {"search"}, .avg_cost = 0, .status = "retired"},
                   {.tool_id = "unmeasured", .capabilities = {"search"}},
                   {.tool_id = "same", .capabilities = {"search"}, .avg_cost = 0.09},
                   {.tool_id = "local", .capabilities = {"search", "index"}, .avg_cost = 0.001}};
  const Judged cheaper = Judge(profile(0.09, 0.91), nullptr, catalog);
  EXPECT_THAT(Of(cheaper, "BN-6"), Contains("BN-6 EXPENSIVE_TOOL a MEDIUM"));
  for (const Bottleneck& b : cheaper.profile.bottlenecks) {
    if (b.tool_id != "do_a" || b.rule != "BN-6") continue;
    EXPECT_THAT(b.suggestion, HasSubstr("local can do the same"));
  }
  catalog.tools.pop_back();
  EXPECT_THAT(Of(Judge(profile(0.09, 0.91), nullptr, catalog), "BN-6"), ElementsAre("BN-6 EXPENSIVE_TOOL b MEDIUM"));
}

/// A tool that got the same input so often again, and gave something else so many times of these.
PerformanceProfile Repeating(int repeats, int contradictions, bool hit = false) {
  Profiled profiled;
  profiled.Add({Step("a", 0, 10, "in", "out")});
  for (int i = 0; i < repeats; ++i) profiled.Add({Step("a", 0, 10, "in", i < contradictions ? "other" : "out")});
  NodeRun from_cache = Step("a", 0, 1, "in", "out");
  from_cache.cache_hit = true;
  if (hit) profiled.Add({from_cache});
  return profiled.Finish();
}

TEST(Bottlenecks, ADeterministicToolWithoutHitsLacksACache) {  // BN-7
  EXPECT_THAT(Of(Judge(Repeating(10, 1)), "BN-7"), ElementsAre("BN-7 MISSING_CACHING a LOW"));
  EXPECT_THAT(Of(Judge(Repeating(10, 2)), "BN-7"), IsEmpty()) << "0.8 is not above 0.8";
  EXPECT_THAT(Of(Judge(Repeating(10, 0, true)), "BN-7"), IsEmpty()) << "it has hits";
  Profiled once;
  for (int i = 0; i < 10; ++i) once.Add({Step("a", 0, 10, "in-" + std::to_string(i), "out")});
  const Judged undefined = Judge(once.Finish());
  EXPECT_THAT(Of(undefined, "BN-7"), IsEmpty());
  EXPECT_THAT(undefined.profile.skipped, Contains("BN-7: no input came twice of do_a"));
}

NodeRun With(NodeRun step, const std::string& tool) {
  step.tool = tool;
  return step;
}

TEST(Bottlenecks, TheSameCallTwiceInARunIsRedundant) {  // BN-8
  const Judged twice =
      Judge(Profiled().Times(5, {Step("a", 0, 10, "in", "out"), Step("a", 20, 10, "in", "out")}).Finish());
  EXPECT_THAT(Of(twice, "BN-8"), ElementsAre("BN-8 REDUNDANT_OPERATION a LOW"));
  EXPECT_EQ(First(twice, "BN-8").value, 5);
  const Judged again = Judge(
      Profiled().Times(5, {Failing(Step("a", 0, 10, "in")), Step("a", 20, 10, "in", "out")}).Finish());
  EXPECT_THAT(Of(again, "BN-8"), IsEmpty()) << "the first had failed";
  const Judged runs = Judge(Profiled().Times(5, {Step("a", 0, 10, "in", "out")}).Finish());
  EXPECT_THAT(Of(runs, "BN-8"), IsEmpty()) << "in another run it is none";
}

TEST(Bottlenecks, TwoNodesThatGiveTheSameInEveryRunAreTold) {  // BN-8
  const auto judge = [](int same, int different) {
    Profiled profiled;
    for (int i = 0; i < same + different; ++i) {
      const std::string in = "in-" + std::to_string(i);
      profiled.Add({With(Step("a", 0, 10, in, "o" + in), "t"),
                    With(Step("b", 10, 10, i < same ? in : "else" + in, "o" + in), "t")});
    }
    return Judge(profiled.Finish());
  };
  const Judged same = judge(5, 0);
  EXPECT_THAT(Of(same, "BN-8"), ElementsAre("BN-8 REDUNDANT_OPERATION b LOW"));
  EXPECT_EQ(First(same, "BN-8").other_node, "a");
  EXPECT_EQ(First(same, "BN-8").value, 5);
  const Judged once_not = judge(19, 1);
  for (const Bottleneck& b : once_not.profile.bottlenecks) EXPECT_TRUE(b.other_node.empty()) << b.description;
}

TEST(Bottlenecks, WithoutCallsTheGraphTellsOfTwoNodesThatDoTheSame) {  // BN-8
  const auto graph = [](const std::string& between) {
    return GraphOf(R"({"id": "w", "start": "a", "inputs": ["in"], "outputs": ["y", "z", "m"], "nodes": [
        {"id": "a", "activity": "count", "reads": ["in"], "writes": ["y"], "deterministic": true},
        {"id": "m", "activity": "other", "reads": ["in"], "writes": [)" +
                   between + R"(]},
        {"id": "b", "activity": "count", "reads": ["in"], "outputs": {"z": ""}, "writes": ["z"], "deterministic": true}],
        "edges": [{"source": "a", "target": "m"}, {"source": "m", "target": "b"}]})");
  };
  PerformanceProfile profile = Profiled().Times(5, {Step("a", 0, 10), Step("b", 10, 10)}).Finish();
  profile.calls.clear();
  const graph::Graph same = graph("\"m\"");
  EXPECT_THAT(Of(Judge(profile, &same), "BN-8"), ElementsAre("BN-8 REDUNDANT_OPERATION b LOW"));
  const graph::Graph written = graph("\"m\", \"in\"");
  EXPECT_THAT(Of(Judge(profile, &written), "BN-8"), IsEmpty()) << "what they read is written in between";
}

TEST(Bottlenecks, AnOutputIsUnusedWhenNoWalkReadsItBeforeItIsWrittenAgain) {  // BN-9
  const PerformanceProfile profile = Profiled().Times(5, {Step("a", 0, 10)}).Finish();
  const graph::Graph chain = Chain({{"a", "in", "x"}, {"b", "in", "y"}, {"c", "x", "z"}}, "z");
  EXPECT_THAT(Of(Judge(profile, &chain), "BN-9"), ElementsAre("BN-9 UNUSED_OUTPUT b LOW"));
  const graph::Graph again = Chain({{"a", "in", "x"}, {"b", "in", "x"}, {"c", "x", "z"}}, "z");
  EXPECT_THAT(Of(Judge(profile, &again), "BN-9"), ElementsAre("BN-9 UNUSED_OUTPUT a LOW")) << "b writes it again";
  const graph::Graph used = Chain({{"a", "in", "x"}, {"b", "x", "x"}, {"c", "x", "z"}}, "z");
  EXPECT_THAT(Of(Judge(profile, &used), "BN-9"), IsEmpty());

  graph::Graph all = chain;
  all.outputs.clear();
  EXPECT_THAT(Of(Judge(profile, &all), "BN-9"), IsEmpty()) << "the whole state is the result";
  graph::Graph effects = chain;
  effects.nodes[1].side_effects = true;
  EXPECT_THAT(Of(Judge(profile, &effects), "BN-9"), IsEmpty());
  const Judged native = Judge(profile);
  EXPECT_THAT(native.profile.skipped, Contains(HasSubstr("BN-9: a workflow without a graph")));
}

TEST(Bottlenecks, AConditionALoopAndTheWalkAfterABranchReadOutputs) {  // BN-9
  const PerformanceProfile profile = Profiled().Times(5, {Step("a", 0, 10)}).Finish();
  const graph::Graph graph = GraphOf(R"({"id": "w", "start": "fork", "outputs": ["r"], "nodes": [
      {"id": "fork", "kind": "parallel", "branches": ["a", "b"]},
      {"id": "a", "activity": "x", "writes": ["ka"]},
      {"id": "b", "activity": "x", "writes": ["kb"]},
      {"id": "judge", "activity": "x", "reads": ["ka"], "writes": ["verdict"], "max_iterations": 3},
      {"id": "repair", "activity": "x", "writes": ["ka"]},
      {"id": "end", "activity": "x", "writes": ["r"]}],
      "edges": [{"source": "fork", "target": "judge"},
                {"source": "judge", "target": "end", "condition": "/verdict == true"},
                {"source": "judge", "target": "repair"}, {"source": "repair", "target": "judge"}]})");
  EXPECT_THAT(Of(Judge(profile, &graph), "BN-9"), ElementsAre("BN-9 UNUSED_OUTPUT b LOW"));
}

TEST(Bottlenecks, RulesThatCannotBeAppliedSayWhy) {  // BN-10
  const Judged four = Judge(Profiled().Times(4, Row({1, 1, 1, 9000})).Finish());
  EXPECT_THAT(four.told, IsEmpty());
  EXPECT_THAT(four.profile.skipped, ElementsAre("BN-1 to BN-9: 4 executions; 5 are needed"));
  const Judged seldom =
      Judge(Profiled().Times(5, Row({1000, 1000})).Times(1, {Failing(Step("rare", 0, 90000))}).Finish());
  EXPECT_THAT(seldom.told, Not(Contains(AllOf(HasSubstr("rare"), Not(HasSubstr("BN-3"))))));
  EXPECT_THAT(seldom.profile.skipped, Contains("BN-1, BN-2, BN-4, BN-5: nodes with fewer than 5 runs: rare (1)"));
}

TEST(Bottlenecks, EveryThresholdCanBeSet) {  // BN-10
  const PerformanceProfile profile = Profiled().Times(5, Row({1000, 1000, 1500})).Finish();
  EXPECT_THAT(Of(Judge(profile, nullptr, {}, {.slow_factor = 1.4}), "BN-1"), ElementsAre("BN-1 SLOW_NODE n2 HIGH"));
  EXPECT_THAT(Of(Judge(profile, nullptr, {}, {.slow_min_nodes = 3}), "BN-2"), ElementsAre("BN-2 SLOW_NODE n2 MEDIUM"));
  EXPECT_THAT(Of(Judge(profile, nullptr, {}, {.dominant_share = 0.5}), "BN-3"), IsEmpty());
  EXPECT_THAT(Judge(profile, nullptr, {}, {.min_executions = 6}).told, IsEmpty());
  EXPECT_THROW(nlohmann::json({{"slow_facter", 2}}).get<BottleneckRules>(), nlohmann::json::exception);
}

}  // namespace
}  // namespace wfe::optimizer
