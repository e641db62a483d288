// `wfe bench money`: what money costs beside a call of a model.
#pragma once

#include "tools/bench/scenarios.h"

namespace wfe::bench {

/// Rows of the cost ledger, budgets reserved and settled, and look-ups in the context cache that find something: each
/// for a third of the measured time, with 1, 16 and 64 callers.
Status MeasureMoney(const Environment& env, std::vector<Figure>& figures);

}  // namespace wfe::bench
