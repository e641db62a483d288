// Where the events of the template store are kept: append-only rows by key.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace wfe::prompts {

/// The table of the records service that holds them.
inline constexpr std::string_view kTemplateTable = "prompt_templates";

/// Rows that are written once.  Callable from any thread.
class TemplateRows {
 public:
  virtual ~TemplateRows() = default;
  /// True: the row is new.  False: the key was there, and nothing changed.
  virtual Result<bool> Append(const std::string& key, const std::string& value) = 0;
  /// Hands every row whose key starts with `key_prefix` to `visit`, in key order.
  virtual Status Scan(const std::string& key_prefix,
                      const std::function<void(std::string key, std::string value)>& visit) = 0;
};

/// Rows in memory, for tests and dry runs.
class MemoryTemplateRows : public TemplateRows {
 public:
  Result<bool> Append(const std::string& key, const std::string& value) override {
    const std::lock_guard lock(mutex_);
    return rows_.try_emplace(key, value).second;
  }
  Status Scan(const std::string& key_prefix,
              const std::function<void(std::string key, std::string value)>& visit) override {
    std::map<std::string, std::string> rows;
    {
      const std::lock_guard lock(mutex_);
      rows = rows_;
    }
    for (auto row = rows.lower_bound(key_prefix); row != rows.end() && row->first.starts_with(key_prefix); ++row) {
      visit(row->first, row->second);
    }
    return Ok();
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> rows_;
};

}  // namespace wfe::prompts
