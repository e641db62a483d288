#include <fmt/format.h>

#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html_frame.h"
#include "activities/packaged/trading/report.h"

namespace wfe::trading {
namespace {

namespace pages = analytics::reports;

class HtmlReport {
 public:
  explicit HtmlReport(const TradingReport& report) : report_(report) {}

  std::string Write() {
    const std::string title = "Trading verification: " + report_.name;
    packaged::ReportSections sections;
    const auto entry = [&](bool there, const char* anchor, const char* text) {
      if (there) sections.push_back({.anchor = anchor, .text = text, .note = ""});
    };
    const bool ran = report_.backtest && !report_.backtest->courses.empty();
    entry(true, "summary", "Summary");
    entry(ran, "backtest", "Back-test");
    entry(true, "findings", "Findings");
    entry(!report_.recommendations.empty(), "recommendations", "Recommendations");
    entry(report_.tests.has_value(), "tests", "Test cases");
    entry(report_.review.has_value(), "model", "What a model adds");
    entry(report_.risks.has_value(), "risk", "Risk");
    pages::OpenFrame(out_, packaged::ReportFrame(title, sections, report_.gaps));
    packaged::WriteReportHead(out_, title, TradingHeadline(report_), report_.gaps);
    Summary();
    if (ran) Backtest(*report_.backtest);
    Findings();
    Recommended();
    if (report_.tests) Tests(*report_.tests);
    if (report_.review) Model(*report_.review);
    if (report_.risks) Risk(*report_.risks);
    Notes();
    CloseFrame(out_, [&](pages::Markup& foot) {
      foot.Text("Made " + pages::FormatInstant(report_.generated_at) + " by wfe workflow trading.");
    });
    return out_.Take();
  }

 private:
  void Open(const std::string& id, const std::string& title) { packaged::OpenReportSection(out_, id, title); }
  void Card(const std::string& label, const std::string& value, const std::string& note) {
    packaged::WriteReportCard(out_, label, value, note);
  }

  void Summary() {
    Open("summary", "Summary");
    out_.Open("dl", {{"class", "cards n4"}});
    if (report_.risks) Card("Risk", fmt::format("{:.0f}", report_.risks->score), report_.risks->grade + ", of 100");
    Card("Findings", std::to_string(report_.findings.size()),
         fmt::format("{} critical, {} high", CountSeverity(report_.findings, "critical"),
                     CountSeverity(report_.findings, "high")));
    if (report_.backtest && !report_.backtest->courses.empty()) {
      const BacktestFigures& net = report_.backtest->courses.front();
      Card("Return", Percents(net.total_return), "with costs; drawdown " + Percents(net.max_drawdown));
    }
    if (report_.tests) {
      int64_t passed = 0;
      for (const TestOutcome& one : report_.tests->outcomes) passed += one.outcome == "passed" ? 1 : 0;
      Card("Test cases", fmt::format("{} of {}", passed, report_.tests->outcomes.size()), "generated and run, pass");
    }
    out_.Close("dl");
    packaged::WriteSentences(out_, TradingSummary(report_));
    out_.Close("section");
  }

  static pages::Series SeriesOf(const std::string& name) { return {.name = name, .points = {}}; }

  /// Falls from the highest equity so far.
  static void AddFalls(const BacktestReport& test, pages::Chart& chart) {
    double peak_net = test.costs.initial_cash.usd();  // as the figures of the table begin
    double peak_hold = peak_net;
    for (const CurvePoint& point : test.curve) {
      peak_net = std::max(peak_net, point.net);
      peak_hold = std::max(peak_hold, point.hold);
      chart.series[0].points.push_back({.x = point.date, .y = 100 * (point.net / peak_net - 1), .band = {}, .note = ""});
      chart.series[1].points.push_back({.x = point.date, .y = 100 * (point.hold / peak_hold - 1), .band = {}, .note = ""});
    }
  }

