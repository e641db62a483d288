// `wfe bench wide`: what one thing more costs in a workflow that does many at once.
#pragma once

#include "tools/bench/scenarios.h"

namespace wfe::bench {

/// 200 and 2,000 activities of one workflow at once: once all riding on the answer that schedules them, once each polled
/// for; and as many timers that are due at once.
Status MeasureWide(const Environment& env, std::vector<Figure>& figures);

}  // namespace wfe::bench
