// How the reports follow each other, and what became of proposals that a person activated.
#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html.h"
#include "activities/analytics/reports/wording.h"

namespace wfe::analytics::reports {
namespace {

struct Measure {
  std::string_view title, unit;
  OptionalNumber TrendReport::* value;
};

constexpr Measure kMeasures[] = {
    {"First-pass success rate", "share", &TrendReport::first_pass_rate},
    {"Success rate", "share", &TrendReport::success_rate},
    {"Tokens per successful build", "tokens", &TrendReport::tokens_per_success},
    {"Rework share of tokens", "share", &TrendReport::rework_share},
};

Chart RatesChart(const std::vector<TrendReport>& reports) {
  Chart chart{.id = "trend",
              .title = "Rates from report to report",
              .x_label = "",
              .y_label = "",
              .unit = "share",
              .type = ChartType::kLine,
              .series = {}};
  for (const Measure& measure : kMeasures) {
    if (measure.unit != "share") continue;
    Series series{.name = std::string(measure.title), .points = {}};
    for (const TrendReport& report : reports) {
      if (const OptionalNumber& value = report.*measure.value) {
        series.points.push_back({.x = report.generated_at, .y = *value, .band = std::nullopt, .note = ""});
      }
    }
    if (!series.points.empty()) chart.series.push_back(std::move(series));
  }
  return chart;
}

Table ReportsTable(const std::vector<TrendReport>& reports) {
  Table table{.id = "trend", .title = "Reports", .query = "", .columns = {{"generated_at", "Report", ""}}, .rows = {}};
  for (const Measure& measure : kMeasures) {
    table.columns.push_back({"", std::string(measure.title), std::string(measure.unit)});
  }
  for (const TrendReport& report : reports) {
    Row row{.cells = {report.generated_at}, .runs = {}};
    for (const Measure& measure : kMeasures) {
      const OptionalNumber& value = report.*measure.value;
      row.cells.push_back(value ? Cell(*value) : Cell());
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

void WriteOutcome(Markup& out, const TrendProposal& proposal, size_t index) {
  out.Open("article", {{"class", "outcome"}});
  out.Open("h4").Leaf("code", proposal.template_id).Text(" version " + proposal.version).Close("h4");
  if (!proposal.activated_at.empty()) {
    out.Leaf("p", {{"class", "soft small"}}, "Active since " + FormatInstant(proposal.activated_at));
  }
  out.Open("dl");
  WriteTerm(out, "Measured", MeasuredText(proposal));
  WriteTerm(out, "Found before", FoundText(proposal));
  if (proposal.predicted_saving) WriteTerm(out, "Predicted saving", SavingText(*proposal.predicted_saving));
  for (const auto& [name, value] : proposal.predicted) WriteTerm(out, PredictedName(name), ShortDigest(value));
  out.Close("dl");
  if (proposal.measured) {
    WriteIntervalPlot(out, *proposal.measured, DirectionOf(*proposal.measured), "outcome-" + std::to_string(index));
  }
  out.Close("article");
}

}  // namespace

bool HasTrend(const Report& report) { return !report.trend_reports.empty() || !report.trend_proposals.empty(); }

void WriteTrend(Markup& out, const Page& page) {
  const Report& report = page.report;
  out.Open("section", {{"id", "trend"}, {"aria-labelledby", "trend-h"}});
  out.Leaf("h2", {{"id", "trend-h"}}, "Trend");
  if (!report.trend_proposals.empty()) {
    out.Leaf("h3", "Did activated proposals work?").Open("div", {{"class", "outcomes"}});
    for (size_t i = 0; i < report.trend_proposals.size(); ++i) WriteOutcome(out, report.trend_proposals[i], i + 1);
    out.Close("div");
  }
  if (report.trend_reports.size() > 1) WriteChart(out, RatesChart(report.trend_reports), "trend-chart");
  if (!report.trend_reports.empty()) WriteTable(out, page.anchors, ReportsTable(report.trend_reports));
  out.Close("section");
}

}  // namespace wfe::analytics::reports
