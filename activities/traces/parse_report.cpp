#include "activities/traces/parse_report.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace wfe::activities {

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

void to_json(json& j, const ParseProblem& problem) {
  j = {{"file", problem.file}, {"line", problem.line}, {"kind", problem.kind}, {"message", problem.message}};
}

void from_json(const json& j, ParseProblem& problem) {
  j.at("file").get_to(problem.file);
  j.at("line").get_to(problem.line);
  j.at("kind").get_to(problem.kind);
  j.at("message").get_to(problem.message);
}

void to_json(json& j, const ParseReport& report) {
  j = {{"files", report.files},
       {"bytes", report.bytes},
       {"lines", report.lines},
       {"entries", report.entries},
       {"duplicates", report.duplicates},
       {"rejected", report.rejected},
       {"problems_by_kind", report.problems_by_kind},
       {"problems", report.problems}};
  json& versions = j["schema_versions"] = json::object();
  for (const auto& [version, count] : report.schema_versions) versions[std::to_string(version)] = count;
}

void from_json(const json& j, ParseReport& report) {
  j.at("files").get_to(report.files);
  j.at("bytes").get_to(report.bytes);
  j.at("lines").get_to(report.lines);
  j.at("entries").get_to(report.entries);
  j.at("duplicates").get_to(report.duplicates);
  j.at("rejected").get_to(report.rejected);
  j.at("problems_by_kind").get_to(report.problems_by_kind);
  j.at("problems").get_to(report.problems);
  report.schema_versions.clear();
  for (const auto& [version, count] : j.at("schema_versions").items()) {
    report.schema_versions[std::stoi(version)] = count.get<int64_t>();
  }
}

}  // namespace wfe::activities
