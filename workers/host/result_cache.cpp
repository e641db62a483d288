#include "workers/host/result_cache.h"

#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::worker {

std::string ResultCache::KeyOf(std::string_view ns, std::string_view type, const nlohmann::json& input) {
  // nlohmann keeps the keys of an object in order.
  const std::string canonical = nlohmann::json({ns, type, input}).dump();
  return ToHex(Sha256(canonical));
}

ResultCache::OfType& ResultCache::Of(const std::string& type) {
  OfType& of_type = types_[type];
  if (of_type.hits == nullptr) {
    of_type.hits =
        &metrics_.MakeCounter("wfe_result_cache_hits", "Activities answered by a kept result.", {{"activity", type}});
    of_type.misses = &metrics_.MakeCounter(
        "wfe_result_cache_misses", "Activities that asked for a kept result and found none.", {{"activity", type}});
  }
  return of_type;
}

void ResultCache::Remove(OfType& of_type, std::list<Entry>::iterator entry) {
  const size_t bytes = BytesOf(*entry);
  bytes_ -= bytes;
  of_type.statistics.bytes -= bytes;
  --of_type.statistics.entries;
  of_type.by_key.erase(entry->key);
  of_type.entries.erase(entry);
}

void ResultCache::EvictLast(OfType& of_type) {
  Remove(of_type, std::prev(of_type.entries.end()));
  ++of_type.statistics.evicted;
}

std::optional<nlohmann::json> ResultCache::Look(const std::string& type, const std::string& key, Duration ttl,
                                                Instant now) {
  const std::lock_guard lock(mutex_);
  OfType& of_type = Of(type);
  const auto found = of_type.by_key.find(key);
  if (found == of_type.by_key.end()) {
    ++of_type.statistics.misses;
    of_type.misses->Add();
    return std::nullopt;
  }
  if (now - found->second->stored > ttl) {
    Remove(of_type, found->second);
    ++of_type.statistics.misses;
    ++of_type.statistics.expired;
    of_type.misses->Add();
    return std::nullopt;
  }
  ++of_type.statistics.hits;
  of_type.hits->Add();
  found->second->used = ++uses_;
  of_type.entries.splice(of_type.entries.begin(), of_type.entries, found->second);
  // Results that workflows store in each other may nest deeper than what comes from outside.
  return ParseJson(of_type.entries.front().result, kMaxStoredJsonDepth);
}

void ResultCache::Store(const std::string& type, const std::string& key, const nlohmann::json& result,
                        int64_t max_entries, Instant now) {
  Entry entry{.key = key, .result = result.dump(), .stored = now, .used = 0};
  if (BytesOf(entry) > max_bytes_ / 8) return;
  const std::lock_guard lock(mutex_);
  OfType& of_type = Of(type);
  // Of two that ran at the same time the later one counts.
  if (const auto found = of_type.by_key.find(key); found != of_type.by_key.end()) Remove(of_type, found->second);
  entry.used = ++uses_;
  const size_t bytes = BytesOf(entry);
  of_type.entries.push_front(std::move(entry));
  of_type.by_key.emplace(key, of_type.entries.begin());
  bytes_ += bytes;
  of_type.statistics.bytes += bytes;
  ++of_type.statistics.entries;
  const auto limit = static_cast<size_t>(max_entries <= 0 ? kDefaultEntries : max_entries);
  while (of_type.entries.size() > limit) EvictLast(of_type);
  MakeRoom();
}

/// There are as many types as a program has activities: few.
void ResultCache::MakeRoom() {
  while (bytes_ > max_bytes_) {
    OfType* oldest = nullptr;
    for (auto& [type, of_type] : types_) {
      if (of_type.entries.empty()) continue;
      if (oldest == nullptr || of_type.entries.back().used < oldest->entries.back().used) oldest = &of_type;
    }
    EvictLast(*oldest);
  }
}

std::map<std::string, ResultCacheStatistics> ResultCache::Statistics() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, ResultCacheStatistics> all;
  for (const auto& [type, of_type] : types_) all.emplace(type, of_type.statistics);
  return all;
}

}  // namespace wfe::worker
