#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html_frame.h"
#include "tools/wfe/patterns_page.h"

namespace wfe::cli {
namespace {

namespace reports = analytics::reports;
using patterns::PatternReport;

void OpenPatternSection(reports::Markup& out, const std::string& id, const std::string& title) {
  out.Open("section", {{"id", id}, {"aria-labelledby", id + "-h"}});
  out.Leaf("h2", {{"id", id + "-h"}}, title);
}

double AsCount(int64_t count) { return static_cast<double>(count); }

void WriteGrowth(reports::Markup& out, const PatternReport& report) {
  OpenPatternSection(out, "growth", "The library");
  reports::Chart chart{.id = "",
                       .title = "Patterns known at the end of each week",
                       .x_label = "Week to",
                       .y_label = "Patterns",
                       .unit = "count",
                       .type = reports::ChartType::kLine,
                       .series = {{.name = "Known", .points = {}}, {.name = "Active", .points = {}}}};
  for (const patterns::LibraryWeek& week : report.growth) {
    chart.series[0].points.push_back({.x = week.week_end, .y = AsCount(week.patterns), .band = {}, .note = ""});
    chart.series[1].points.push_back({.x = week.week_end, .y = AsCount(week.active), .band = {}, .note = ""});
  }
  WriteChart(out, chart, "growth-chart");
  reports::Table table{.id = "pattern-rows",
                       .title = "What recurs, the surest first",
                       .query = "",
                       .columns = {{"", "Pattern", ""}, {"", "Times", "count"}, {"", "Confidence", "count"},
                                   {"", "Success", "share"}, {"", "Alike", "share"}, {"", "Tokens", "tokens"},
                                   {"", "Status", ""}, {"", "Tool", ""}},
                       .rows = {}};
  for (const patterns::OperationPattern& pattern : report.patterns) {
    table.rows.push_back({.cells = {pattern.pattern_signature, AsCount(pattern.occurrence_count),
                                    pattern.confidence_score, pattern.success_rate, pattern.consistency,
                                    pattern.avg_tokens, pattern.automation_status, pattern.tool_id},
                          .runs = {}});
  }
  if (!table.rows.empty()) WriteTable(out, reports::Anchors(), table);
  out.Close("section");
}

void WriteSavings(reports::Markup& out, const PatternReport& report) {
  OpenPatternSection(out, "savings", "Savings");
  reports::Table table{.id = "saving-rows",
                       .title = "Seven days by type, and thirty days of all",
                       .query = "",
                       .columns = {{"", "Type", ""}, {"", "Times", "count"}, {"", "Tokens", "tokens"}, {"", "USD", "usd"}},
                       .rows = {}};
  const auto add = [&table](const std::string& name, const patterns::SavedByType& saved) {
    table.rows.push_back({.cells = {name, AsCount(saved.count), AsCount(saved.tokens_saved), saved.cost_saved_usd.usd()},
                          .runs = {}});
  };
  for (const patterns::SavedByType& saved : report.saved_7_days) add(saved.optimization_type, saved);
  add("30 days, all", report.saved_30_days);
  WriteTable(out, reports::Anchors(), table);
  out.Close("section");
}

void WritePatternTools(reports::Markup& out, const PatternReport& report) {
  if (report.tools.empty()) return;
  OpenPatternSection(out, "tools", "Tools");
  reports::Table table{.id = "tool-rows",
                       .title = "What each has been called for, and how that ended",
                       .query = "",
                       .columns = {{"", "Tool", ""}, {"", "Runs", ""}, {"", "Calls", "count"}, {"", "Success", "share"},
                                   {"", "Time", "ms"}},
                       .rows = {}};
  for (const patterns::Tool& tool : report.tools) {
    const std::string runs = tool.command.empty() ? "activity " + tool.activity_type : tool.command.front();
    reports::Cell success;
    reports::Cell time;
    if (tool.calls > 0) {
      success = tool.success_rate;
      time = tool.avg_duration_ms;
    }
    table.rows.push_back({.cells = {tool.tool_id, runs, AsCount(tool.calls), success, time}, .runs = {}});
  }
  WriteTable(out, reports::Anchors(), table);
  out.Close("section");
}

void WriteRoi(reports::Markup& out, const PatternReport& report) {
  if (report.roi.empty()) return;
  OpenPatternSection(out, "roi", "What a tool would return");
  reports::Table table{.id = "roi-rows",
                       .title = "The best return first; payback in months, none where it never pays",
                       .query = "",
                       .columns = {{"", "Pattern", ""}, {"", "A month", "count"}, {"", "Agent", "usd"},
                                   {"", "Tool", "usd"}, {"", "Saves a month", "usd"}, {"", "Making it", "usd"},
                                   {"", "Payback, months", "count"}, {"", "Return, %", "count"}},
                       .rows = {}};
  for (const patterns::RoiRow& row : report.roi) {
    reports::Cell payback;
    if (row.payback_months) payback = *row.payback_months;
    table.rows.push_back({.cells = {row.pattern_signature, row.per_month, row.llm_cost_usd, row.tool_cost_usd,
                                    row.monthly_savings_usd, row.implementation_cost_usd, payback, row.roi_percent},
                          .runs = {}});
  }
  WriteTable(out, reports::Anchors(), table);
  out.Close("section");
}

}  // namespace

std::vector<reports::RailEntry> PatternReportRail(const PatternReport& report) {
  std::vector<reports::RailEntry> rail = {{.anchor = "growth", .text = "The library", .note = ""},
                                          {.anchor = "savings", .text = "Savings", .note = ""}};
  if (!report.tools.empty()) rail.push_back({.anchor = "tools", .text = "Tools", .note = ""});
  if (!report.roi.empty()) rail.push_back({.anchor = "roi", .text = "Return", .note = ""});
  return rail;
}

std::string PatternReportLead(const PatternReport& report) {
  const auto active = report.by_status.find(std::string(patterns::kActive));
  return std::to_string(report.patterns.size()) + " patterns, " +
         std::to_string(active == report.by_status.end() ? 0 : active->second) + " of them done by tools; " +
         std::to_string(report.tool_successes) + " of " + std::to_string(report.tool_calls) +
         " calls of tools succeeded; $" + report.saved_30_days.cost_saved_usd.Rounded(2) + " saved in 30 days.";
}

void WritePatternReport(reports::Markup& out, const PatternReport& report) {
  WriteGrowth(out, report);
  WriteSavings(out, report);
  WritePatternTools(out, report);
  WriteRoi(out, report);
}

std::string PatternReportHtml(const PatternReport& report) {
  const reports::Frame frame{
      .title = "Patterns and savings", .skip = "Skip to the library", .sections = PatternReportRail(report)};
  reports::Markup out;
  OpenFrame(out, frame);
  out.Open("header", {{"class", "masthead"}}).Leaf("h1", frame.title);
  out.Leaf("p", {{"class", "lead"}}, PatternReportLead(report)).Close("header");
  WritePatternReport(out, report);
  CloseFrame(out, [&](reports::Markup& foot) { foot.Text("As of " + reports::FormatInstant(report.as_of) + "."); });
  return out.Take();
}

}  // namespace wfe::cli
