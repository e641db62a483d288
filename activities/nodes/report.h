// What an examination of generated code says (RC-1), and what it is worth (SG-4).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"

namespace wfe::nodes {

/// The languages that nodes are written in; each has its eight checks and their weights.
inline constexpr std::string_view kPython = "python";
inline constexpr std::string_view kCpp = "cpp";

/// The code that is examined is at least this good when its tests are worth running (SG-2); equality passes.
inline constexpr double kGateScore = 0.5;
/// What code that does not compile gets at most (SG-4).
inline constexpr double kSyntaxErrorCap = 0.25;

/// NodeCheck::status.
inline constexpr std::string_view kPass = "pass";        ///< Nothing wrong, or it is repaired (`auto_fixed`).
inline constexpr std::string_view kFail = "fail";        ///< `findings` says what.
inline constexpr std::string_view kBlocked = "blocked";  ///< The code is such that it cannot be examined; counts as 0.
inline constexpr std::string_view kSkipped = "skipped";  ///< This machine lacks a tool; not counted.

struct NodeFinding {
  std::string rule;     ///< Stable: the code that a tool gives, or ours ("stdin-not-read").
  int64_t line = 0;     ///< From 1, in the text as it came; 0: no line in particular.
  std::string message;  ///< One sentence.
  bool operator==(const NodeFinding&) const = default;
};
WFE_RECORD(NodeFinding, rule, line, message);

struct NodeCheck {
  std::string name;
  std::string status;
  double score = 0;         ///< 0 to 1; after repair.
  std::string message;      ///< Of the first finding, of the repair, or why it was not examined; "" for a plain pass.
  int64_t line = 0;         ///< Likewise.
  bool auto_fixed = false;  ///< It was wrong and has been repaired in the file.
  std::string rule;         ///< As `message`.
  std::vector<NodeFinding> findings;  ///< All that is left, at most 20.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(NodeCheck, name, status, score, message, line, auto_fixed, rule, findings);
constexpr RecordRules RulesOf(const NodeCheck*) { return {.required = "name status score", .seldom = "findings"}; }

struct GenerationReport {
  std::string report_id;  ///< The same for the same run, file and text.
  std::string node_id;
  std::string workflow_run_id;
  std::string file;  ///< Relative to its directory.
  std::string language;
  std::string content_hash;  ///< SHA-256 of the text as it is now, repairs included; hex.
  std::vector<NodeCheck> checks;
  int64_t auto_fixes_applied = 0;
  double overall_score = 0;  ///< 0 to 1.
  std::string grade;         ///< "A+" to "F".
  std::string template_id;
  int64_t template_version = 0;
  std::string model;
  std::string created_at;  ///< UTC, ISO 8601.
  nlohmann::json extra = nlohmann::json::object();

  bool PassesGate() const { return overall_score >= kGateScore; }
  const NodeCheck* Find(std::string_view check) const;
};
WFE_RECORD(GenerationReport, report_id, node_id, workflow_run_id, file, language, content_hash, checks,
           auto_fixes_applied, overall_score, grade, template_id, template_version, model, created_at);
constexpr RecordRules RulesOf(const GenerationReport*) {
  return {.subject = "generation report", .required = "report_id checks overall_score grade"};
}

struct CheckWeight {
  std::string_view check;
  int weight = 0;  ///< In hundredths; those of a language are 100 together.
};
/// In the order of a report; empty for a language that is not known.
const std::vector<CheckWeight>& WeightsOf(std::string_view language);

/// Weighted sum over the checks that were made, of the weights of these; at most kSyntaxErrorCap after a syntax error.
double OverallScore(std::string_view language, const std::vector<NodeCheck>& checks);

/// "A+", "A", "A-", "B+", … "D", "F".
std::string GradeOf(double score);

/// Fills in score, grade and the number of repairs from the checks.
void Conclude(GenerationReport& report);

/// RC-3: "score-90" for 0.93; 1.0 is "score-100".
std::string ScoreTag(double score);

/// One line a finding, for the prompt of an escalation and for people; "" when there is nothing.
std::string FeedbackOf(const GenerationReport& report);

}  // namespace wfe::nodes
