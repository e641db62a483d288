// Executions whose figures are known, for the tests of profiles.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "activities/graph/read_graph.h"
#include "activities/optimizer/profile/find_bottlenecks.h"
#include "activities/optimizer/profile/profile_builder.h"
#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::optimizer {

inline std::string HashOf(const std::string& text) { return ToHex(Sha256(text)); }

/// A step that went well, from `start_ms` for `duration_ms`; its input and output are named.
inline NodeRun Step(const std::string& node, int64_t start_ms, int64_t duration_ms, const std::string& input = "",
                    const std::string& output = "") {
  NodeRun step;
  step.node = node;
  step.activity = "do_" + node;
  step.start_ms = start_ms;
  step.duration_ms = duration_ms;
  step.busy_ms = duration_ms;
  if (!input.empty()) step.input_sha256 = HashOf(input);
  if (!output.empty()) step.output_sha256 = HashOf(output);
  return step;
}

inline NodeRun Failing(NodeRun step, const std::string& type = "BROKEN") {
  step.success = false;
  step.error_type = type;
  step.output_sha256.clear();
  return step;
}

/// The number-th execution of "w", an hour after the one before.
inline delivery::ExecutionRecord Execution(int number, const std::vector<NodeRun>& steps) {
  delivery::ExecutionRecord record;
  record.workflow_id = "w";
  record.version_id = "w_v0";
  record.workflow_run_id = "run-" + std::to_string(number);
  record.started_at =
      FormatIso8601Millis(*ParseIso8601("2026-03-02T00:00:00.000Z") + std::chrono::hours(number));
  record.success = true;
  for (const NodeRun& step : steps) {
    record.duration_ms = std::max(record.duration_ms, step.start_ms + step.duration_ms);
    record.cost_usd += step.cost_usd;
    record.tokens += step.input_tokens + step.output_tokens;
    record.success = record.success && (step.success || step.cancelled());
  }
  record.nodes = steps;
  return record;
}

class Profiled {
 public:
  explicit Profiled(const ProfileOptions& options = {.workflow_id = "w"}) : builder_(options) {}
  Profiled& Add(const std::vector<NodeRun>& steps) {
    const Result<bool> added = builder_.Add(Execution(number_++, steps));
    EXPECT_TRUE(added.has_value()) << (added ? "" : added.error().ToString());
    return *this;
  }
  Profiled& Times(int count, const std::vector<NodeRun>& steps) {
    for (int i = 0; i < count; ++i) Add(steps);
    return *this;
  }
  PerformanceProfile Finish() {
    Result<PerformanceProfile> profile = builder_.Finish();
    EXPECT_TRUE(profile.has_value()) << (profile ? "" : profile.error().ToString());
    return profile ? *std::move(profile) : PerformanceProfile();
  }

 private:
  ProfileBuilder builder_;
  int number_ = 0;
};

/// From JSON text; a graph that is not valid is a failure of the test.
inline graph::Graph GraphOf(const std::string& text) {
  graph::Mistakes mistakes;
  std::optional<graph::Graph> graph = graph::CheckGraphText(text, {}, mistakes);
  EXPECT_TRUE(graph.has_value()) << (mistakes.told.empty() ? "" : mistakes.told[0].message);
  return graph ? *std::move(graph) : graph::Graph();
}

/// Activities one after the other, each with what it reads and writes, for example {{"a", "in", "x"}, {"b", "x", "y"}}.
struct PlainNode {
  std::string id;
  std::string reads;
  std::string writes;
};
inline graph::Graph Chain(const std::vector<PlainNode>& nodes, const std::string& output) {
  nlohmann::json graph = {{"id", "w"}, {"start", nodes.front().id}, {"inputs", {"in"}}, {"outputs", {output}}};
  graph["nodes"] = nlohmann::json::array();
  graph["edges"] = nlohmann::json::array();
  for (size_t i = 0; i < nodes.size(); ++i) {
    graph["nodes"].push_back({{"id", nodes[i].id},
                              {"activity", "do_" + nodes[i].id},
                              {"reads", {nodes[i].reads}},
                              {"writes", {nodes[i].writes}}});
    if (i > 0) graph["edges"].push_back({{"source", nodes[i - 1].id}, {"target", nodes[i].id}});
  }
  return GraphOf(graph.dump());
}

}  // namespace wfe::optimizer
