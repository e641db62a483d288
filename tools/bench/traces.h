// How fast traces are read and how little memory they take.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "tools/bench/bench.h"

namespace wfe::bench {

/// Writes a trace of about `file_bytes` into `directory`, parses it, folds it; then fills tables with 1 and 10 million
/// entries.  One thread.
Status MeasureTraces(const std::string& directory, int64_t file_bytes,
                     const std::function<void(const std::string&)>& progress, std::vector<Figure>& figures);

}  // namespace wfe::bench
