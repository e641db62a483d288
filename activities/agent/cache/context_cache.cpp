#include "activities/agent/cache/context_cache.h"

#include <algorithm>
#include <utility>

#include "activities/agent/step/reply_bounds.h"
#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

/// So often a writer who came second looks again before it says so.
constexpr int kTries = 10;
constexpr size_t kTaskBytes = 1000;

std::string Text(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::optional<CacheEntry> ReadEntry(const std::string& value) {
  const json row = ParseJson(value);
  if (!row.is_object()) return std::nullopt;
  try {
    return row.get<CacheEntry>();
  } catch (const json::exception&) {
    return std::nullopt;  // written by another version: as good as not there
  }
}

std::vector<CachedFile> InOrderOfPaths(std::vector<CachedFile> files) {
  std::sort(files.begin(), files.end(), [](const CachedFile& a, const CachedFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace

std::string CacheKey(const CacheQuestion& question) {
  // As hashes, so that text that is not UTF-8 is told apart, too.
  json files = json::array();
  for (const CachedFile& file : InOrderOfPaths(question.files)) {
    files.push_back({ToHex(Sha256(file.path)), file.sha256});
  }
  const json canonical = {{"version", 1},
                          {"task_sha256", ToHex(Sha256(question.task))},
                          {"model", question.model},
                          {"parameters", question.parameters},
                          {"files", std::move(files)}};
  return ToHex(Sha256(Text(canonical)));
}

std::optional<double> CacheStatistics::HitRate() const {
  if (hits + misses == 0) return std::nullopt;
  return static_cast<double>(hits) / static_cast<double>(hits + misses);
}

std::optional<CachePolicy> ParseCachePolicy(std::string_view word) {
  if (word.empty() || word == "never") return CachePolicy::kNever;
  if (word == "auto") return CachePolicy::kAuto;
  if (word == "always") return CachePolicy::kAlways;
  return std::nullopt;
}

ContextCache::ContextCache(std::shared_ptr<RowStore> rows, std::shared_ptr<BlobSink> sink,
                           std::shared_ptr<BlobSource> source, std::shared_ptr<const Clock> clock, CacheOptions options)
    : rows_(std::move(rows)),
      sink_(std::move(sink)),
      source_(std::move(source)),
      clock_(clock ? std::move(clock) : std::make_shared<const SystemClock>()),
      options_(options) {}

bool ContextCache::Applies(CachePolicy policy, int64_t files, int64_t context_tokens) const {
  if (policy != CachePolicy::kAuto) return policy == CachePolicy::kAlways;
  return files >= options_.min_files || context_tokens >= options_.min_context_tokens;
}

bool ContextCache::TooOld(const CacheEntry& entry) const {
  const std::optional<Instant> created = ParseIso8601(entry.created_at);
  return !created || clock_->Now() - *created > std::chrono::hours(options_.max_age_hours);
}

Result<std::optional<CacheHit>> ContextCache::Look(const std::string& key, const CacheAsker& asker) {
  WFE_ASSIGN_OR_RETURN(const std::optional<std::string> row, rows_->GetRow(std::string(kContextCacheTable), key));
  std::optional<CacheEntry> entry = row ? ReadEntry(*row) : std::nullopt;
  if (entry && !TooOld(*entry)) {
    Result<std::string> result = source_->Get(entry->result);
    if (result) {
      WFE_RETURN_IF_ERROR(NoteHit(*entry, asker));
      return std::optional(CacheHit{.entry = *std::move(entry), .result = *std::move(result)});
    }
    // A result that is gone or damaged is no answer.
    if (result.error().code != StatusCode::kNotFound && result.error().code != StatusCode::kDataLoss) {
      return result.error();
    }
  }
  const json miss = {
      {"time", FormatIso8601Millis(clock_->Now())}, {"cache_key", key}, {"workflow_run_id", asker.workflow_run_id}};
  WFE_RETURN_IF_ERROR(rows_->AppendRow(std::string(kCacheMissesTable), asker.token, Text(miss)));
  return std::optional<CacheHit>();
}

Status ContextCache::NoteHit(const CacheEntry& entry, const CacheAsker& asker) {
  json saving = {
      {"saved_at", FormatIso8601Millis(clock_->Now())},
      {"optimization_type", "cache"},
      {"workflow_run_id", asker.workflow_run_id},
      {"tokens_saved", entry.tokens},
      {"cache_key", entry.cache_key},
      {"baseline", "what the same question cost in run " + entry.workflow_run_id + " at " + entry.created_at}};
  if (entry.cost_usd) saving["cost_saved_usd"] = *entry.cost_usd;
  WFE_ASSIGN_OR_RETURN(const bool first,
                       rows_->AppendRow(std::string(kCostSavingsTable), "cache/" + asker.token, Text(saving)));
  if (first) CountHit(entry.cache_key);
  return Ok();
}

void ContextCache::CountHit(const std::string& key) {
  // For people who look at one entry; the savings are what sums are made of, so a count that is lost loses nothing
  // else.
  for (int i = 0; i < kTries; ++i) {
    const auto row = rows_->GetRow(std::string(kContextCacheTable), key);
    if (!row || !*row) return;
    std::optional<CacheEntry> entry = ReadEntry(**row);
    if (!entry) return;
    ++entry->hits;
    const Status put = rows_->PutRow(std::string(kContextCacheTable), key, Text(*entry), **row);
    if (put || put.error().code != StatusCode::kAborted) return;
  }
}

Status ContextCache::Store(const CacheQuestion& question, CacheEntry entry, std::string_view result) {
  entry.cache_key = CacheKey(question);
  entry.task = CutText(question.task, kTaskBytes);
  entry.model = question.model;
  entry.files = InOrderOfPaths(question.files);
  entry.file_count = static_cast<int64_t>(question.files.size());
  entry.files.resize(std::min(entry.files.size(), CacheEntry::kMaxListedFiles));
  entry.created_at = FormatIso8601Millis(clock_->Now());
  entry.hits = 0;
  WFE_ASSIGN_OR_RETURN(const std::optional<std::string> known,
                       rows_->GetRow(std::string(kContextCacheTable), entry.cache_key));
  if (known) {
    const std::optional<CacheEntry> earlier = ReadEntry(*known);
    if (earlier && !TooOld(*earlier)) return Ok();
  }
  WFE_ASSIGN_OR_RETURN(entry.result, sink_->Put(result));
  entry.result_bytes = static_cast<int64_t>(result.size());
  const Status put = rows_->PutRow(std::string(kContextCacheTable), entry.cache_key, Text(entry), known);
  // Somebody else has answered the same question in the meantime.
  if (!put && put.error().code == StatusCode::kAborted) return Ok();
  return put;
}

Result<bool> ContextCache::Invalidate(const std::string& key) {
  for (int i = 0; i < kTries; ++i) {
    WFE_ASSIGN_OR_RETURN(const std::optional<std::string> row, rows_->GetRow(std::string(kContextCacheTable), key));
    if (!row) return false;
    const Status deleted = rows_->DeleteRow(std::string(kContextCacheTable), key, *row);
    if (deleted) return true;
    if (deleted.error().code != StatusCode::kAborted) return deleted.error();
  }
  return Error{StatusCode::kAborted, "the entry " + key + " changes all the time; try again", {}};
}

Result<int64_t> ContextCache::ClearOlderThan(int64_t days) {
  const Instant oldest = clock_->Now() - std::chrono::hours(24) * days;
  std::vector<std::pair<std::string, std::string>> old;
  WFE_RETURN_IF_ERROR(rows_->ScanRows(std::string(kContextCacheTable), "", [&](std::string key, std::string value) {
    const std::optional<CacheEntry> entry = ReadEntry(value);
    const std::optional<Instant> created = entry ? ParseIso8601(entry->created_at) : std::nullopt;
    if (!created || *created < oldest) old.emplace_back(std::move(key), std::move(value));
  }));
  int64_t cleared = 0;
  for (const auto& [key, seen] : old) {
    const Status deleted = rows_->DeleteRow(std::string(kContextCacheTable), key, seen);
    // One that somebody has just made anew is not old any more; one that was hit is the next clearing's.
    if (!deleted && deleted.error().code == StatusCode::kAborted) continue;
    WFE_RETURN_IF_ERROR(deleted);
    ++cleared;
  }
  return cleared;
}

Result<CacheStatistics> ContextCache::Statistics() {
  CacheStatistics statistics;
  WFE_RETURN_IF_ERROR(rows_->ScanRows(std::string(kContextCacheTable), "", [&](std::string, std::string value) {
    const std::optional<CacheEntry> entry = ReadEntry(value);
    ++statistics.entries;
    if (entry) statistics.result_bytes += entry->result_bytes;
  }));
  WFE_RETURN_IF_ERROR(
      rows_->ScanRows(std::string(kCacheMissesTable), "", [&](std::string, std::string) { ++statistics.misses; }));
  WFE_RETURN_IF_ERROR(rows_->ScanRows(std::string(kCostSavingsTable), "cache/", [&](std::string, std::string value) {
    const json row = ParseJson(value);
    ++statistics.hits;
    if (!row.is_object()) return;
    if (const auto tokens = row.find("tokens_saved"); tokens != row.end() && tokens->is_number_integer()) {
      statistics.tokens_saved += tokens->get<int64_t>();
    }
    const auto cost = row.find("cost_saved_usd");
    if (cost == row.end() || !cost->is_number()) return;
    const Result<Money> saved = Money::FromNumber(cost->get<double>());
    if (saved) statistics.cost_saved_usd = statistics.cost_saved_usd.PlusAtMost(*saved);
  }));
  return statistics;
}

}  // namespace wfe::agent
