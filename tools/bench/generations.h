// What wfe adds to a generation (SG-6, TG-1), and how many a machine makes.
#pragma once

#include "tools/bench/scenarios.h"

namespace wfe::bench {

/// Starts a server and a whole worker of its own; the answers are those of the shipped sample, so nothing is paid.
Status MeasureGenerations(const Environment& environment, std::vector<Figure>& figures);

}  // namespace wfe::bench
