// `resume`: what a server that is killed in the middle of much work costs those who wait.
#pragma once

#include <vector>

#include "tools/bench/scenarios.h"

namespace wfe::bench {

/// 1,000 workflows of ten steps, the server killed when half of the steps are done: time from its next start to the first
/// new step, steps that ran twice, runs that were lost.
Status MeasureResume(const Environment& env, std::vector<Figure>& figures);

}  // namespace wfe::bench
