#include "tests/activities/optimizer/planted_runs.h"

#include <algorithm>

#include "activities/optimizer/strategies/run_model.h"

namespace wfe::optimizer {
namespace {

/// What was counted of a node or a tool.
struct Tally {
  int64_t runs = 0;
  int64_t failures = 0;
  double duration = 0;
  double cost = 0;
};

void MeasureTools(PerformanceProfile& profile) {
  for (const auto& [tool, calls] : profile.calls) {
    ToolPerformanceProfile measured;
    measured.tool_id = tool;
    std::map<uint64_t, uint64_t> first;
    int64_t failures = 0;
    for (const ToolCall& call : calls) {
      measured.avg_duration += static_cast<double>(call.duration_s) / static_cast<double>(calls.size());
      measured.total_cost += static_cast<double>(call.cost_usd);
      if (call.output == 0) {
        ++failures;
        continue;
      }
      const auto [known, is_new] = first.emplace(call.input, call.output);
      if (is_new) continue;
      ++measured.repeats;
      if (known->second != call.output) ++measured.contradictions;
    }
    measured.call_count = static_cast<int64_t>(calls.size());
    measured.cache_misses = measured.call_count;
    measured.success_rate = 1 - static_cast<double>(failures) / static_cast<double>(calls.size());
    if (measured.repeats > 0) {
      measured.deterministic_rate =
          1 - static_cast<double>(measured.contradictions) / static_cast<double>(measured.repeats);
    }
    profile.tool_metrics.push_back(std::move(measured));
  }
}

}  // namespace

void LiveThrough(const std::map<std::string, Habit>& habits, int64_t executions, simulation::Random random,
                 PlantedGraph& planted) {
  PerformanceProfile& profile = planted.profile;
  profile.workflow_id = planted.graph.id;
  profile.executions = executions;
  profile.workflow_structure = planted.graph;
  std::map<std::string, Tally> tallies;
  std::vector<std::string> ids;
  for (const auto& [id, habit] : habits) ids.push_back(id);  // by id, as node_metrics
  for (int64_t execution = 0; execution < executions; ++execution) {
    for (size_t n = 0; n < ids.size(); ++n) {
      const Habit& habit = habits.at(ids[n]);
      if (!random.Chance(habit.taken)) continue;
      Tally& tally = tallies[ids[n]];
      ToolCall call;
      call.at_ms = 1'700'000'000'000 + execution * 60'000 + static_cast<int64_t>(n) * 100;
      call.execution = static_cast<uint32_t>(execution);
      call.node = static_cast<uint32_t>(n);
      call.input = habit.inputs > 0 ? 1 + random.Below(static_cast<uint64_t>(habit.inputs)) : random.Next() | 1;
      call.output = random.Chance(habit.contradicts) ? random.Next() | 1 : call.input * 1000 + 1;
      if (!random.Chance(habit.success)) call.output = 0;
      const double duration = habit.duration * (0.9 + static_cast<double>(random.Below(201)) / 1000);
      call.duration_s = static_cast<float>(duration);
      call.cost_usd = static_cast<float>(habit.cost);
      ++tally.runs;
      tally.failures += call.output == 0 ? 1 : 0;
      tally.duration += duration;
      tally.cost += habit.cost;
      const graph::GraphNode* const node = graph::FindNode(planted.graph, ids[n]);
      profile.calls[ToolOf(*node)].push_back(call);
    }
  }
  for (const std::string& id : ids) {
    const graph::GraphNode* const node = graph::FindNode(planted.graph, id);
    const Tally& tally = tallies[id];
    const auto runs = static_cast<double>(std::max<int64_t>(tally.runs, 1));
    NodePerformanceProfile measured;
    measured.node_id = id;
    measured.activity = node->activity;
    measured.tool = node->tool;
    measured.model = node->model;
    measured.runs = tally.runs;
    measured.tool_calls = tally.runs;
    measured.runs_per_execution = static_cast<double>(tally.runs) / static_cast<double>(executions);
    measured.avg_duration = tally.duration / runs;
    measured.success_rate = measured.recent_success_rate = 1 - static_cast<double>(tally.failures) / runs;
    measured.avg_cost = tally.cost / runs;
    measured.avg_input_tokens = habits.at(id).input_tokens;
    measured.avg_output_tokens = habits.at(id).output_tokens;
    profile.node_metrics.push_back(std::move(measured));
  }
  MeasureTools(profile);
  const RunEstimate run = EstimateRun(planted.graph, profile, planted.catalog);
  profile.workflow_metrics.executions = executions;
  profile.workflow_metrics.avg_duration = run.duration + 0.5;  // the engine's part
  profile.workflow_metrics.avg_cost = run.cost;
  profile.workflow_metrics.success_rate = run.success_rate;
}

}  // namespace wfe::optimizer
