// Rows of tables as activities see them: by key, most of them written once.  The records service is the usual place
// behind it (workers/client/records_client.h); tests use MemoryRows.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/result.h"

namespace wfe {

/// Callable from any thread; what is written is durable when a call returns.
class RowStore {
 public:
  virtual ~RowStore() = default;
  /// True: the row is new.  False: the key was there, and nothing changed.
  virtual Result<bool> AppendRow(const std::string& table, const std::string& key, const std::string& value) = 0;
  /// nullopt when there is none.
  virtual Result<std::optional<std::string>> GetRow(const std::string& table, const std::string& key) = 0;
  /// Replaces a row of a table named "mutable_…", or makes it.  `replaces`: the value that the caller has seen;
  /// nullopt: none.  ABORTED when the row is another by now.
  virtual Status PutRow(const std::string& table, const std::string& key, const std::string& value,
                        const std::optional<std::string>& replaces) = 0;
  /// Deletes it, if it is still what the caller has seen.  ABORTED when not; a row that is gone is fine.
  virtual Status DeleteRow(const std::string& table, const std::string& key, const std::string& seen) = 0;
  /// Hands every row whose key starts with `key_prefix` to `visit`, in key order.
  virtual Status ScanRows(const std::string& table, const std::string& key_prefix,
                          const std::function<void(std::string key, std::string value)>& visit) = 0;
};

/// Rows in memory, for tests and dry runs.
class MemoryRows final : public RowStore {
 public:
  Result<bool> AppendRow(const std::string& table, const std::string& key, const std::string& value) override {
    const std::lock_guard lock(mutex_);
    return tables_[table].try_emplace(key, value).second;
  }
  Result<std::optional<std::string>> GetRow(const std::string& table, const std::string& key) override {
    const std::lock_guard lock(mutex_);
    const auto& rows = tables_[table];
    const auto found = rows.find(key);
    return found == rows.end() ? std::optional<std::string>() : std::optional(found->second);
  }
  Status PutRow(const std::string& table, const std::string& key, const std::string& value,
                const std::optional<std::string>& replaces) override {
    const std::lock_guard lock(mutex_);
    auto& rows = tables_[table];
    const auto found = rows.find(key);
    const auto known = found == rows.end() ? std::optional<std::string>() : std::optional(found->second);
    if (known != value && known != replaces) return Error{StatusCode::kAborted, "the row is another by now", {}};
    rows[key] = value;
    return Ok();
  }
  Status DeleteRow(const std::string& table, const std::string& key, const std::string& seen) override {
    const std::lock_guard lock(mutex_);
    auto& rows = tables_[table];
    const auto found = rows.find(key);
    if (found == rows.end()) return Ok();
    if (found->second != seen) return Error{StatusCode::kAborted, "the row is another by now", {}};
    rows.erase(found);
    return Ok();
  }
  Status ScanRows(const std::string& table, const std::string& key_prefix,
                  const std::function<void(std::string key, std::string value)>& visit) override {
    std::map<std::string, std::string> rows;
    {
      const std::lock_guard lock(mutex_);
      rows = tables_[table];
    }
    for (const auto& [key, value] : rows) {
      if (key.starts_with(key_prefix)) visit(key, value);
    }
    return Ok();
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::map<std::string, std::string>> tables_;
};

}  // namespace wfe
