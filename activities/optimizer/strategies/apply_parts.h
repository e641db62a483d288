// Parts of ApplyChanges that strategies and searches use, too.
#pragma once

#include <string>
#include <vector>

#include "activities/graph/graph.h"
#include "activities/optimizer/strategies/graph_facts.h"
#include "activities/optimizer/strategies/suggestion.h"
#include "engine/base/result.h"

namespace wfe::optimizer {

/// ApplyChanges without the validation of what comes of it.  `known` are the facts of the graph, if somebody has them.
Result<graph::Graph> ApplyUnchecked(const graph::Graph& graph, const std::vector<GraphChange>& changes,
                                    const GraphFacts* known = nullptr);

/// Why the node `gone` is not the same as `keep`, which runs before it, in a sentence; empty: it is.  The same: one
/// row, the same call with the same input, nothing in between that would change it, and nobody whom the key's name
/// matters to.
std::string WhyNotMerge(const GraphFacts& facts, int keep, int gone);

/// Whoever reads what `gone` writes reads what `keep` writes, in the same place of its input.  Checks WhyNotMerge.
Status ReadTheOther(graph::Graph& graph, const std::string& keep, const std::string& gone,
                    const GraphFacts* known = nullptr);

}  // namespace wfe::optimizer
