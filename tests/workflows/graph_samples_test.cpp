// The graphs that come with wfe can be run, and are what the optimizer's session is told about (TG-11).
#include <gmock/gmock.h>

#include "activities/graph/read_graph.h"
#include "activities/graph/simulate_step.h"
#include "tests/workflows/graph_world.h"
#include "workflows/graph/samples.h"

namespace wfe::workflows {
namespace {

json SampleNamed(const std::string& name) {
  for (const GraphSample& sample : GraphSamples()) {
    if (sample.name == name) return json::parse(sample.text);
  }
  ADD_FAILURE() << "there is no sample " << name;
  return nullptr;
}

json ResultOf(const temporal::api::history::v1::History& history) {
  const auto& last = *history.events().rbegin();
  if (!last.has_workflow_execution_completed_event_attributes()) {
    ADD_FAILURE() << last.ShortDebugString();
    return nullptr;
  }
  return core::DecodePayloads(last.workflow_execution_completed_event_attributes().result()).value();
}

TEST(GraphSamples, AreGood) {
  EXPECT_GE(GraphSamples().size(), 2U);
  for (const GraphSample& sample : GraphSamples()) {
    graph::Mistakes mistakes;
    EXPECT_TRUE(graph::CheckGraphText(sample.text, {}, mistakes).has_value())
        << sample.name << ": " << mistakes.told.at(0).message;
  }
}

TEST(GraphSamples, TheFeatureTakesAsLongAndCostsAsMuchAsItsStepsSay) {  // TG-11
  double review = 0;
  double all = 0;
  json result;
  constexpr int kRuns = 20;
  for (int seed = 1; seed <= kRuns; ++seed) {
    GraphWorld world(static_cast<uint64_t>(seed));
    graph::RegisterSimulateStep(world.activities(), {.waits = false});
    world.Boot();
    world.Submit({{"graph", SampleNamed("feature_implementation.json")}, {"state", {{"task", "a --json option"}}}});
    result = ResultOf(world.End());
    all += result["path_ms"].get<double>() / kRuns;
    for (const json& node : result["nodes"]) {
      if (node["id"] == "code_review") review += node["duration_ms"].get<double>() / kRuns;
    }
  }
  EXPECT_NEAR(all, 45'200, 1'500) << "but for retries, each step around its own duration";
  EXPECT_NEAR(review, 12'300, 600);
  EXPECT_DOUBLE_EQ(result["cost_usd"].get<double>(), 0.2);
  for (const json& node : result["nodes"]) {
    if (node["id"] == "search_code") {
      EXPECT_DOUBLE_EQ(node["cost_usd"].get<double>(), 0.09) << "45 % of it";
    }
  }
}

/// What simulateStep gives for an input.
json Simulated(const json& input, const std::string& activity_id = "a") {
  class Context final : public sdk::ActivityContext {
   public:
    explicit Context(const std::string& activity_id) {
      info_.run_id = "run-1";
      info_.activity_id = activity_id;
    }
    const sdk::ActivityInfo& info() const override { return info_; }
    void Heartbeat(const json&) override {}
    std::optional<json> LastHeartbeatDetails() const override { return std::nullopt; }
    bool IsCancelled() const override { return false; }
    bool WaitForCancel(Duration) override { return false; }

   private:
    sdk::ActivityInfo info_;
  };
  sdk::ActivityRegistry registry;
  graph::RegisterSimulateStep(registry);
  Context context(activity_id);
  const auto result = (*registry.Find("simulateStep"))(context, input);
  return result.has_value() ? result.value() : json{{"failure", result.failure()->type}};
}

TEST(SimulateStep, SaysWhatItsInputTellsIt) {
  const json input = {{"duration_ms", 100}, {"spread", 0.5},
                      {"cost_usd", 0.5},    {"values", {"a", "b"}},
                      {"round", 7},         {"variants", {{"small", {{"cost_usd", 0.1}, {"values", {"c"}}}}}}};
  const json result = Simulated(input);
  EXPECT_EQ(result["value"], "b");
  EXPECT_EQ(result["round"], 8);
  EXPECT_EQ(result["cost_usd"], 0.5);
  EXPECT_EQ(result["scripted"], true);
  EXPECT_GE(result["duration_ms"], 50);
  EXPECT_LE(result["duration_ms"], 150);
  EXPECT_EQ(Simulated(input), result);
  EXPECT_EQ(Simulated(input, "b")["digest"], result["digest"]) << "the same input gives the same";
  json small = input;
  small["model"] = "small";
  EXPECT_EQ(Simulated(small)["cost_usd"], 0.1);
  EXPECT_EQ(Simulated(small)["value"], "c");
  json noisy = input;
  noisy["noise"] = true;
  EXPECT_NE(Simulated(noisy, "b")["digest"], Simulated(noisy)["digest"]);
  EXPECT_EQ(Simulated({{"failure_rate", 1}})["failure"], "SIMULATED_FAILURE");
  EXPECT_EQ(Simulated({{"duration_ms", -1}})["failure"], "INVALID_INPUT");
  EXPECT_EQ(Simulated({{"variants", {{"x", {{"price", 1}}}}}})["failure"], "INVALID_INPUT");
}

}  // namespace
}  // namespace wfe::workflows
