#include "tests/activities/optimizer/learning/simulated_runs.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>

#include "engine/base/time.h"

namespace wfe::optimizer {
namespace {

const Instant kFirstRun = *ParseIso8601("2026-03-02T00:00:00.000Z");

double Uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1.0p-53; }

/// Standard normal, the same with every library.
double Normal(std::mt19937_64& random) {
  const double u = std::max(1e-12, Uniform(random));
  return std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * Uniform(random));
}

nlohmann::json InputOf(int words, int files) {
  std::string text;
  for (int i = 0; i < words; ++i) text += "word" + std::to_string(i % 97) + " ";
  nlohmann::json input = {{"task", text}, {"files", nlohmann::json::array()}};
  for (int i = 0; i < files; ++i) input["files"].push_back("src/part_" + std::to_string(i) + ".cpp");
  return input;
}

}  // namespace

graph::Graph ChainOf(int steps) {
  graph::Graph graph{.id = "report", .start = "step0", .inputs = {"key0"}};
  for (int i = 0; i < steps; ++i) {
    const std::string number = std::to_string(i);
    graph.nodes.push_back({.id = "step" + number,
                           .activity = "step",
                           .reads = {"key" + number},
                           .writes = {"key" + std::to_string(i + 1)}});
    if (i > 0) graph.edges.push_back({.source = "step" + std::to_string(i - 1), .target = "step" + number});
  }
  return graph;
}

std::vector<SimulatedRun> SimulateRuns(World world, uint64_t seed, size_t count, const std::string& workflow_id) {
  std::mt19937_64 random(seed);
  const graph::Graph versions[] = {ChainOf(8), ChainOf(12)};
  std::vector<SimulatedRun> runs;
  for (size_t i = 0; i < count; ++i) {
    const int words = 20 + static_cast<int>(400 * Uniform(random) * Uniform(random));
    const int files = static_cast<int>(8 * Uniform(random));
    const size_t version = random() % 2;
    const double load = std::floor(20 * Uniform(random));
    const Instant ended = kFirstRun + std::chrono::minutes(10) * static_cast<int64_t>(i);
    const double long_input = world == World::kTurned && i >= kTurnedFrom ? 420 - words : words;
    const double noise = world == World::kWeak ? 0.8 : 0.2;
    double expected = 3 + 0.05 * long_input + 2 * files;
    expected *= (version == 1 ? 1.4 : 1) * (1 + 0.03 * load);
    double cost = 0.002 + 0.0001 * long_input;
    double success = 1 / (1 + std::exp(long_input / 60 - 4));
    if (world == World::kNoise) {
      expected = 20;
      cost = 0.02;
      success = 0.8;
    }
    // The mean of a log-normal is its median times exp(variance / 2).
    const double median = std::exp(-noise * noise / 2);
    SimulatedRun run{.expected_duration_s = expected, .expected_cost_usd = cost, .success_probability = success};
    run.features = FeaturesOf(&versions[version], InputOf(words, files),
                              {.at = FormatIso8601Millis(ended), .recent_load = load}, {});
    run.example = {.workflow_id = workflow_id,
                   .workflow_run_id = "run-" + std::to_string(i),
                   .at = FormatIso8601Millis(ended),
                   .features = NamedFeatures(run.features),
                   .duration_s = expected * median * std::exp(noise * Normal(random)),
                   .cost_usd = cost * median * std::exp(noise * Normal(random)),
                   .success = Uniform(random) < success};
    runs.push_back(std::move(run));
  }
  return runs;
}

std::vector<TrainingExample> ExamplesOf(const std::vector<SimulatedRun>& runs) {
  std::vector<TrainingExample> examples;
  for (const SimulatedRun& run : runs) examples.push_back(run.example);
  return examples;
}

}  // namespace wfe::optimizer
