// What the verification of a trading algorithm (CW-4) speaks of: plain values that its steps, its workflow and its
// report share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/money.h"
#include "engine/base/record_json.h"

namespace wfe::trading {

/// A file of the examined folder.
struct SourceFile {
  std::string path;      ///< Relative to the folder.
  std::string language;  ///< "python" is examined as such; any other by patterns only.
  std::string sha256;    ///< Of the content that was examined; a step that finds another one fails.
  int64_t bytes = 0;
  std::string fault;  ///< Why it is not examined; else empty.

  friend bool operator==(const SourceFile&, const SourceFile&) = default;
};
WFE_RECORD(SourceFile, path, language, sha256, bytes, fault);
constexpr RecordRules RulesOf(const SourceFile*) { return {.required = "path", .seldom = "fault"}; }

inline constexpr std::string_view kPythonLanguage = "python";

struct TradingSources {
  std::vector<SourceFile> files;
  std::string parameters;  ///< Path of a JSON object that the algorithm is given; empty: none.
  std::string prices;      ///< Path of a CSV file with bars; empty: seeded ones are made.
};
WFE_RECORD(TradingSources, files, parameters, prices);

/// TradingFinding::source.
inline constexpr std::string_view kBySyntax = "syntax";      ///< Python's own parser.
inline constexpr std::string_view kByPatterns = "patterns";  ///< Text alone.
inline constexpr std::string_view kByRun = "run";            ///< The algorithm was run.
inline constexpr std::string_view kByModel = "model";        ///< A model says so; not in the score.

struct TradingFinding {
  std::string rule;  ///< A rule of rules.h; "model" for what a model found.
  std::string severity;
  std::string title;
  std::string file;  ///< Empty: of the algorithm as a whole.
  int64_t line = 0;  ///< From 1; 0: none.
  std::string message;
  std::string evidence;  ///< The line itself, without secrets.
  std::string source;

  friend bool operator==(const TradingFinding&, const TradingFinding&) = default;
};
WFE_RECORD(TradingFinding, rule, severity, title, file, line, message, evidence, source);
constexpr RecordRules RulesOf(const TradingFinding*) {
  return {.required = "rule severity", .seldom = "file line evidence"};
}

/// A function of the algorithm.
struct AlgorithmFunction {
  std::string file;
  std::string name;
  int64_t line = 0;
  int64_t lines = 0;
  int64_t paths = 0;  ///< 1 and one more for each branch (cyclomatic complexity).
  std::string says;   ///< First line of its docstring.

  friend bool operator==(const AlgorithmFunction&, const AlgorithmFunction&) = default;
};
WFE_RECORD(AlgorithmFunction, file, name, line, lines, paths, says);
constexpr RecordRules RulesOf(const AlgorithmFunction*) { return {.seldom = "says"}; }

/// Where decisions come from: signals(bars, params) gives one for each bar, decide(bars, params) one for the last bar.
struct AlgorithmEntry {
  std::string file;
  std::string function;  ///< "signals" or "decide"; empty: there is none, and nothing can be run.

  friend bool operator==(const AlgorithmEntry&, const AlgorithmEntry&) = default;
};
WFE_RECORD(AlgorithmEntry, file, function);

/// A file that should have been examined and could not be: no UTF-8, too large, not what Python reads.
struct UnreadFile {
  std::string path;
  std::string reason;

