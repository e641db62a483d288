// What a prediction is made from (LN-1): numbers about a graph, the input of a run, the hour, and how similar workflows
// did.  Their order, names and meaning are fixed by kFeatureVersion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/graph/graph.h"
#include "engine/base/record_json.h"

namespace wfe::optimizer {

/// Goes up with every change of the order, the names or what one of them counts: examples and models of another version
/// are not used.
inline constexpr int64_t kFeatureVersion = 1;

/// In their order.  docs/optimizer.md says what each one is.
const std::vector<std::string_view>& FeatureNames();

/// When and where a run begins.
struct RunContext {
  std::string at;                     ///< ISO 8601; the hour and the day are UTC's.  Empty: not known.
  std::optional<double> recent_load;  ///< Runs of the workflow that began in the hour before.
  std::optional<double> resource_availability;  ///< Share of the workers' slots that is free, 0 to 1.
};
WFE_RECORD(RunContext, at, recent_load, resource_availability);
constexpr RecordRules RulesOf(const RunContext*) { return {.refuses_unknown = true, .subject = "context"}; }

/// How similar workflows did (SummaryOf in transfer.h); what is not known is absent.
struct SimilarRuns {
  std::optional<double> mean_duration_s;
  std::optional<double> success_rate;
  std::optional<double> mean_cost_usd;
  std::optional<double> mean_cpu_s;
  std::optional<double> mean_memory_mb;
};
WFE_RECORD(SimilarRuns, mean_duration_s, success_rate, mean_cost_usd, mean_cpu_s, mean_memory_mb);
constexpr RecordRules RulesOf(const SimilarRuns*) { return {.refuses_unknown = true, .subject = "similar"}; }

/// One number for each name; NaN: not known.
using Features = std::vector<double>;

/// `graph`: nullptr for a workflow in C++.  `input`: null where it is not known.  Costs one pass over each.
Features FeaturesOf(const graph::Graph* graph, const nlohmann::json& input, const RunContext& context,
                    const SimilarRuns& similar);

/// As rows keep them: by name, without what is not known.
std::map<std::string, double> NamedFeatures(const Features& features);
/// Names that this version does not know are passed over.
Features FeaturesFrom(const std::map<std::string, double>& named);

/// Of a graph: what stands in FeatureNames first.
struct GraphShape {
  int64_t nodes = 0;
  int64_t edges = 0;      ///< And one for each branch of a parallel node.
  int64_t max_depth = 0;  ///< Nodes on the longest way through it that goes round no cycle.
  int64_t cyclomatic = 1;  ///< 1 and, for each node, the edges that leave it but the first.
  /// 1 - n / m, where m nodes work, and n of them stand in the longest chain in which each reads or overwrites what one
  /// before it wrote.  It knows keys, not times, and does not see that a condition guards a node.
  double parallelization = 0;
};
GraphShape ShapeOf(const graph::Graph& graph);

/// "small" (up to 10 nodes), "medium" (up to 50) or "large": the size class of a selector's bucket (LN-4).
std::string_view SizeClassOf(size_t nodes);

}  // namespace wfe::optimizer
