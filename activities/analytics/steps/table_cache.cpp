#include "activities/analytics/steps/table_cache.h"

#include <chrono>

namespace wfe::analytics {

Result<std::shared_ptr<const LoadedTables>> TableCache::Get(const std::string& key,
                                                            const std::function<Result<LoadedTables>()>& load,
                                                            const std::function<Status()>& wait) {
  std::unique_lock lock(loading_, std::defer_lock);
  while (!lock.try_lock_for(std::chrono::seconds(1))) WFE_RETURN_IF_ERROR(wait());
  if (key == key_) {
    if (auto tables = tables_.lock()) return tables;
  }
  WFE_ASSIGN_OR_RETURN(LoadedTables loaded, load());
  const auto tables = std::make_shared<const LoadedTables>(std::move(loaded));
  key_ = key;
  tables_ = tables;
  return tables;
}

}  // namespace wfe::analytics
