// `wfe bench million`: a server over a store that holds very many runs.
#pragma once

#include "tools/bench/scenarios.h"

namespace wfe::bench {

/// From the start of the processes to the first result, to the last open run that is taken up again, and to a page of a
/// list; and what memory it takes.
Status MeasureMillion(const Environment& env, std::vector<Figure>& figures);

}  // namespace wfe::bench
