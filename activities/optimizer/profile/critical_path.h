// Which steps a run waited for (PF-5).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "activities/optimizer/profile/graph_flow.h"
#include "activities/optimizer/profile/node_run.h"

namespace wfe::optimizer {

/// By step, the milliseconds for which it was the one that the run waited for; they add up to no more than the run's
/// duration.
///
/// Backwards from the run's end: the step that ended last, then of those that had ended when it began the one that
/// ended last, and so on.  A workflow goes on as soon as a result is there, so that is the step that the later one
/// waited for.  With the graph only steps that precede the later one count, since a step of another branch may have
/// ended in between.  `flow` may be null; `node_of_run` (its number, or kNone) is as long as `runs` then, too.
std::vector<int64_t> TimeOnCriticalPath(std::span<const NodeRun> runs, const GraphFlow* flow,
                                        std::span<const int> node_of_run);

}  // namespace wfe::optimizer
