#include "activities/analytics/ingest/parse_report.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace wfe::analytics {

using nlohmann::json;

int64_t ParseReport::problem_count() const {
  int64_t count = 0;
  for (const auto& [kind, of_kind] : problems_by_kind) count += of_kind;
  return count;
}

void ParseReport::Add(std::string file, int64_t line, const char* kind, std::string message) {
  ++problems_by_kind[kind];
  if (problems.size() < kMaxListedProblems) problems.push_back({std::move(file), line, kind, std::move(message)});
}

void ParseReport::Merge(const ParseReport& other) {
  files += other.files;
  bytes += other.bytes;
  lines += other.lines;
  entries += other.entries;
  duplicates += other.duplicates;
  rejected += other.rejected;
  for (const auto& [version, count] : other.schema_versions) schema_versions[version] += count;
  for (const auto& [kind, count] : other.problems_by_kind) problems_by_kind[kind] += count;
  for (const ParseProblem& problem : other.problems) {
    if (problems.size() == kMaxListedProblems) break;
    problems.push_back(problem);
  }
}

}  // namespace wfe::analytics
