// The tables of a report, loaded once for the activities that read them side by side.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "activities/analytics/ingest/trace_table.h"
#include "engine/base/result.h"

namespace wfe::analytics {

struct LoadedTables {
  TraceTable table;
  int64_t duplicates = 0;  ///< Entries that were in two chunks; they count once (OP-2).
};

/// Keeps nothing alive: the last activity that lets go frees the tables.  Callable from any thread.
class TableCache {
 public:
  /// What `key` stands for: what another activity has in its hands, else what `load` gives.  One at a time loads;
  /// `wait` is called about once a second meanwhile, and its error ends the waiting.
  Result<std::shared_ptr<const LoadedTables>> Get(const std::string& key,
                                                  const std::function<Result<LoadedTables>()>& load,
                                                  const std::function<Status()>& wait);

 private:
  std::timed_mutex loading_;
  std::string key_;
  std::weak_ptr<const LoadedTables> tables_;
};

}  // namespace wfe::analytics
