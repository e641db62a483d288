// What a person sees of a run of a graph.
#pragma once

#include <string>

#include "workflows/graph/graph_workflow.h"

namespace wfe::cli {

/// Nodes with their runs, time and cost, the sums, and what came of it.
std::string GraphPage(const workflows::GraphProgress& run, size_t width);

}  // namespace wfe::cli
