// What was wrong with the traces that were read; plain data that crosses activity boundaries.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/base/record.h"

namespace wfe::analytics {

// The kinds of problem.
inline constexpr const char* kProblemMalformed =
    "malformed";                                         ///< No JSON object, a torn last line, an unreadable file.
inline constexpr const char* kProblemSchema = "schema";  ///< A field is missing or of the wrong type or form.
inline constexpr const char* kProblemArithmetic = "arithmetic";  ///< LG-6, LG-11
inline constexpr const char* kProblemClock = "clock";            ///< Back in time within a run, or in the future.
inline constexpr const char* kProblemSchemaVersion = "schema_version";  ///< Written under another version.
inline constexpr const char* kProblemChain = "chain";                   ///< TR-9

struct ParseProblem {
  std::string file;
  int64_t line = 0;  ///< 1-based; 0: of the file as a whole.
  std::string kind;
  std::string message;
  friend bool operator==(const ParseProblem&, const ParseProblem&) = default;
};
WFE_RECORD(ParseProblem, file, line, kind, message);
constexpr RecordRules RulesOf(const ParseProblem*) { return {.whole = true}; }

inline constexpr size_t kMaxListedProblems = 1000;

/// Counters and problems of reading.  Every problem is counted; the first kMaxListedProblems are listed.
struct ParseReport {
  int64_t files = 0;
  int64_t bytes = 0;
  int64_t lines = 0;
  int64_t entries = 0;                     ///< Rows added to the table.
  int64_t duplicates = 0;                  ///< Entries that were there already (OP-2).
  int64_t rejected = 0;                    ///< Lines that gave no entry.
  std::map<int, int64_t> schema_versions;  ///< Entries by ext.schema_version; 0: none stated.
  std::map<std::string, int64_t> problems_by_kind;
  std::vector<ParseProblem> problems;

  int64_t problem_count() const;
  void Add(std::string file, int64_t line, const char* kind, std::string message);
  /// Adds what another part found, after what is here.
  void Merge(const ParseReport& other);
  friend bool operator==(const ParseReport&, const ParseReport&) = default;
};
WFE_RECORD(ParseReport, files, bytes, lines, entries, duplicates, rejected, schema_versions, problems_by_kind,
           problems);
constexpr RecordRules RulesOf(const ParseReport*) { return {.whole = true}; }

}  // namespace wfe::analytics
