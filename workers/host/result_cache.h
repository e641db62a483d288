// Results of activities that a worker keeps for the same type with the same input (ST-21): in memory, for a time, the
// ones used last.  What must survive a restart or be shared by machines belongs into a store: agent::ContextCache is
// one.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/base/metrics.h"
#include "engine/base/time.h"

namespace wfe::worker {

struct ResultCacheStatistics {
  uint64_t hits = 0;
  uint64_t misses = 0;   ///< Looked for and not there, or too old.
  uint64_t expired = 0;  ///< Of the misses: it was too old.
  uint64_t evicted = 0;  ///< Made room for others.
  size_t entries = 0;
  size_t bytes = 0;  ///< Of the results as JSON, and their keys.
};

/// Callable from any thread.  One for a process: whichever worker of it has the task, the result is found.
class ResultCache {
 public:
  static constexpr int64_t kDefaultEntries = 1'000;
  static constexpr size_t kDefaultBytes = 64 << 20;

  /// A result larger than an eighth of `max_bytes` is not kept.
  /// Counts in `metrics`, too, which outlives it.
  explicit ResultCache(size_t max_bytes = kDefaultBytes, Metrics& metrics = NoMetrics())
      : max_bytes_(max_bytes), metrics_(metrics) {}

  /// SHA-256 of namespace, type and canonical input (keys in order, no blanks).
  static std::string KeyOf(std::string_view ns, std::string_view type, const nlohmann::json& input);

  /// A result that is not older than `ttl`.
  std::optional<nlohmann::json> Look(const std::string& type, const std::string& key, Duration ttl, Instant now);
  /// `max_entries`: of this type; 0: kDefaultEntries.
  void Store(const std::string& type, const std::string& key, const nlohmann::json& result, int64_t max_entries,
             Instant now);

  /// By activity type.
  std::map<std::string, ResultCacheStatistics> Statistics() const;

 private:
  struct Entry {
    std::string key;
    std::string result;
    Instant stored;
    uint64_t used = 0;  ///< The number of its last use.
  };
  /// Results of one type, the one used last in front.
  struct OfType {
    std::list<Entry> entries;
    std::unordered_map<std::string, std::list<Entry>::iterator> by_key;
    ResultCacheStatistics statistics;
    Counter* hits = nullptr;
    Counter* misses = nullptr;
  };

  static size_t BytesOf(const Entry& entry) { return entry.key.size() + entry.result.size(); }
  OfType& Of(const std::string& type);
  void Remove(OfType& of_type, std::list<Entry>::iterator entry);
  void EvictLast(OfType& of_type);
  void MakeRoom();

  const size_t max_bytes_;
  Metrics& metrics_;
  mutable std::mutex mutex_;
  // Guarded by it:
  std::map<std::string, OfType> types_;
  size_t bytes_ = 0;
  uint64_t uses_ = 0;
};

}  // namespace wfe::worker
