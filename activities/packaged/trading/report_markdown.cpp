#include <fmt/format.h>

#include "activities/analytics/reports/markdown_text.h"
#include "activities/packaged/trading/report.h"
#include "activities/packaged/trading/rules.h"

namespace wfe::trading {
namespace {

using analytics::reports::EscapeMarkdown;
using analytics::reports::MarkdownCode;

std::string_view StepOfFinding(const TradingFinding& finding) {
  const TradingRule* const rule = FindTradingRule(finding.rule);
  return rule == nullptr ? std::string_view() : rule->step;
}

class MarkdownReport {
 public:
  explicit MarkdownReport(const TradingReport& report) : report_(report) {}

  std::string Write() {
    out_ = packaged::ReportHeadMarkdown("Trading verification: " + report_.name, TradingHeadline(report_),
                                        TradingSummary(report_), report_.gaps);
    out_ += fmt::format("\nMade {}; {} files.\n", report_.generated_at, report_.sources.files.size());
    Recommended();
    for (const std::string_view step :
         {kStepSecurity, kStepAnalyze, kStepEdges, kStepPerformance, kStepBacktest, kStepTests}) {
      Step(step);
    }
    Model();
    Risks();
    Functions();
    out_ += packaged::SentencesMarkdown(kNotesTitle, NotesOf(report_));
    return std::move(out_);
  }

 private:
  void Recommended() {
    if (report_.recommendations.empty()) return;
    out_ += "\n## Recommendations\n\nThe worst first; points are what the risk score falls by once it is done "
            "alone.\n\n";
    for (const Recommendation& one : report_.recommendations) {
      out_ += fmt::format("{}. **{}** {} ({:.1f} points", one.rank, one.severity, EscapeMarkdown(one.text), one.gain);
      for (size_t i = 0; i < one.places.size() && i < 5; ++i) {
        out_ += (i == 0 ? "; " : ", ") + MarkdownCode(one.places[i]);
      }
      out_ += one.places.size() > 5 ? " …)\n" : ")\n";
    }
  }

  void Step(std::string_view step) {
    std::vector<TradingFinding> found;
    for (const TradingFinding& finding : FindingsOfRuns(report_.findings)) {
      if (StepOfFinding(finding) == step) found.push_back(finding);
    }
    const packaged::TextTable table = FindingsTable(found, "");
    const bool has_more = (step == kStepBacktest && report_.backtest) || (step == kStepTests && report_.tests);
    if (table.rows.empty() && !has_more) return;
    out_ += fmt::format("\n## {}\n", TitleOfStep(step));
    if (step == kStepBacktest && report_.backtest) Backtest(*report_.backtest);
    AddTable(table);
    if (step == kStepTests && report_.tests) Tests(*report_.tests);
  }

  void AddTable(const packaged::TextTable& table) {
    if (!table.rows.empty()) out_ += "\n" + packaged::TextTableMarkdown(table);
  }

  void Backtest(const BacktestReport& test) {
    out_ += fmt::format("\n{}() of {} on {}, {} to {}, {} bars; fee {:g} bps and slippage {:g} bps of the traded "
                        "value, orders at the next open, whole shares, {} at the start.\n",
                        test.entry.function, MarkdownCode(test.entry.file), EscapeMarkdown(PricesInWords(test)), test.from,
                        test.to, test.bars, test.costs.fee_bps, test.costs.slippage_bps,
                        "$" + test.costs.initial_cash.Rounded(2));
    if (!test.courses.empty()) {
      AddTable(CoursesTable(test));
      out_ += fmt::format("\nLook-ahead: {} decisions made again without later prices, {} changed{}.\n",
                          test.look_ahead.checked, test.look_ahead.changed,
                          test.look_ahead.failed > 0
                              ? fmt::format(", {} failed on so few bars", test.look_ahead.failed)
                              : "");
    }
  }

  void Tests(const TestCases& tests) {
    out_ += fmt::format("\n{}, run {} a sandbox:\n", MarkdownCode(tests.file), tests.sandboxed ? "in" : "without");
    AddTable(CasesTable(tests));
  }

  void Model() {
    if (!report_.review) return;
    out_ += fmt::format("\n## What a model adds\n\n{}{} Its findings are not in the score.\n\n{}\n",
                        EscapeMarkdown(report_.review->model),
                        report_.scripted ? ": canned answers, no model was asked." : ".",
                        EscapeMarkdown(report_.review->summary));
    AddTable(FindingsTable(report_.review->findings, ""));
    for (const std::string& one : report_.review->recommendations) out_ += "\n- " + EscapeMarkdown(one);
    if (!report_.review->recommendations.empty()) out_ += "\n";
  }

  void Risks() {
    if (!report_.risks) return;
    const RiskAssessment& risks = *report_.risks;
    out_ += fmt::format("\n## Risk\n\n{:.1f} of 100, {}. The score is {}.\n", risks.score, risks.grade, risks.formula);
    AddTable(FactorsTable(risks));
  }

  void Functions() {
    if (!report_.analysis || report_.analysis->functions.empty()) return;
    out_ += "\n## Functions\n";
    packaged::TextTable table{.id = "functions",
                              .title = "",
                              .columns = {"Place", "Function", "Lines", "Paths", "Says"},
                              .rows = {},
                              .whole_in = {},
                              .code = {0, 1},
                              .numbers = {2, 3}};
    for (const AlgorithmFunction& one : report_.analysis->functions) {
      table.rows.push_back({fmt::format("{}:{}", one.file, one.line), one.name, std::to_string(one.lines),
                            std::to_string(one.paths), one.says});
    }
    AddTable(table);
  }

  const TradingReport& report_;
  std::string out_;
};

}  // namespace

std::string TradingMarkdown(const TradingReport& report) { return MarkdownReport(report).Write(); }

}  // namespace wfe::trading