  friend bool operator==(const UnreadFile&, const UnreadFile&) = default;
};
WFE_RECORD(UnreadFile, path, reason);

struct AlgorithmAnalysis {
  AlgorithmEntry entry;
  std::vector<AlgorithmFunction> functions;
  std::vector<std::string> imports;
  std::vector<TradingFinding> findings;
  std::string method;              ///< "syntax", or "patterns" where the machine has no Python.
  std::vector<UnreadFile> unread;
  int64_t programs_read = 0;       ///< In Python, as `method` says; of 0 nothing can be said, good or bad.
  std::vector<std::string> notes;  ///< What was examined in part, file by file.
  int64_t programs_empty = 0;      ///< In Python, without a line of code: not among those read.
};
WFE_RECORD(AlgorithmAnalysis, entry, functions, imports, findings, method, unread, programs_read, notes,
           programs_empty);
constexpr RecordRules RulesOf(const AlgorithmAnalysis*) { return {.seldom = "programs_empty"}; }

/// What the other examining steps give.
struct StepFindings {
  std::vector<TradingFinding> findings;
  std::string method;
  std::vector<std::string> notes;
};
WFE_RECORD(StepFindings, findings, method, notes);

/// One execution of a decision.
struct Trade {
  std::string date;
  int64_t shares = 0;  ///< Bought; sold where negative.
  Money price;
  Money fee;
  Money slippage;

  friend bool operator==(const Trade&, const Trade&) = default;
};
WFE_RECORD(Trade, date, shares, price, fee, slippage);

/// What a course of decisions comes to.
struct BacktestFigures {
  std::string name;
  Money final_equity;
  double total_return = 0;   ///< 0.12: 12 %.
  double annual_return = 0;  ///< Compounded to a year of bars.
  double max_drawdown = 0;   ///< The largest fall from a peak, of the peak.
  std::string peak_date;
  std::string trough_date;
  std::optional<double> sharpe;  ///< Of a year, without interest; absent where equity does not move.
  double worst_day = 0;          ///< The lowest return of a bar.
  double days_invested = 0;      ///< Share of bars that end with a position.
  double mean_exposure = 0;      ///< Of the position's value to equity, over all bars.
  double max_exposure = 0;
  int64_t trades = 0;
  double turnover = 0;  ///< Value traded to initial equity.
  Money fees;
  Money slippage;
  std::string ruined_on;  ///< Equity was gone; nothing was traded after.

  friend bool operator==(const BacktestFigures&, const BacktestFigures&) = default;
};
WFE_RECORD(BacktestFigures, name, final_equity, total_return, annual_return, max_drawdown, peak_date, trough_date,
           sharpe,
           worst_day, days_invested, mean_exposure, max_exposure, trades, turnover, fees, slippage, ruined_on);
constexpr RecordRules RulesOf(const BacktestFigures*) { return {.seldom = "ruined_on"}; }

/// Equity of each course at the close of a bar.
struct CurvePoint {
  std::string date;
  double net = 0;
  double gross = 0;
  double hold = 0;
  std::optional<double> honest;  ///< Decided from the bars up to each bar alone.

  friend bool operator==(const CurvePoint&, const CurvePoint&) = default;
};
WFE_RECORD(CurvePoint, date, net, gross, hold, honest);

/// Whether a decision changes when later bars are taken away.
struct LookAhead {
  int64_t checked = 0;  ///< Bars whose decision was made again without what follows.
  int64_t changed = 0;
  int64_t failed = 0;  ///< The algorithm failed on so few bars.
  std::string first_date;
  double as_written = 0;  ///< The decision of that bar with all bars,
  double without = 0;     ///< and with those up to it.

  friend bool operator==(const LookAhead&, const LookAhead&) = default;
};
WFE_RECORD(LookAhead, checked, changed, failed, first_date, as_written, without);

/// Lines of Python that run for so many bars.
struct WorkCount {
  int64_t bars = 0;
  int64_t lines = 0;

