// Random graphs in the real engine and worker, in virtual time, with power cuts and killed workers: each node runs as
// often as a plain interpreter says, with the same state at the end, and the history replays (GW-1, GW-2, EN-1).
#include <gmock/gmock.h>

#include "activities/graph/read_graph.h"
#include "activities/graph/records/recorded_results.h"
#include "tests/activities/graph/random_graph.h"
#include "tests/workflows/graph_world.h"
#include "workers/core/replayer.h"

namespace wfe::workflows {
namespace {

/// Activities that ended well, by node: the id is "a3", or "a3#2" in its second run.
std::map<std::string, int64_t> CallsIn(const temporal::api::history::v1::History& history) {
  std::map<int64_t, std::string> node_of;
  std::map<std::string, int64_t> calls;
  for (const auto& event : history.events()) {
    if (event.has_activity_task_scheduled_event_attributes()) {
      const std::string& id = event.activity_task_scheduled_event_attributes().activity_id();
      node_of[event.event_id()] = id.substr(0, id.find('#'));
    } else if (event.has_activity_task_completed_event_attributes()) {
      ++calls[node_of[event.activity_task_completed_event_attributes().scheduled_event_id()]];
    }
  }
  return calls;
}

class RandomGraphs : public ::testing::Test {
 protected:
  void Check(uint64_t seed, int disturbances) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const json graph = graph::RandomGraph(seed);
    graph::Mistakes mistakes;
    ASSERT_TRUE(graph::CheckGraph(graph, {}, mistakes).has_value()) << mistakes.told.front().message << "\n"
                                                                    << graph.dump(1);
    const json state = {{"seed", seed % 100}};
    const graph::Expected expected = graph::Interpret(graph, state);

    GraphWorld world(seed);
    world.activities().RegisterErased("step", [](sdk::ActivityContext&, const json& input) {
      return sdk::ActivityResult<json>(graph::StepOf(input));
    });
    world.activities().RegisterErased("steps", [](sdk::ActivityContext&, const json& input) {
      return sdk::ActivityResult<json>(graph::StepsOf(input));
    });
    world.Boot();
    world.Submit({{"graph", graph}, {"state", state}});
    simulation::Random random(seed);
    for (int i = 0; i < disturbances; ++i) world.Disturb(random);
    const auto history = world.End();
    disturbed_ += world.disturbed;

    if (!expected.stuck_in_branch) {
      EXPECT_EQ(CallsIn(history), WithoutZero(expected.calls));
    }
    const auto& last = *history.events().rbegin();
    if (expected.stuck_at.empty()) {
      ASSERT_TRUE(last.has_workflow_execution_completed_event_attributes()) << last.ShortDebugString();
      const json result = core::DecodePayloads(last.workflow_execution_completed_event_attributes().result()).value();
      std::map<std::string, int64_t> runs;
      for (const json& node : result["nodes"]) runs[node["id"]] = node["runs"];
      EXPECT_EQ(runs, WithoutZero(expected.runs));
      EXPECT_EQ(result["outputs"], expected.state);
      nodes_run_ += result["node_runs"].get<int>();
    } else {
      ++stuck_;
      ASSERT_TRUE(last.has_workflow_execution_failed_event_attributes());
      const auto& failure = last.workflow_execution_failed_event_attributes().failure();
      EXPECT_EQ(failure.application_failure_info().type(), "NO_WAY_ON");
      if (!expected.stuck_in_branch) {
        EXPECT_THAT(failure.message(), ::testing::HasSubstr(expected.stuck_at));
      }
    }
    if (expected.stuck_at.empty()) CheckDryRun(seed, graph, state, history, expected);
    const core::ReplayReport replayed = core::Replay(history, world.workflows());
    EXPECT_TRUE(replayed.deterministic()) << replayed.ToString();
  }
  /// What the run gave is all that a dry run needs (VA-5).
  void CheckDryRun(uint64_t seed, const json& graph, const json& state,
                   const temporal::api::history::v1::History& history, const graph::Expected& expected) {
    graph::RecordedResults results;
    results.Add(history);
    EXPECT_EQ(results.contradictions(), 0);
    GraphWorld world(seed);  // without any activity
    world.Boot();
    world.Submit({{"graph", graph}, {"state", state}, {"dry_run", {{"recorded", results.All()}, {"missing", "fail"}}}});
    const auto dry = world.End();
    EXPECT_TRUE(CallsIn(dry).empty());
    const auto& last = *dry.events().rbegin();
    ASSERT_TRUE(last.has_workflow_execution_completed_event_attributes()) << last.ShortDebugString();
    const json result = core::DecodePayloads(last.workflow_execution_completed_event_attributes().result()).value();
    EXPECT_EQ(result["outputs"], expected.state);
    int64_t runs = 0;
    for (const auto& [node, count] : expected.runs) runs += count;
    EXPECT_EQ(result["node_runs"], runs);
  }
  static std::map<std::string, int64_t> WithoutZero(std::map<std::string, int64_t> counts) {
    std::erase_if(counts, [](const auto& entry) { return entry.second == 0; });
    return counts;
  }

  int disturbed_ = 0;
  int stuck_ = 0;
  int nodes_run_ = 0;
};

TEST_F(RandomGraphs, RunAsAPlainInterpreterSays) {
  for (uint64_t seed = 1; seed <= 60; ++seed) Check(seed, 0);
  EXPECT_GT(nodes_run_, 1'000);
}

TEST_F(RandomGraphs, RunTheSameThroughPowerCutsAndKilledWorkers) {
  for (uint64_t seed = 1; seed <= 40; ++seed) Check(seed, 4);
  EXPECT_GT(disturbed_, 60);
  std::printf("%d disturbances, %d nodes run, %d runs stuck as they had to be\n", disturbed_, nodes_run_, stuck_);
}

}  // namespace
}  // namespace wfe::workflows
