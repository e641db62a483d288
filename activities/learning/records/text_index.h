// Similar texts, by words: SQLite's FTS5 with bm25 (RC-3).
//
// The index is in memory and made of the rows: they are the truth, so there is no second file that a crash could leave
// behind them, that a backup could forget or an upgrade would have to convert.  FTS5 is there in Debian's SQLite,
// decades of care are in it, and bm25 with stemming is what "similar" means for tasks and pieces of code of this size;
// vectors would need a model, which the way of a waiting person must not call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace wfe::learning {

/// One thread at a time.
class TextIndex {
 public:
  /// INTERNAL when the library cannot (no memory, built without FTS5).
  static Result<TextIndex> Open();
  TextIndex(TextIndex&&) noexcept;
  TextIndex& operator=(TextIndex&&) noexcept;
  ~TextIndex();

  /// Adds or replaces the texts of a row.
  Status Put(int64_t row, std::string_view title, std::string_view tags, std::string_view body);

  struct Match {
    int64_t row = 0;
    double relevance = 0;  ///< More is more similar; comparable within one answer only.
  };
  /// Rows that have any of the words, best first; a title counts three times, tags twice.  Any text is a question:
  /// operators and quotes in it are words.  No words, no rows.
  Result<std::vector<Match>> Find(std::string_view text) const;

 private:
  struct Impl;
  explicit TextIndex(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::learning
