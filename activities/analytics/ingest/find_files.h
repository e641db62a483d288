// Searching a directory tree for traces.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "activities/analytics/ingest/parse_report.h"
#include "engine/base/result.h"

namespace wfe::analytics {

struct FoundFile {
  std::string path;
  int64_t bytes = 0;
};

/// Every audit_trace.jsonl under `root`, by path; `root` may also be one file of any name.  `root` itself may be a symbolic
/// link; those below it are not followed: agents make links, and they may lead anywhere.  Each directory and file is visited
/// once.  What cannot be read becomes a problem of `report`.  `visiting` is called for each directory; its error ends the
/// search.
Result<std::vector<FoundFile>> FindTraceFiles(const std::string& root, ParseReport& report,
                                              const std::function<Status(const std::string& directory)>& visiting);

}  // namespace wfe::analytics
