// The report of a verification: one value, and the three ways in which it is delivered (RP-11).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "activities/packaged/common/deliverables.h"
#include "activities/packaged/common/report_parts.h"
#include "activities/packaged/trading/trading.h"

namespace wfe::trading {

struct TradingReport {
  std::string name;  ///< Of the folder.
  std::string generated_at;
  TradingSources sources;
  std::optional<AlgorithmAnalysis> analysis;
  std::optional<BacktestReport> backtest;
  std::optional<TestCases> tests;
  std::optional<RiskAssessment> risks;
  std::vector<Recommendation> recommendations;
  std::optional<ModelReview> review;
  bool scripted = false;                 ///< The review is a canned one.
  std::vector<TradingFinding> findings;  ///< Of all steps, the worst first.
  std::vector<packaged::Gap> gaps;
};
WFE_RECORD(TradingReport, name, generated_at, sources, analysis, backtest, tests, risks, recommendations, review,
           scripted,
           findings, gaps);
constexpr RecordRules RulesOf(const TradingReport*) { return {.required = "name", .seldom = "scripted gaps"}; }

/// "risk 97 of 100 (extreme): 23 findings, 5 of them critical".
std::string TradingHeadline(const TradingReport& report);
std::vector<std::string> TradingSummary(const TradingReport& report);

std::string TradingMarkdown(const TradingReport& report);
std::string TradingHtml(const TradingReport& report);

// Shared by the renderings.
/// "prices.csv", or "prices made from seed 14".
std::string PricesInWords(const BacktestReport& test);
std::string PlaceOf(const TradingFinding& finding);
std::string Percents(double share);
int64_t CountSeverity(const std::vector<TradingFinding>& findings, std::string_view severity);
/// "analyze_algorithm": "Logic"; empty for another word.
std::string_view TitleOfStep(std::string_view step);
/// Those that no model made.
std::vector<TradingFinding> FindingsOfRuns(const std::vector<TradingFinding>& findings);
packaged::TextTable FindingsTable(const std::vector<TradingFinding>& findings, const std::string& title);
/// Figures of each course: name, return, a year, drawdown, Sharpe, exposure, trades, costs.
packaged::TextTable CoursesTable(const BacktestReport& test);
packaged::TextTable CasesTable(const TestCases& tests);
packaged::TextTable FactorsTable(const RiskAssessment& risks);
inline constexpr std::string_view kNotesTitle = "What was examined only in part";
/// Everything that was not looked at or only in part, in sentences.
std::vector<std::string> NotesOf(const TradingReport& report);

}  // namespace wfe::trading
