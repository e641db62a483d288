// Changes of a suggestion → a new graph (ST-1).  The graph that comes in stays as it is.
#pragma once

#include <vector>

#include "activities/graph/graph.h"
#include "activities/optimizer/strategies/suggestion.h"
#include "engine/base/result.h"

namespace wfe::optimizer {

/// One after the other.  The new graph is valid (GW-2), or there is an error: FAILED_PRECONDITION or NOT_FOUND with the
/// number of the change and a sentence, where it does not fit the graph (any more).
///
///   remove_node           the node; where edges of conditions or limits hang on it, a decision stands in its place
///   merge_nodes           the first stays; who read what the second wrote reads what the first one writes
///   create_parallel_node  the nodes, which do not depend on each other, become branches of a new one (all_complete,
///                         fail_fast); what they depend on comes before it, everything else stays in its order
///   create_batch_node     the same with one call for all
///   substitute_tool, substitute_model, enable_cache, set_retry   members of the nodes
Result<graph::Graph> ApplyChanges(const graph::Graph& graph, const std::vector<GraphChange>& changes);

}  // namespace wfe::optimizer
