// What a run of a graph lasts and costs, composed from what its nodes did (ST-3): the means of a profile along the
// walk, whichever way the graph was changed since.  Pure.
//
// Time adds up along a walk, each node with its mean times its runs in an execution: so loops count as often as they
// ran, and ways behind a condition as often as they were taken.  A parallel node lasts as long as its longest branch.
// That is the longest of means, and a little less than the mean of the longest: branches that vary a lot gain less.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "activities/graph/graph.h"
#include "activities/optimizer/profile/catalog.h"
#include "activities/optimizer/profile/performance_profile.h"
#include "engine/base/record_json.h"

namespace wfe::optimizer {

/// Seconds and dollars of one execution, on average.
struct RunEstimate {
  double duration = 0;
  double cost = 0;
  double success_rate = 1;
  /// Relative to the workflow as it was measured, which has 1: what smaller models and approximate tools may take away.
  double quality = 1;
};
WFE_RECORD(RunEstimate, duration, cost, success_rate, quality);

/// One run of one node.
struct NodeFigures {
  double runs = 0;  ///< In one execution.
  double duration = 0;
  double cost = 0;
  double success_rate = 1;
  double quality = 1;
};

// How a result from a cache is counted, ST-9.
inline constexpr double kCacheHitSeconds = 0.01;
inline constexpr double kCacheHitSaves = 0.9;  ///< Of the cost of a call.
// How one call for several is counted, ST-10.
inline constexpr double kBatchTime = 1.5;  ///< Times a single call.
inline constexpr double kBatchCost = 0.5;  ///< Of the calls that it replaces.
/// What is taken from the quality for each tier that a model is smaller (ours), and for a tool whose results may
/// differ.
inline constexpr double kQualityOfTier = 0.02;
inline constexpr double kQualityOfApproximate = 0.02;

/// What the profile and the catalog say of one tool; the profile, which measured it, comes first.
struct ToolFigures {
  std::optional<double> duration;
  std::optional<double> cost;
  std::optional<double> success_rate;
};
ToolFigures FiguresOfTool(std::string_view tool, const PerformanceProfile& profile, const Catalog& catalog);
/// What its calls go to: the tool, or, without one, the activity.
const std::string& ToolOf(const graph::GraphNode& node);
/// Dollars for so many tokens.
double PriceOf(const ModelTier& model, double input_tokens, double output_tokens);

/// A node as it is in `node`, whose own runs `measured` are: what another tool or model changes is scaled by what is
/// known of both.  A figure that nobody measured stays as it was.
NodeFigures FiguresOfNode(const graph::GraphNode& node, const NodePerformanceProfile& measured,
                          const PerformanceProfile& profile, const Catalog& catalog);

/// What all runs of a node in one execution add to its walk: a batch over items has several at once.
double TimeOfRuns(const graph::GraphNode& node, const NodeFigures& figures);

/// What is known of the nodes' runs, found quickly.  Of a profile and a catalog that outlive it; const methods may be
/// called from any thread.
class RunModel {
 public:
  /// `measured`: the graph that the profile is of, nullptr where it is profile.workflow_structure.
  RunModel(const PerformanceProfile& profile, const Catalog& catalog, const graph::Graph* measured = nullptr);

  /// One run of a node as it stands in a graph; nullopt: it never ran.
  std::optional<NodeFigures> FiguresOf(const graph::GraphNode& node) const;
  bool has_run(const std::string& node) const { return measured_.contains(node); }
  RunEstimate Estimate(const graph::Graph& graph) const;

 private:
  const PerformanceProfile& profile_;
  const Catalog& catalog_;
  std::unordered_map<std::string, const NodePerformanceProfile*> measured_;
  /// What a node had when it was measured.
  struct Before {
    int64_t attempts = 3;
    bool cached = false;
  };
  std::unordered_map<std::string, Before> before_;
};

/// The graph need not be the one that was profiled: nodes are found by their ids, and parallel and batch nodes that are
/// new are composed from their branches.  A node that never ran counts nothing.
RunEstimate EstimateRun(const graph::Graph& graph, const PerformanceProfile& profile, const Catalog& catalog);

/// What the measured mean has and the walk of the measured graph has not: waiting for workers, the engine.  It stays,
/// whatever is changed (Amdahl).  0 where the walk is longer.
double OverheadOf(const RunEstimate& measured_graph, const PerformanceProfile& profile);

}  // namespace wfe::optimizer
