// One line of a trace read into a TraceEntry, with simdjson.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "activities/analytics/ingest/line_chain.h"
#include "activities/analytics/ingest/trace_table.h"

namespace wfe::analytics {

struct LineProblem {
  const char* kind;  ///< kProblemMalformed, kProblemSchema or kProblemArithmetic.
  std::string message;
};

/// Reads line after line; what it found is valid until the next Read.  Used from one thread.
class EntryLineReader {
 public:
  static constexpr size_t kPadding = 64;

  EntryLineReader();
  ~EntryLineReader();
  EntryLineReader(const EntryLineReader&) = delete;
  EntryLineReader& operator=(const EntryLineReader&) = delete;

  /// False: the line gives no entry.  `line` must be followed by kPadding readable bytes.  `table` tells which
  /// contexts' sections are known already; those are not read again.
  bool Read(std::string_view line, const TraceTable& table);

  /// Without file and line number.
  TraceEntry& entry();
  const std::vector<std::pair<std::string_view, std::string_view>>& sections() const;
  int schema_version() const;  ///< 0: none stated.
  const ChainLink& link() const;
  /// Of the last line, also when it gave an entry.
  std::vector<LineProblem>& problems();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::analytics
