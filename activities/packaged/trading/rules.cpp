#include "activities/packaged/trading/rules.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "activities/packaged/common/severity.h"

namespace wfe::trading {
namespace {

constexpr std::string_view kFormula =
    "100 x (1 - the product of (1 - w) over all rules with a finding, each once); w is 0.35 for critical, 0.20 for "
    "high, 0.08 for medium, 0.02 for low; findings of a model are not counted";

/// In the score: the rules with a finding, by the worst severity that one of theirs has.
std::vector<RiskFactor> FactorsOf(const std::vector<TradingFinding>& findings) {
  std::vector<RiskFactor> factors;
  for (const TradingFinding& finding : findings) {
    if (finding.source == kByModel) continue;
    const auto found = std::ranges::find(factors, finding.rule, &RiskFactor::rule);
    if (found != factors.end()) {
      ++found->places;
      if (packaged::SeverityRank(finding.severity) < packaged::SeverityRank(found->severity)) found->severity = finding.severity;
      continue;
    }
    const TradingRule* const rule = FindTradingRule(finding.rule);
    factors.push_back({.rule = finding.rule,
                       .title = finding.title,
                       .severity = finding.severity,
                       .places = 1,
                       .advice = rule == nullptr ? "" : std::string(rule->advice)});
  }
  for (RiskFactor& factor : factors) factor.weight = SeverityWeight(factor.severity);
  return factors;
}

double ScoreOf(const std::vector<RiskFactor>& factors, const RiskFactor* without) {
  double good = 1;
  for (const RiskFactor& factor : factors) {
    if (&factor != without) good *= 1 - factor.weight;
  }
  return 100 * (1 - good);
}

}  // namespace

const std::vector<TradingRule>& TradingRules() {
  static const std::vector<TradingRule> kRules = {
      {"secret-in-code", kStepSecurity, "critical", "A secret stands in a file",
       "Take the secret out of the file, change it at the broker, and read it from the environment or a vault."},
      {"code-execution", kStepSecurity, "critical", "A text is run as code",
       "Replace eval() or exec() by a parser of exactly what is allowed, such as a table of operators."},
      {"shell-injection", kStepSecurity, "critical", "A value goes to a shell",
       "Start the program with a list of arguments and without a shell."},
      {"sql-injection", kStepSecurity, "high", "A statement is put together from values",
       "Give values to the database as parameters, with ? or %s in the statement."},
      {"unsafe-loading", kStepSecurity, "high", "A loaded file may run code",
       "Keep parameters in a format that holds data only, such as JSON."},
      {"insecure-transport", kStepSecurity, "medium", "A connection that anybody can read or change",
       "Use https:// and leave the check of certificates on."},
      {"secret-logged", kStepSecurity, "medium", "A secret is written to a log", "Log a name, never the value."},
      {"look-ahead", kStepBacktest, "critical", "Decisions use later prices",
       "Compute everything that a decision uses from the bars up to it alone; until then no figure of this algorithm "
       "means anything."},
      {"future-index", kStepAnalyze, "medium", "A later bar is read",
       "Make sure that the later bar is not used for the decision of the earlier one."},
      {"no-stop-loss", kStepAnalyze, "high", "Nothing ends a losing position",
       "Close a position once it has lost a fixed share, whatever the signal says."},
      {"no-position-limit", kStepAnalyze, "high", "Nothing limits a position",
       "Limit what may be invested, as a share of equity and by symbol, after all other computations."},
      {"missing-costs", kStepAnalyze, "medium", "Neither fees nor slippage are considered",
       "Subtract fees and slippage wherever a gain is compared with anything."},
      {"float-money", kStepAnalyze, "medium", "Amounts are added up as binary fractions",
       "Count money in whole cents or with decimal.Decimal."},
      {"off-by-one-window", kStepAnalyze, "medium", "A window has one value too many or too few",
       "Divide by the number of values that are summed, or use statistics.fmean of the slice."},
      {"float-equality", kStepAnalyze, "low", "Fractions are compared for equality",
       "Compare the difference with a tolerance, or count in whole ticks."},
      {"mutable-default", kStepAnalyze, "low", "A default value is shared by all calls",
       "Use None as the default and make the list inside."},
      {"unbounded-retry", kStepEdges, "high", "It tries again for ever",
       "Limit attempts and time, wait longer after each, and tell somebody; an order needs an id of its own, so that "
       "it is not placed twice."},
      {"division-by-zero", kStepEdges, "medium", "A divisor may be 0",
       "Decide what a market that does not move means, and return that before dividing."},
      {"empty-history", kStepEdges, "low", "A history may be empty", "Return no decisions for no bars."},
      {"swallowed-error", kStepEdges, "medium", "Failures are not noticed",
       "Catch what is expected, by its name, and let the rest be seen."},
      {"quadratic-loop", kStepPerformance, "medium", "The work grows with the square of the history",
       "Carry the sum from bar to bar, or compute all bars' values in one pass before the loop."},
      {"work-grows", kStepBacktest, "medium", "Measured: the work grows faster than the history",
       "Profile the decisions and carry results from bar to bar."},
      {"leverage", kStepBacktest, "high", "More is invested than there is",
       "Limit the weight to what risk management allows; beyond 1 it is borrowed money."},
      {"deep-drawdown", kStepBacktest, "medium", "More than a quarter was lost from a peak",
       "Scale positions by volatility, and set a limit of loss for the whole account."},
      {"costs-eat-gains", kStepBacktest, "medium", "Costs take more than half of the gain",
       "Trade less: a band around the target within which nothing is traded, or a longer holding period."},
      {"below-holding", kStepBacktest, "info", "Holding would have earned more",
       "Compare after risk: the drawdown of both stands beside their returns."},
      {"run-failed", kStepBacktest, "high", "The algorithm fails on the given prices",
       "Repair the line that is named; nothing was measured."},
      {"broken-contract", kStepBacktest, "high", "It does not give one number for each bar",
       "Return a list with one finite number for each bar that is given; nothing was measured."},
      {"case-failed", kStepTests, "medium", "A generated test case fails",
       "Run the generated file beside the algorithm, and repair what it shows."},
      {"unlimited-weight", kStepTests, "high", "A test drives the weight beyond its limit",
       "Clamp the weight as the last step."},
  };
  return kRules;
}

const TradingRule* FindTradingRule(std::string_view id) {
  const auto found = std::ranges::find(TradingRules(), id, &TradingRule::id);
  return found == TradingRules().end() ? nullptr : &*found;
}

TradingFinding MakeFinding(std::string_view rule, std::string file, int64_t line, std::string message,
                           std::string_view source) {
  const TradingRule* const known = FindTradingRule(rule);
  WFE_CHECK(known != nullptr, std::string(rule));
  return {.rule = std::string(rule),
          .severity = std::string(known->severity),
          .title = std::string(known->title),
          .file = std::move(file),
          .line = line,
          .message = std::move(message),
          .source = std::string(source)};
}

void SortFindings(std::vector<TradingFinding>& findings) {
  std::ranges::stable_sort(findings, [](const TradingFinding& a, const TradingFinding& b) {
    const size_t rank_a = packaged::SeverityRank(a.severity);
    const size_t rank_b = packaged::SeverityRank(b.severity);
    return std::tie(rank_a, a.file, a.line, a.rule) < std::tie(rank_b, b.file, b.line, b.rule);
  });
}

double SeverityWeight(std::string_view severity) {
  constexpr double kWeights[] = {0.35, 0.20, 0.08, 0.02, 0};
  const size_t rank = packaged::SeverityRank(severity);
  return rank < std::size(kWeights) ? kWeights[rank] : 0;
}

double RiskScore(const std::vector<TradingFinding>& findings) { return ScoreOf(FactorsOf(findings), nullptr); }

std::string_view RiskGrade(double score) {
  return score < 20 ? "low" : score < 50 ? "moderate" : score < 80 ? "high" : "extreme";
}

RiskAssessment AssessRisks(const std::vector<TradingFinding>& findings) {
  RiskAssessment risks{.formula = std::string(kFormula), .factors = FactorsOf(findings)};
  risks.score = ScoreOf(risks.factors, nullptr);
  risks.grade = RiskGrade(risks.score);
  for (RiskFactor& factor : risks.factors) factor.gain = risks.score - ScoreOf(risks.factors, &factor);
  std::ranges::stable_sort(risks.factors, [](const RiskFactor& a, const RiskFactor& b) {
    const size_t rank_a = packaged::SeverityRank(a.severity);
    const size_t rank_b = packaged::SeverityRank(b.severity);
    return std::tie(rank_a, b.places, a.rule) < std::tie(rank_b, a.places, b.rule);
  });
  return risks;
}

std::vector<Recommendation> Recommend(const RiskAssessment& risks, const std::vector<TradingFinding>& findings) {
  std::vector<Recommendation> list;
  for (const RiskFactor& factor : risks.factors) {
    if (factor.advice.empty()) continue;
    Recommendation one{.rank = static_cast<int64_t>(list.size()) + 1,
                       .rule = factor.rule,
                       .severity = factor.severity,
                       .text = factor.advice,
                       .gain = factor.gain};
    for (const TradingFinding& finding : findings) {
      if (finding.rule != factor.rule || finding.source == kByModel || finding.file.empty()) continue;
      std::string place = finding.file + (finding.line > 0 ? ":" + std::to_string(finding.line) : "");
      if (std::ranges::find(one.places, place) == one.places.end()) one.places.push_back(std::move(place));
    }
    list.push_back(std::move(one));
  }
  return list;
}

void CheckRecord(const CostModel& costs) {
  RequireOfRecord(costs.initial_cash > Money() && costs.initial_cash <= Money::Usd(10'000'000),
                  "backtest.initial_cash must be above 0 and at most 10,000,000");
  const auto in = [](double value, double most) { return value >= 0 && value <= most; };
  RequireOfRecord(in(costs.fee_bps, 1000), "backtest.fee_bps must be from 0 to 1000");
  RequireOfRecord(in(costs.slippage_bps, 1000), "backtest.slippage_bps must be from 0 to 1000");
  RequireOfRecord(costs.bars_per_year >= 1 && costs.bars_per_year <= 1'000'000,
                  "backtest.bars_per_year must be from 1 to 1,000,000");
}

}  // namespace wfe::trading
