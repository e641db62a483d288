// Graphs in which it is known what can be made better: every plant is found, no trap is fallen into (ST-5 to ST-22),
// and what claims to change nothing about the results changes nothing about the results.
//   WFE_SEEDS=1-500 looks at others than the usual.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include "activities/graph/read_graph.h"
#include "activities/graph/validate.h"
#include "activities/optimizer/search/candidate.h"
#include "activities/optimizer/strategies/apply.h"
#include "activities/optimizer/strategies/strategy.h"
#include "tests/activities/graph/random_graph.h"
#include "tests/activities/optimizer/plain_run.h"
#include "tests/activities/optimizer/planted_graph.h"
#include "tests/simulation/random.h"

namespace wfe::optimizer {
namespace {

using graph::Graph;
using nlohmann::json;

/// First and last seed.
std::pair<uint64_t, uint64_t> Seeds(uint64_t first, uint64_t last) {
  const char* const wanted = std::getenv("WFE_SEEDS");
  if (wanted == nullptr) return {first, last};
  const std::string text = wanted;
  const size_t dash = text.find('-');
  if (dash == std::string::npos) return {1, std::stoull(text)};
  return {std::stoull(text.substr(0, dash)), std::stoull(text.substr(dash + 1))};
}

SuggestOptions Everywhere() {
  SuggestOptions options;
  options.everywhere = true;
  return options;
}

/// It stands for itself that the results stay the same: neither a person nor an experiment has to agree about them.
bool ClaimsEquivalence(const OptimizationSuggestion& suggestion) {
  return suggestion.needs != kAfterReview && suggestion.changes.front().type != kSetRetry;
}

void ExpectSameOutputs(const Graph& before, const Graph& after, const std::string& what) {
  for (int seed = 0; seed < 5; ++seed) {
    const json state = {{"seed", seed * 23}};
    const PlainRun wanted = RunPlainly(before, state);
    for (const bool last_first : {false, true}) {
      const PlainRun got = RunPlainly(after, state, last_first);
      EXPECT_EQ(got.outputs, wanted.outputs) << what << "\n" << json(before).dump(1) << "\n" << json(after).dump(1);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST(PlantedGraphs, EachPlantIsFoundAndNoTrapFallenInto) {  // ST-5 ST-6 ST-7 ST-8 ST-9 ST-10 ST-11 ST-12 ST-14 ST-20
  const auto [first, last] = Seeds(1, 40);
  std::map<std::string, std::pair<int, int>> found;  // of so many
  std::map<std::string, std::pair<int, int>> fallen;
  int64_t suggestions = 0;
  for (uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const PlantedGraph planted = PlantGraph(seed);
    const graph::Mistakes mistakes = graph::Validate(planted.graph);
    ASSERT_TRUE(mistakes.empty()) << mistakes.told[0].message;
    const Suggestions made = Suggest(&planted.graph, planted.profile, planted.catalog, Everywhere());
    suggestions += static_cast<int64_t>(made.made.size());
    for (const Plant& plant : planted.plants) {
      auto& [hits, all] = found[plant.name];
      ++all;
      if (Finds(made.made, plant)) {
        ++hits;
      } else {
        ADD_FAILURE() << plant.name << " was not found: " << json(plant.nodes) << "\n" << json(made).dump(1);
      }
    }
    for (const Trap& trap : planted.traps) {
      auto& [falls, all] = fallen[trap.name];
      ++all;
      if (!FallsInto(made.made, trap)) continue;
      ++falls;
      ADD_FAILURE() << "fell into " << trap.name << ": " << json(trap.nodes) << "\n" << json(made).dump(1);
    }
    if (HasFailure()) return;
  }
  std::printf("%lld graphs, %lld suggestions\n", static_cast<long long>(last - first + 1),
              static_cast<long long>(suggestions));
  for (const auto& [name, count] : found)
    std::printf("  found %d of %d: %s\n", count.first, count.second, name.c_str());
  for (const auto& [name, count] : fallen)
    std::printf("  fell into %d of %d: %s\n", count.first, count.second, name.c_str());
}

TEST(PlantedGraphs, GiveTheSameAfterEachSuggestionThatClaimsSo) {  // ST-1 SR-3
  const auto [first, last] = Seeds(1, 40);
  int compared = 0;
  for (uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const PlantedGraph planted = PlantGraph(seed);
    for (const auto& one : Suggest(&planted.graph, planted.profile, planted.catalog, Everywhere()).made) {
      const Result<Graph> after = ApplyChanges(planted.graph, one.changes);
      ASSERT_TRUE(after) << after.error().message;
      EXPECT_TRUE(graph::Validate(*after).empty());
      if (!ClaimsEquivalence(one)) continue;
      ++compared;
      ExpectSameOutputs(planted.graph, *after, one.description);
      ASSERT_FALSE(HasFailure());
    }
  }
  std::printf("%d suggestions compared, 10 runs each\n", compared);
}

/// A random graph that gives some of its keys, and a profile that knows its nodes.
bool RandomGraphWithProfile(uint64_t seed, Graph& made, PerformanceProfile& profile, Catalog& catalog) {
  graph::Mistakes mistakes;
  const auto read = graph::CheckGraph(graph::RandomGraph(seed), {}, mistakes);
  if (!read) return false;
  made = *read;
  simulation::Random random(seed);
  std::vector<std::string> outputs;
  for (const graph::GraphNode& node : made.nodes) {
    for (const std::string& key : node.writes) {
      made.outputs = {key};
      if (random.Chance(0.5) && graph::Validate(made).empty()) outputs.push_back(key);
    }
  }
  if (outputs.empty()) outputs = {"seed"};
  made.outputs = outputs;
  profile.executions = 20;
  std::set<std::string> in_batches;
  for (const graph::GraphNode& node : made.nodes) {
    if (node.kind == graph::kBatch) in_batches.insert(node.branches.begin(), node.branches.end());
  }
  for (graph::GraphNode& node : made.nodes) {
    if (node.kind == graph::kParallel || node.kind == graph::kDecision) continue;
    if (node.kind != graph::kBatch) {
      // Few different ones, so that there is something to merge.
      node.parameters = {{"p", random.Below(2)}};
      node.deterministic = true;
      if (random.Chance(0.1)) node.side_effects = true;
    }
    if (in_batches.contains(node.id)) continue;  // the batch is what is measured
    NodePerformanceProfile measured;
    measured.node_id = node.id;
    measured.activity = node.activity;
    measured.runs = 20;
    measured.runs_per_execution = 1;
    measured.avg_duration = 1 + static_cast<double>(random.Below(10));
    measured.avg_cost = 0.01;
    profile.node_metrics.push_back(std::move(measured));
  }
  std::ranges::sort(profile.node_metrics, {}, &NodePerformanceProfile::node_id);
  ToolInfo step;
  step.tool_id = "step";
  step.supports_batch = true;
  catalog.tools = {step};
  return true;
}

TEST(RandomGraphs, GiveTheSameAfterEachSuggestion) {  // loops, choices, branches in branches: GW-2 ST-1 ST-12
  const auto [first, last] = Seeds(1, 60);
  std::map<std::string, int> compared;
  for (uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Graph before;
    PerformanceProfile profile;
    Catalog catalog;
    ASSERT_TRUE(RandomGraphWithProfile(seed, before, profile, catalog));
    const Suggestions made = Suggest(&before, profile, catalog, Everywhere());
    for (const auto& refused : made.refused)
      EXPECT_THAT(refused.reason, ::testing::Not(::testing::HasSubstr("would be wrong"))) << refused.target;
    for (const auto& one : made.made) {
      const Result<Graph> after = ApplyChanges(before, one.changes);
      ASSERT_TRUE(after) << after.error().message;
      if (!ClaimsEquivalence(one)) continue;
      ++compared[one.changes.front().type];
      ExpectSameOutputs(before, *after, one.description);
      ASSERT_FALSE(HasFailure());
    }
  }
  for (const auto& [type, count] : compared) std::printf("  %d times %s\n", count, type.c_str());
}

TEST(RandomGraphs, GiveTheSameAfterManyChangesAtOnceAndAreWhatTheSearchThoughtTheyAre) {  // SR-1 SR-2 SR-3
  const auto [first, last] = Seeds(1, 60);
  int64_t changes = 0;
  for (uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Graph before;
    PerformanceProfile profile;
    Catalog catalog;
    ASSERT_TRUE(RandomGraphWithProfile(seed, before, profile, catalog));
    const SearchProblem problem{.start = before, .profile = profile, .catalog = catalog, .weights = {}, .rules = {}};
    const auto space = SearchSpace::Make(problem);
    ASSERT_TRUE(space) << space.error().message;
    simulation::Random random(seed);
    for (int round = 0; round < 4; ++round) {
      Candidate at = space->Start();
      for (uint32_t s = 0; s < space->slots(); ++s)
        if (random.Chance(0.7)) at[s] = static_cast<uint16_t>(random.Below(space->alternatives(s)));
      space->Repair(at);
      EXPECT_TRUE(space->Consistent(at));
      const Result<Graph> after = space->GraphOf(at);
      ASSERT_TRUE(after) << after.error().message << json(space->ChangesOf(at)).dump(1) << json(before).dump(1);
      changes += static_cast<int64_t>(space->ChangesOf(at).size());
      const RunEstimate thought = space->Estimate(at);
      const RunEstimate is = EstimateRun(*after, profile, catalog);
      EXPECT_NEAR(thought.duration, is.duration, 1e-6);
      EXPECT_NEAR(thought.cost, is.cost, 1e-9);
      EXPECT_NEAR(thought.success_rate, is.success_rate, 1e-9);
      ExpectSameOutputs(before, *after, json(space->ChangesOf(at)).dump(1));
      ASSERT_FALSE(HasFailure());
    }
  }
  std::printf("%lld changes in all\n", static_cast<long long>(changes));
}

TEST(PlantedGraphs, AreWhatTheSearchThoughtTheyAre) {  // SR-2: with tools, models, caches, retries
  const auto [first, last] = Seeds(1, 40);
  for (uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const PlantedGraph planted = PlantGraph(seed);
    const SearchProblem problem{
        .start = planted.graph, .profile = planted.profile, .catalog = planted.catalog, .weights = {}, .rules = {}};
    const auto space = SearchSpace::Make(problem);
    ASSERT_TRUE(space) << space.error().message;
    EXPECT_DOUBLE_EQ(space->ScoreOf(space->Start()), 1);
    simulation::Random random(seed);
    for (int round = 0; round < 4; ++round) {
      Candidate at = space->Start();
      for (uint32_t s = 0; s < space->slots(); ++s)
        if (random.Chance(0.7)) at[s] = static_cast<uint16_t>(random.Below(space->alternatives(s)));
      space->Repair(at);
      const Result<Graph> after = space->GraphOf(at);
      ASSERT_TRUE(after) << after.error().message << json(space->ChangesOf(at)).dump(1);
      const RunEstimate thought = space->Estimate(at);
      const RunEstimate is = EstimateRun(*after, planted.profile, planted.catalog);
      EXPECT_NEAR(thought.duration, is.duration + 0.5, 1e-6) << json(space->ChangesOf(at)).dump(1);
      EXPECT_NEAR(thought.cost, is.cost, 1e-9);
      EXPECT_NEAR(thought.success_rate, is.success_rate, 1e-9);
      EXPECT_NEAR(thought.quality, is.quality, 1e-9);
      ExpectSameOutputs(planted.graph, *after, json(space->ChangesOf(at)).dump(1));
      ASSERT_FALSE(HasFailure());
    }
  }
}

}  // namespace
}  // namespace wfe::optimizer