  void Backtest(const BacktestReport& test) {
    Open("backtest", "Back-test");
    out_.Leaf("p", fmt::format("{}() of {} on {}: orders at the next open, whole shares, fee {:g} and slippage {:g} "
                               "bps.",
                               test.entry.function, test.entry.file, PricesInWords(test), test.costs.fee_bps,
                               test.costs.slippage_bps));
    pages::Chart equity{.id = "", .title = "Equity at the close", .x_label = "Day", .y_label = "Thousand dollars",
                        .unit = "",
                        .type = pages::ChartType::kLine, .series = {SeriesOf("With costs"), SeriesOf("Buy and hold")}};
    pages::Series honest = SeriesOf("Without later prices");
    for (const CurvePoint& point : test.curve) {
      equity.series[0].points.push_back({.x = point.date, .y = point.net / 1000, .band = {}, .note = ""});
      equity.series[1].points.push_back({.x = point.date, .y = point.hold / 1000, .band = {}, .note = ""});
      if (point.honest) honest.points.push_back({.x = point.date, .y = *point.honest / 1000, .band = {}, .note = ""});
    }
    if (!honest.points.empty() && test.look_ahead.changed > 0) equity.series.push_back(std::move(honest));
    WriteChart(out_, equity, "equity-chart");
    pages::Chart falls{.id = "", .title = "Fall from the highest equity so far", .x_label = "Day", .y_label = "Percent",
                       .unit = "", .type = pages::ChartType::kLine,
                       .series = {SeriesOf("With costs"), SeriesOf("Buy and hold")}};
    AddFalls(test, falls);
    WriteChart(out_, falls, "drawdown-chart");
    packaged::WriteTextTable(out_, CoursesTable(test));
    out_.Close("section");
  }

  void Findings() {
    Open("findings", "Findings");
    const packaged::TextTable table =
        FindingsTable(FindingsOfRuns(report_.findings), "All findings of the checks and runs, the worst first");
    if (table.rows.empty()) out_.Leaf("p", "Nothing was found.");
    packaged::WriteTextTable(out_, table);
    out_.Close("section");
  }

  void Recommended() {
    if (report_.recommendations.empty()) return;
    Open("recommendations", "Recommendations");
    out_.Open("ol", {{"class", "said"}});
    for (const Recommendation& one : report_.recommendations) {
      out_.Open("li").Leaf("strong", one.severity).Text(" " + one.text + " ");
      std::string places;
      for (size_t i = 0; i < one.places.size() && i < 5; ++i) places += (i == 0 ? "" : ", ") + one.places[i];
      if (!places.empty()) out_.Leaf("code", places);
      out_.Leaf("span", {{"class", "soft"}}, fmt::format(" {:.1f} points", one.gain)).Close("li");
    }
    out_.Close("ol").Close("section");
  }

  void Tests(const TestCases& tests) {
    Open("tests", "Test cases");
    out_.Open("p").Text("Run them beside the algorithm: ").Leaf("code", "python3 -m unittest " + tests.file).Close("p");
    packaged::WriteTextTable(out_, CasesTable(tests));
    out_.Close("section");
  }

  void Model(const ModelReview& review) {
    Open("model", "What a model adds");
    out_.Leaf("p", {{"class", "soft"}},
              review.model + (report_.scripted ? ": canned answers, no model was asked." : ".") +
                  " Its findings are not in the score.");
    out_.Leaf("p", review.summary);
    packaged::WriteTextTable(out_, FindingsTable(review.findings, "Findings of the model"));
    packaged::WriteSentences(out_, review.recommendations);
    out_.Close("section");
  }

  void Risk(const RiskAssessment& risks) {
    Open("risk", "Risk");
    out_.Leaf("p", fmt::format("{:.1f} of 100, {}. The score is {}.", risks.score, risks.grade, risks.formula));
    packaged::WriteTextTable(out_, FactorsTable(risks));
    out_.Close("section");
  }

  void Notes() {
    const std::vector<std::string> notes = NotesOf(report_);
    if (notes.empty()) return;
    Open("notes", std::string(kNotesTitle));
    packaged::WriteSentences(out_, notes);
    out_.Close("section");
  }

  const TradingReport& report_;
  pages::Markup out_;
};

}  // namespace

std::string TradingHtml(const TradingReport& report) { return HtmlReport(report).Write(); }

}  // namespace wfe::trading
