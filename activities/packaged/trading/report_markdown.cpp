#include <fmt/format.h>

#include "activities/analytics/reports/markdown_text.h"
#include "activities/packaged/trading/report.h"
#include "activities/packaged/trading/rules.h"

namespace wfe::trading {
namespace {

using analytics::reports::EscapeMarkdown;
using analytics::reports::MarkdownCode;
using analytics::reports::MarkdownTable;

std::string_view StepOfFinding(const TradingFinding& finding) {
  const TradingRule* const rule = FindTradingRule(finding.rule);
  return rule == nullptr ? std::string_view() : rule->step;
}

class MarkdownReport {
 public:
  explicit MarkdownReport(const TradingReport& report) : report_(report) {}

  std::string Write() {
    out_ = fmt::format("# Trading verification: {}\n\n**{}.**\n", EscapeMarkdown(report_.name),
                       TradingHeadline(report_));
    for (const std::string& sentence : TradingSummary(report_)) out_ += "\n- " + EscapeMarkdown(sentence);
    out_ += fmt::format("\n\nMade {}; {} files.\n", report_.generated_at, report_.sources.files.size());
    Gaps();
    Recommended();
    for (const std::string_view step :
         {kStepSecurity, kStepAnalyze, kStepEdges, kStepPerformance, kStepBacktest, kStepTests}) {
      Step(step);
    }
    Model();
    Risks();
    Functions();
    List("What was not examined, or only in part", NotesOf(report_));
    return std::move(out_);
  }

 private:
  void Gaps() {
    if (report_.gaps.empty()) return;
    out_ += "\n## Missing\n";
    for (const packaged::Gap& gap : report_.gaps) {
      out_ += fmt::format("\n- {}: {}", MarkdownCode(gap.step), EscapeMarkdown(gap.reason));
    }
    out_ += "\n";
  }

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
    std::vector<std::vector<std::string>> rows;
    for (const TradingFinding& finding : report_.findings) {
      if (finding.source == kByModel || StepOfFinding(finding) != step) continue;
      rows.push_back(Row(finding));
    }
    const bool has_more = (step == kStepBacktest && report_.backtest) || (step == kStepTests && report_.tests);
    if (rows.empty() && !has_more) return;
    out_ += fmt::format("\n## {}\n", TitleOfStep(step));
    if (step == kStepBacktest && report_.backtest) Backtest(*report_.backtest);
    if (!rows.empty()) {
      out_ += "\n" + MarkdownTable({"Severity", "Place", "Finding", "What"}, {false, false, false, false}, rows);
    }
    if (step == kStepTests && report_.tests) Tests(*report_.tests);
  }

  static std::vector<std::string> Row(const TradingFinding& finding) {
    std::string what = EscapeMarkdown(finding.message);
    if (!finding.evidence.empty()) what += ": " + MarkdownCode(finding.evidence, true);
    return {finding.severity, MarkdownCode(PlaceOf(finding), true), EscapeMarkdown(finding.title), what};
  }

  void Backtest(const BacktestReport& test) {
    out_ += fmt::format("\n{}() of {} on {}, {} to {}, {} bars; fee {:g} bps and slippage {:g} bps of the traded "
                        "value, orders at the next open, whole shares, {} at the start.\n",
                        test.entry.function, MarkdownCode(test.entry.file), EscapeMarkdown(test.prices), test.from,
                        test.to, test.bars, test.costs.fee_bps, test.costs.slippage_bps,
                        "$" + test.costs.initial_cash.Rounded(2));
    if (!test.courses.empty()) {
      std::vector<std::vector<std::string>> rows;
      for (const BacktestFigures& course : test.courses) rows.push_back(CourseCells(course));
      out_ += "\n" + MarkdownTable(CourseHeads(), {false, true, true, true, true, true, true, true}, rows);
      out_ += fmt::format("\nLook-ahead: {} decisions made again without later prices, {} changed{}.\n",
                          test.look_ahead.checked, test.look_ahead.changed,
                          test.look_ahead.failed > 0
                              ? fmt::format(", {} failed on so few bars", test.look_ahead.failed)
                              : "");
    }
  }

  void Tests(const TestCases& tests) {
    std::vector<std::vector<std::string>> rows;
    for (const TestOutcome& one : tests.outcomes) {
      rows.push_back({one.outcome, MarkdownCode(one.name, true), EscapeMarkdown(one.says),
                      EscapeMarkdown(one.message)});
    }
    out_ += fmt::format("\n{}, run {} a sandbox:\n\n", MarkdownCode(tests.file), tests.sandboxed ? "in" : "without");
    out_ += MarkdownTable({"Outcome", "Case", "Asks for", "Says"}, {false, false, false, false}, rows);
  }

  void Model() {
    if (!report_.review) return;
    out_ += fmt::format("\n## What a model adds\n\n{}{} Its findings are not in the score.\n\n{}\n",
                        EscapeMarkdown(report_.review->model),
                        report_.scripted ? ": canned answers, no model was asked." : ".",
                        EscapeMarkdown(report_.review->summary));
    std::vector<std::vector<std::string>> rows;
    for (const TradingFinding& finding : report_.review->findings) rows.push_back(Row(finding));
    if (!rows.empty()) {
      out_ += "\n" + MarkdownTable({"Severity", "Place", "Finding", "What"}, {false, false, false, false}, rows);
    }
    for (const std::string& one : report_.review->recommendations) out_ += "\n- " + EscapeMarkdown(one);
    if (!report_.review->recommendations.empty()) out_ += "\n";
  }

  void Risks() {
    if (!report_.risks) return;
    const RiskAssessment& risks = *report_.risks;
    out_ += fmt::format("\n## Risk\n\n{:.1f} of 100, {}. The score is {}.\n", risks.score, risks.grade, risks.formula);
    std::vector<std::vector<std::string>> rows;
    for (const RiskFactor& factor : risks.factors) {
      rows.push_back({factor.severity, EscapeMarkdown(factor.title), std::to_string(factor.places),
                      fmt::format("{:.2f}", factor.weight), fmt::format("{:.1f}", factor.gain)});
    }
    if (!rows.empty()) {
      out_ += "\n" + MarkdownTable({"Severity", "Rule", "Places", "Weight", "Points"}, {false, false, true, true, true},
                                   rows);
    }
  }

  void Functions() {
    if (!report_.analysis || report_.analysis->functions.empty()) return;
    out_ += "\n## Functions\n\n";
    std::vector<std::vector<std::string>> rows;
    for (const AlgorithmFunction& one : report_.analysis->functions) {
      rows.push_back({MarkdownCode(fmt::format("{}:{}", one.file, one.line), true), MarkdownCode(one.name, true),
                      std::to_string(one.lines), std::to_string(one.paths), EscapeMarkdown(one.says)});
    }
    out_ += MarkdownTable({"Place", "Function", "Lines", "Paths", "Says"}, {false, false, true, true, false}, rows);
  }

  void List(std::string_view title, const std::vector<std::string>& sentences) {
    if (sentences.empty()) return;
    out_ += fmt::format("\n## {}\n", title);
    for (const std::string& sentence : sentences) out_ += "\n- " + EscapeMarkdown(sentence);
    out_ += "\n";
  }

  const TradingReport& report_;
  std::string out_;
};

}  // namespace

std::string TradingMarkdown(const TradingReport& report) { return MarkdownReport(report).Write(); }

}  // namespace wfe::trading
