// Answers to questions that were asked before (CE-1 to CE-3, RC-7): an entry for each question, its result as a blob, a
// row for each look-up that found something and for each that did not.
//   table                    key          value
//   "mutable_context_cache"  cache key    CacheEntry
//   "cost_savings_log"       see Hit      what a hit has saved (RC-11)
//   "cache_misses"           see Miss     a question that was not there
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/money.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "workers/client/blob_store.h"
#include "workers/client/row_store.h"

namespace wfe::agent {

inline constexpr std::string_view kContextCacheTable = "mutable_context_cache";
inline constexpr std::string_view kCostSavingsTable = "cost_savings_log";
inline constexpr std::string_view kCacheMissesTable = "cache_misses";

struct CachedFile {
  std::string path;    ///< Relative.
  std::string sha256;  ///< Of its content.
};
WFE_RECORD(CachedFile, path, sha256);

/// What was asked; two questions are the same when all of it is.
struct CacheQuestion {
  std::string task;
  std::string model;
  nlohmann::json parameters = nlohmann::json::object();
  std::vector<CachedFile> files;  ///< In any order.
};

/// SHA-256, in hexadecimal, over canonical JSON (keys in order, no blanks) of all of it, the files in order of their
/// paths (CE-1).
std::string CacheKey(const CacheQuestion& question);

struct CacheEntry {
  std::string cache_key;
  std::string task;               ///< Its beginning, for people.
  std::vector<CachedFile> files;  ///< At most kMaxListedFiles; the key is of all of them.
  int64_t file_count = 0;
  std::string model;
  std::string result;  ///< SHA-256 of the blob that holds it.
  int64_t result_bytes = 0;
  std::string created_at;
  int64_t hits = 0;
  int64_t tokens = 0;             ///< That the answer took.
  std::optional<Money> cost_usd;  ///< Absent: its price is not known.
  std::string workflow_run_id;    ///< Of the run that asked.
  std::string step_name;

  static constexpr size_t kMaxListedFiles = 200;
};
WFE_RECORD(CacheEntry, cache_key, task, files, file_count, model, result, result_bytes, created_at, hits, tokens,
           cost_usd, workflow_run_id, step_name);

/// Who asks; for the rows about it.  `token` is the same for the same look-up, however often it is tried.
struct CacheAsker {
  std::string token;
  std::string workflow_run_id;
};

struct CacheHit {
  CacheEntry entry;
  std::string result;
};

struct CacheStatistics {
  int64_t entries = 0;
  int64_t result_bytes = 0;
  int64_t hits = 0;
  int64_t misses = 0;
  int64_t tokens_saved = 0;
  Money cost_saved_usd;
  /// Of 1; nullopt when nobody has asked yet.
  std::optional<double> HitRate() const;
};

/// When an answer is kept and looked for (CE-3).
enum class CachePolicy { kNever, kAuto, kAlways };
/// nullopt for another word than never, auto and always; empty is never.
std::optional<CachePolicy> ParseCachePolicy(std::string_view word);

struct CacheOptions {
  int64_t max_age_hours = 24;
  int64_t min_files = 5;                 ///< kAuto: as many files,
  int64_t min_context_tokens = 100'000;  ///< or as much context.
};

/// Callable from any thread; blocks for the stores behind it.  Of two writers of one entry the first wins, and neither
/// loses what the other has written.
class ContextCache {
 public:
  ContextCache(std::shared_ptr<RowStore> rows, std::shared_ptr<BlobSink> sink, std::shared_ptr<BlobSource> source,
               std::shared_ptr<const Clock> clock, CacheOptions options = {});

  bool Applies(CachePolicy policy, int64_t files, int64_t context_tokens) const;

  /// The answer, if there is one that is not too old, and a row that says so: in the savings, with what it had cost as
  /// the baseline, or in the misses.
  Result<std::optional<CacheHit>> Look(const std::string& key, const CacheAsker& asker);
  /// Keeps an answer.  One that is there and not too old stays as it is.  `entry`: without key, result and hits.
  Status Store(const CacheQuestion& question, CacheEntry entry, std::string_view result);

  /// False: there was none.
  Result<bool> Invalidate(const std::string& key);
  /// Removes the entries older than so many days; their number.  The blobs stay, as all blobs do.
  Result<int64_t> ClearOlderThan(int64_t days);
  Result<CacheStatistics> Statistics();

 private:
  bool TooOld(const CacheEntry& entry) const;
  Status NoteHit(const CacheEntry& entry, const CacheAsker& asker);
  void CountHit(const std::string& key);

  const std::shared_ptr<RowStore> rows_;
  const std::shared_ptr<BlobSink> sink_;
  const std::shared_ptr<BlobSource> source_;
  const std::shared_ptr<const Clock> clock_;
  const CacheOptions options_;
};

}  // namespace wfe::agent
