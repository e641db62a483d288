// The rules by which an algorithm is judged, and the score that they come to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "activities/packaged/trading/trading.h"

namespace wfe::trading {

/// The steps of CW-4, as activities and as sections of the report.
inline constexpr std::string_view kStepAnalyze = "analyze_algorithm";
inline constexpr std::string_view kStepSecurity = "security_audit";
inline constexpr std::string_view kStepEdges = "identify_edge_cases";
inline constexpr std::string_view kStepPerformance = "performance_review";
inline constexpr std::string_view kStepBacktest = "backtest_algorithm";
inline constexpr std::string_view kStepTests = "generate_test_cases";

struct TradingRule {
  std::string_view id;
  std::string_view step;  ///< The step that reports it.
  std::string_view severity;
  std::string_view title;
  std::string_view advice;
};

const std::vector<TradingRule>& TradingRules();
/// nullptr: there is none of that name.
const TradingRule* FindTradingRule(std::string_view id);

/// A finding of a known rule.
TradingFinding MakeFinding(std::string_view rule, std::string file, int64_t line, std::string message,
                           std::string_view source);

/// By severity, file, line and rule.
void SortFindings(std::vector<TradingFinding>& findings);

/// What a rule of that severity weighs: critical 0.35, high 0.20, medium 0.08, low 0.02, info 0.
double SeverityWeight(std::string_view severity);
/// 100 (1 − Π (1 − w)), over the rules that have a finding, each once however many places it has; what a model says is
/// not in it.
double RiskScore(const std::vector<TradingFinding>& findings);
/// low below 20, moderate below 50, high below 80, else extreme.
std::string_view RiskGrade(double score);
RiskAssessment AssessRisks(const std::vector<TradingFinding>& findings);
/// One for each factor, in the order of severity and of what it gains.
std::vector<Recommendation> Recommend(const RiskAssessment& risks, const std::vector<TradingFinding>& findings);

}  // namespace wfe::trading
