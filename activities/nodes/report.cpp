#include "activities/nodes/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace wfe::nodes {

const NodeCheck* GenerationReport::Find(std::string_view check) const {
  const auto found = std::ranges::find(checks, check, &NodeCheck::name);
  return found == checks.end() ? nullptr : &*found;
}

const std::vector<CheckWeight>& WeightsOf(std::string_view language) {
  static const std::vector<CheckWeight> kPythonWeights = {
      {"syntax", 25},          {"main_function", 10}, {"json_output", 15},   {"stdin_use", 10},
      {"undefined_names", 20}, {"import_order", 5},   {"runtime_import", 5}, {"call_tool_use", 10}};
  static const std::vector<CheckWeight> kCppWeights = {{"syntax", 25},    {"main_function", 10},   {"json_output", 15},
                                                       {"stdin_use", 10}, {"undefined_names", 20}, {"formatting", 5},
                                                       {"warnings", 5},   {"clang_tidy", 10}};
  static const std::vector<CheckWeight> kNone;
  return language == kPython ? kPythonWeights : language == kCpp ? kCppWeights : kNone;
}

double OverallScore(std::string_view language, const std::vector<NodeCheck>& checks) {
  double sum = 0;
  int weight = 0;
  bool parses = true;
  for (const CheckWeight& weighted : WeightsOf(language)) {
    const auto check = std::ranges::find(checks, weighted.check, &NodeCheck::name);
    if (check == checks.end() || check->status == kSkipped) continue;
    sum += weighted.weight * check->score;
    weight += weighted.weight;
    if (weighted.check == "syntax") parses = check->score > 0;
  }
  const double score = weight == 0 ? 0 : sum / weight;
  return parses ? score : std::min(score, kSyntaxErrorCap);
}

std::string GradeOf(double score) {
  constexpr auto kGrades = std::to_array<std::pair<double, const char*>>({{0.97, "A+"},
                                                                          {0.93, "A"},
                                                                          {0.90, "A-"},
                                                                          {0.87, "B+"},
                                                                          {0.83, "B"},
                                                                          {0.80, "B-"},
                                                                          {0.77, "C+"},
                                                                          {0.73, "C"},
                                                                          {0.70, "C-"},
                                                                          {0.60, "D"}});
  for (const auto& [least, grade] : kGrades) {
    if (score >= least) return grade;
  }
  return "F";
}

void Conclude(GenerationReport& report) {
  report.auto_fixes_applied = std::ranges::count_if(report.checks, &NodeCheck::auto_fixed);
  report.overall_score = OverallScore(report.language, report.checks);
  report.grade = GradeOf(report.overall_score);
}

std::string ScoreTag(double score) {
  // A score that is 0.9 but for its last bit is 0.9.
  return "score-" + std::to_string(static_cast<int>(std::floor(10 * score + 1e-9)) * 10);
}

std::string FeedbackOf(const GenerationReport& report) {
  std::string text;
  for (const NodeCheck& check : report.checks) {
    if (check.status == kBlocked) continue;  // the syntax says it
    for (const NodeFinding& finding : check.findings) {
      text += report.file.empty() ? "" : report.file;
      if (finding.line > 0) text += ":" + std::to_string(finding.line);
      text += (text.empty() || text.back() == '\n' ? "" : ": ") + finding.message + " [" + finding.rule + "]\n";
    }
  }
  return text;
}

}  // namespace wfe::nodes