  friend bool operator==(const WorkCount&, const WorkCount&) = default;
};
WFE_RECORD(WorkCount, bars, lines);

struct CostModel {
  Money initial_cash = Money::Usd(100'000);
  double fee_bps = 5;       ///< Of the traded value, in hundredths of a percent.
  double slippage_bps = 5;  ///< Likewise: by how much a price is worse than the bar's open.
  double bars_per_year = 252;

  friend bool operator==(const CostModel&, const CostModel&) = default;
};
WFE_RECORD(CostModel, initial_cash, fee_bps, slippage_bps, bars_per_year);
constexpr RecordRules RulesOf(const CostModel*) { return {.refuses_unknown = true, .subject = "backtest"}; }
void CheckRecord(const CostModel& costs);

struct BacktestReport {
  AlgorithmEntry entry;
  std::string prices;  ///< Where they are from: a file, or "seed 7".
  int64_t bars = 0;
  std::string from;
  std::string to;
  CostModel costs;
  /// With costs, without, from the bars up to each alone (where that was done for every bar), and holding from the
  /// first to the last bar, with costs.
  std::vector<BacktestFigures> courses;
  LookAhead look_ahead;
  double max_weight = 0;  ///< The largest share of equity that was to be invested, either way.
  std::vector<WorkCount> work;
  double seconds = 0;  ///< Of one run over all bars, on this machine.
  std::vector<CurvePoint> curve;  ///< At most 120 points.
  std::vector<Trade> trades;      ///< Of the first course.
  std::vector<TradingFinding> findings;
  std::vector<std::string> notes;
  bool sandboxed = false;
  std::string fault;  ///< Why the algorithm never came to its decisions, with its place; then there are no courses.
};
WFE_RECORD(BacktestReport, entry, prices, bars, from, to, costs, courses, look_ahead, max_weight, work, seconds, curve,
           trades, findings, notes, sandboxed, fault);
constexpr RecordRules RulesOf(const BacktestReport*) { return {.seldom = "fault"}; }

/// One generated case, run.
struct TestOutcome {
  std::string name;
  std::string says;     ///< What the case asks for.
  std::string outcome;  ///< passed, failed, skipped, or not run.
  std::string message;
  std::string file;  ///< Where the algorithm failed.
  int64_t line = 0;

  friend bool operator==(const TestOutcome&, const TestOutcome&) = default;
};
WFE_RECORD(TestOutcome, name, says, outcome, message, file, line);
constexpr RecordRules RulesOf(const TestOutcome*) { return {.seldom = "message file line"}; }

struct TestCases {
  std::string file;  ///< "test_trading_algorithm.py"
  std::string text;
  std::vector<TestOutcome> outcomes;
  std::vector<TradingFinding> findings;
  bool sandboxed = false;
  std::string fault;  ///< Why some of them were not run.
};
WFE_RECORD(TestCases, file, text, outcomes, findings, sandboxed, fault);
constexpr RecordRules RulesOf(const TestCases*) { return {.seldom = "fault"}; }

/// One rule's part in the score.
struct RiskFactor {
  std::string rule;
  std::string title;
  std::string severity;
  double weight = 0;
  int64_t places = 0;
  double gain = 0;  ///< By how many points the score falls once all its places are gone.
  std::string advice;

  friend bool operator==(const RiskFactor&, const RiskFactor&) = default;
};
WFE_RECORD(RiskFactor, rule, title, severity, weight, places, gain, advice);

struct RiskAssessment {
  double score = 0;   ///< From 0 to 100 (RiskScore in rules.h).
  std::string grade;  ///< low, moderate, high or extreme.
  std::string formula;
  std::vector<RiskFactor> factors;  ///< The worst first.
};
WFE_RECORD(RiskAssessment, score, grade, formula, factors);

struct Recommendation {
  int64_t rank = 0;
  std::string rule;
  std::string severity;
  std::string text;
  std::vector<std::string> places;  ///< "momentum.py:25"
  double gain = 0;

  friend bool operator==(const Recommendation&, const Recommendation&) = default;
};
WFE_RECORD(Recommendation, rank, rule, severity, text, places, gain);

struct Recommendations {
  std::vector<Recommendation> list;
};
WFE_RECORD(Recommendations, list);

/// What a model adds.
struct ModelReview {
  std::string summary;
  std::vector<TradingFinding> findings;
  std::vector<std::string> recommendations;
  int64_t dropped = 0;  ///< Findings that name a place which is not there.
  std::string model;
};
WFE_RECORD(ModelReview, summary, findings, recommendations, dropped, model);

}  // namespace wfe::trading
