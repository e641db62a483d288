#include "activities/packaged/trading/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "activities/packaged/trading/rules.h"
#include "engine/base/counted.h"

namespace wfe::trading {
namespace {

int64_t CountOutcome(const TestCases& tests, std::string_view outcome) {
  return std::ranges::count(tests.outcomes, outcome, &TestOutcome::outcome);
}

packaged::TextTable TableOf(std::string id, std::string title, std::vector<std::string> columns) {
  return {.id = std::move(id),
          .title = std::move(title),
          .columns = std::move(columns),
          .rows = {},
          .whole_in = "trading_report.json"};
}

}  // namespace

std::string PlaceOf(const TradingFinding& finding) {
  if (finding.file.empty()) return "the algorithm";
  return finding.line > 0 ? fmt::format("{}:{}", finding.file, finding.line) : finding.file;
}

std::string PricesInWords(const BacktestReport& test) {
  return test.prices.starts_with("made ") ? "prices " + test.prices : test.prices;
}

std::string Percents(double share) { return fmt::format("{:.1f} %", 100 * share); }

int64_t CountSeverity(const std::vector<TradingFinding>& findings, std::string_view severity) {
  return std::ranges::count(findings, severity, &TradingFinding::severity);
}

std::string_view TitleOfStep(std::string_view step) {
  if (step == kStepAnalyze) return "Logic";
  if (step == kStepSecurity) return "Security";
  if (step == kStepEdges) return "Edge cases";
  if (step == kStepPerformance) return "Performance";
  if (step == kStepBacktest) return "Back-test";
  return step == kStepTests ? "Test cases" : "";
}

std::vector<TradingFinding> FindingsOfRuns(const std::vector<TradingFinding>& findings) {
  std::vector<TradingFinding> found;
  std::ranges::copy_if(findings, std::back_inserter(found),
                       [](const TradingFinding& finding) { return finding.source != kByModel; });
  return found;
}

packaged::TextTable FindingsTable(const std::vector<TradingFinding>& findings, const std::string& title) {
  packaged::TextTable table = TableOf("", title, {"Severity", "Place", "Finding", "What", "Evidence", "Found by"});
  table.code = {1, 4};
  for (const TradingFinding& finding : findings) {
    table.rows.push_back(
        {finding.severity, PlaceOf(finding), finding.title, finding.message, finding.evidence, finding.source});
  }
  return table;
}

packaged::TextTable CoursesTable(const BacktestReport& test) {
  packaged::TextTable table =
      TableOf("courses", "What the decisions come to",
              {"Course", "Return", "A year", "Drawdown", "Sharpe", "Invested", "Trades", "Costs"});
  table.numbers = {1, 2, 3, 4, 5, 6, 7};
  for (const BacktestFigures& course : test.courses) {
    table.rows.push_back({course.name + (course.ruined_on.empty() ? "" : " (ruined on " + course.ruined_on + ")"),
                          Percents(course.total_return), Percents(course.annual_return),
                          Percents(course.max_drawdown), course.sharpe ? fmt::format("{:.2f}", *course.sharpe) : "none",
                          Percents(course.days_invested), std::to_string(course.trades),
                          "$" + course.fees.PlusAtMost(course.slippage).Rounded(2)});
  }
  return table;
}

packaged::TextTable CasesTable(const TestCases& tests) {
  packaged::TextTable table = TableOf("cases", "Generated cases", {"Outcome", "Case", "Asks for", "Says"});
  table.code = {1};
  for (const TestOutcome& one : tests.outcomes) table.rows.push_back({one.outcome, one.name, one.says, one.message});
  return table;
}

packaged::TextTable FactorsTable(const RiskAssessment& risks) {
  packaged::TextTable table = TableOf("factors", "Rules in the score", {"Severity", "Rule", "Places", "Weight", "Points"});
  table.numbers = {2, 3, 4};
  for (const RiskFactor& factor : risks.factors) {
    table.rows.push_back({factor.severity, factor.title, std::to_string(factor.places),
                          fmt::format("{:.2f}", factor.weight), fmt::format("{:.1f}", factor.gain)});
  }
  return table;
}

std::vector<std::string> NotesOf(const TradingReport& report) {
  std::vector<std::string> notes;
  const auto add = [&](const std::vector<std::string>& more) {
    for (const std::string& note : more) {
      if (std::ranges::find(notes, note) == notes.end()) notes.push_back(note);
    }
  };
  if (report.analysis) add(report.analysis->notes);
  if (report.backtest) add(report.backtest->notes);
  if (report.review && report.review->dropped > 0) {
    add({fmt::format("{} of the model named a place that is not there, and {} left out",
                     Counted(report.review->dropped, "finding"),
                     report.review->dropped == 1 ? "is" : "are")});
  }
  return notes;
}

std::string TradingHeadline(const TradingReport& report) {
  std::string headline = Counted(report.findings.size(), "finding");
  if (const int64_t critical = CountSeverity(report.findings, "critical"); critical > 0) {
    headline += fmt::format(", {} of them critical", critical);
  }
  if (!report.risks || !report.analysis) {
    headline += "; the risk was not assessed";
  } else {
    headline = fmt::format("risk {:.0f} of 100 ({}): {}", report.risks->score, report.risks->grade, headline);
  }
  // Without any of its own the figures say nothing of a market, which nobody must have to look for.
  const bool ran = report.backtest && !report.backtest->courses.empty();
  return ran && report.sources.prices.empty() ? headline + "; back-tested on made-up prices" : headline;
}

std::vector<std::string> TradingSummary(const TradingReport& report) {
  std::vector<std::string> summary;
  if (report.backtest && !report.backtest->courses.empty()) {
    const BacktestReport& test = *report.backtest;
    const BacktestFigures& net = test.courses.front();
    const BacktestFigures& hold = test.courses.back();
    summary.push_back(fmt::format("back-test over {} {}bars: {} with costs, drawdown {}; holding {}", test.bars,
                                  report.sources.prices.empty() ? "made-up " : "",
                                  Percents(net.total_return), Percents(net.max_drawdown), Percents(hold.total_return)));
    if (test.look_ahead.checked == 0) {
      summary.emplace_back("whether it looks ahead could not be measured; the notes say why");
    }
    if (test.look_ahead.changed > 0) {
      summary.push_back(fmt::format("it looks ahead: {} of {} decisions change without later prices",
                                    test.look_ahead.changed,
                                    test.look_ahead.checked));
      for (const BacktestFigures& course : test.courses) {
        if (course.name != "without later prices") continue;
        summary.push_back("without later prices it comes to " + Percents(course.total_return));
      }
    }
  }
  if (report.backtest && report.backtest->courses.empty()) {
    summary.emplace_back("it was not back-tested: nothing here says what it earns or loses");
  }
  if (report.tests) {
    const int64_t not_run = CountOutcome(*report.tests, "not run");
    summary.push_back(fmt::format("generated test cases: {} of {} pass{}", CountOutcome(*report.tests, "passed"),
                                  report.tests->outcomes.size(),
                                  not_run > 0 ? fmt::format(", {} did not run", not_run) : ""));
  }
  if (!report.recommendations.empty()) summary.push_back("first: " + report.recommendations.front().text);
  return summary;
}

}  // namespace wfe::trading
