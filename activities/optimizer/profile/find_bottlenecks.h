// The rules BN-1 to BN-9 over a profile.  Pure.
#pragma once

#include <string>
#include <vector>

#include "activities/graph/graph.h"
#include "activities/optimizer/profile/bottleneck.h"
#include "activities/optimizer/profile/catalog.h"
#include "activities/optimizer/profile/performance_profile.h"

namespace wfe::optimizer {

/// Fills in `profile.bottlenecks` (the severest first) and adds to `profile.skipped` what could not be judged, and why
/// (BN-10).  Each bottleneck has the figure and the threshold that it was above (or, of a success rate and of readers,
/// below): at the threshold itself nothing is told.
///
/// `graph`: whose runs they are; null: BN-9 is skipped, and BN-8 rests on calls alone.  A node that ran less often than
/// min_executions is not judged by BN-1, BN-2, BN-4 and BN-5.  BN-5 is judged over all nodes together (Holm), or one of
/// twenty healthy nodes would be told in every other profile.
void FindBottlenecks(PerformanceProfile& profile, const graph::Graph* graph, const Catalog& catalog,
                     const BottleneckRules& rules = {});

}  // namespace wfe::optimizer
