#include <fmt/format.h>

#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html_frame.h"
#include "activities/packaged/trading/report.h"
#include "activities/packaged/trading/rules.h"

namespace wfe::trading {
namespace {

namespace pages = analytics::reports;

double AsDouble(int64_t value) { return static_cast<double>(value); }

class HtmlReport {
 public:
  explicit HtmlReport(const TradingReport& report) : report_(report) {}

  std::string Write() {
    pages::Frame frame{.title = "Trading verification: " + report_.name, .skip = "Skip to the figures", .sections = {}};
    const auto entry = [&](bool there, const char* anchor, const char* text) {
      if (there) frame.sections.push_back({.anchor = anchor, .text = text, .note = ""});
    };
    const bool ran = report_.backtest && !report_.backtest->courses.empty();
    entry(!report_.gaps.empty(), "missing", "Missing");
    entry(ran, "backtest", "Back-test");
    entry(true, "findings", "Findings");
    entry(!report_.recommendations.empty(), "recommendations", "Recommendations");
    entry(report_.tests.has_value(), "tests", "Test cases");
    entry(report_.review.has_value(), "model", "What a model adds");
    entry(report_.risks.has_value(), "risk", "Risk");
    OpenFrame(out_, frame);
    Masthead(frame.title);
    Missing();
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
  void Open(const std::string& id, const std::string& title) {
    out_.Open("section", {{"id", id}, {"aria-labelledby", id + "-h"}});
    out_.Leaf("h2", {{"id", id + "-h"}}, title);
  }

  void Card(const std::string& label, const std::string& value, const std::string& note) {
    out_.Open("div", {{"class", "card"}}).Leaf("dt", label).Leaf("dd", {{"class", "value"}}, value);
    out_.Open("dd", {{"class", "change"}}).Leaf("span", {{"class", "soft"}}, note).Close("dd").Close("div");
  }

  void Masthead(const std::string& title) {
    out_.Open("header", {{"class", "masthead"}}).Leaf("h1", title);
    out_.Leaf("p", {{"class", "lead"}}, TradingHeadline(report_) + ".");
    out_.Close("header");
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
    out_.Open("ul", {{"class", "said"}});
    for (const std::string& sentence : TradingSummary(report_)) out_.Leaf("li", sentence);
    out_.Close("ul");
  }

  void Missing() {
    if (report_.gaps.empty()) return;
    Open("missing", "Missing");
    out_.Open("ul", {{"class", "said"}});
    for (const packaged::Gap& gap : report_.gaps) {
      out_.Open("li").Leaf("code", gap.step).Text(": " + gap.reason).Close("li");
    }
    out_.Close("ul").Close("section");
  }

  static pages::Series SeriesOf(const std::string& name) { return {.name = name, .points = {}}; }

  /// Falls from the highest equity so far.
  static void AddFalls(const BacktestReport& test, pages::Chart& chart) {
    double peak_net = 0;
    double peak_hold = 0;
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
                               test.entry.function, test.entry.file, test.prices, test.costs.fee_bps,
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
    pages::Table table{.id = "courses", .title = "What the decisions come to", .query = "", .columns = {}, .rows = {}};
    for (const std::string& head : CourseHeads()) table.columns.push_back({"", head, ""});
    for (const BacktestFigures& course : test.courses) {
      pages::Row row;
      for (const std::string& cell : CourseCells(course)) row.cells.emplace_back(cell);
      table.rows.push_back(std::move(row));
    }
    WriteTable(out_, pages::Anchors(), table);
    out_.Close("section");
  }

  static pages::Table TableOfFindings(const std::vector<TradingFinding>& findings, const std::string& title,
                                      bool model) {
    pages::Table table{.id = "", .title = title, .query = "",
                       .columns = {{"", "Severity", ""}, {"", "Place", "code"}, {"", "Finding", ""}, {"", "What", ""},
                                   {"", "Evidence", "code"}, {"", "Found by", ""}},
                       .rows = {}, .whole_in = "trading_report.json"};
    for (const TradingFinding& finding : findings) {
      if (!model && finding.source == kByModel) continue;
      table.rows.push_back({.cells = {finding.severity, PlaceOf(finding), finding.title, finding.message,
                                      finding.evidence,
                                      finding.source},
                            .runs = {}});
    }
    return table;
  }

  void Findings() {
    Open("findings", "Findings");
    const pages::Table table = TableOfFindings(report_.findings, "All findings of the checks and runs, the worst first",
                                               false);
    if (table.rows.empty()) {
      out_.Leaf("p", "Nothing was found.");
    } else {
      WriteTable(out_, pages::Anchors(), table);
    }
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
    pages::Table table{.id = "cases", .title = "Generated cases", .query = "",
                       .columns = {{"", "Outcome", ""}, {"", "Case", "code"}, {"", "Asks for", ""}, {"", "Says", ""}},
                       .rows = {}};
    for (const TestOutcome& one : tests.outcomes) {
      table.rows.push_back({.cells = {one.outcome, one.name, one.says, one.message}, .runs = {}});
    }
    WriteTable(out_, pages::Anchors(), table);
    out_.Close("section");
  }

  void Model(const ModelReview& review) {
    Open("model", "What a model adds");
    out_.Leaf("p", {{"class", "soft"}},
              review.model + (report_.scripted ? ": canned answers, no model was asked." : ".") +
                  " Its findings are not in the score.");
    out_.Leaf("p", review.summary);
    const pages::Table table = TableOfFindings(review.findings, "Findings of the model", true);
    if (!table.rows.empty()) WriteTable(out_, pages::Anchors(), table);
    out_.Open("ul", {{"class", "said"}});
    for (const std::string& one : review.recommendations) out_.Leaf("li", one);
    out_.Close("ul").Close("section");
  }

  void Risk(const RiskAssessment& risks) {
    Open("risk", "Risk");
    out_.Leaf("p", fmt::format("{:.1f} of 100, {}. The score is {}.", risks.score, risks.grade, risks.formula));
    pages::Table table{.id = "factors", .title = "Rules in the score", .query = "",
                       .columns = {{"", "Severity", ""}, {"", "Rule", ""}, {"", "Places", "count"},
                                   {"", "Weight", "ratio"},
                                   {"", "Points", "ratio"}},
                       .rows = {}};
    for (const RiskFactor& factor : risks.factors) {
      table.rows.push_back(
          {.cells = {factor.severity, factor.title, AsDouble(factor.places), factor.weight, factor.gain}, .runs = {}});
    }
    if (!table.rows.empty()) WriteTable(out_, pages::Anchors(), table);
    out_.Close("section");
  }

  void Notes() {
    const std::vector<std::string> notes = NotesOf(report_);
    if (notes.empty()) return;
    Open("notes", "What was not examined, or only in part");
    out_.Open("ul", {{"class", "said"}});
    for (const std::string& note : notes) out_.Leaf("li", note);
    out_.Close("ul").Close("section");
  }

  const TradingReport& report_;
  pages::Markup out_;
};

}  // namespace

std::string TradingHtml(const TradingReport& report) { return HtmlReport(report).Write(); }

}  // namespace wfe::trading
