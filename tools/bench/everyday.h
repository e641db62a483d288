// Everyday work: large contexts, the cache of answers, batches (BP-4).
#pragma once

#include "tools/bench/scenarios.h"

namespace wfe::bench {

/// In this process, over an engine of its own; the model is simulated (everyday_model.h), so its times, tokens and money
/// are those of the simulation.
Status MeasureEveryday(const Environment& env, std::vector<Figure>& figures);

}  // namespace wfe::bench
