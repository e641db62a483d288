#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html_frame.h"
#include "tools/wfe/quota_page.h"

namespace wfe::cli {
namespace {

namespace reports = analytics::reports;

void OpenQuotaSection(reports::Markup& out, const std::string& id, const std::string& title) {
  out.Open("section", {{"id", id}, {"aria-labelledby", id + "-h"}});
  out.Leaf("h2", {{"id", id + "-h"}}, title);
}

double Tokens(int64_t tokens) { return static_cast<double>(tokens); }

void WriteDays(reports::Markup& out, const quota::QuotaForecast& forecast) {
  OpenQuotaSection(out, "days", "Day by day");
  reports::Chart chart{.id = "",
                       .title = "Tokens a day; the band holds nine of ten courses",
                       .x_label = "Day",
                       .y_label = "Tokens",
                       .unit = "tokens",
                       .type = reports::ChartType::kLine,
                       .series = {{.name = "Used", .points = {}},
                                  {.name = "Expected", .points = {}},
                                  {.name = "Plan: what a day may use", .points = {}}}};
  reports::Table table{.id = "day-rows",
                       .title = "What each day has used, will use, and may use",
                       .query = "",
                       .columns = {{"", "Day", ""}, {"", "Used", "tokens"}, {"", "Expected", "tokens"},
                                   {"", "From", "tokens"}, {"", "To", "tokens"}, {"", "Plan", "tokens"}},
                       .rows = {}};
  for (const quota::UsedDay& day : forecast.month_days) {
    chart.series[0].points.push_back({.x = day.day, .y = Tokens(day.tokens), .band = {}, .note = ""});
    table.rows.push_back({.cells = {day.day, Tokens(day.tokens), std::monostate(), std::monostate(), std::monostate(),
                                    std::monostate()},
                          .runs = {}});
  }
  for (const quota::DayForecast& day : forecast.days) {
    chart.series[1].points.push_back({.x = day.day,
                                      .y = Tokens(day.expected),
                                      .band = reports::Interval{Tokens(day.lo), Tokens(day.hi)},
                                      .note = ""});
    reports::Cell plan;
    if (forecast.quota) {
      plan = Tokens(day.plan);
      chart.series[2].points.push_back({.x = day.day, .y = Tokens(day.plan), .band = {}, .note = ""});
    }
    table.rows.push_back({.cells = {day.day, std::monostate(), Tokens(day.expected), Tokens(day.lo), Tokens(day.hi),
                                    plan},
                          .runs = {}});
  }
  std::erase_if(chart.series, [](const reports::Series& series) { return series.points.empty(); });
  if (!chart.series.empty()) WriteChart(out, chart, "day-chart");
  for (const quota::OddDay& day : forecast.odd_days) {
    out.Leaf("p", day.day + " was odd: " + TokensText(day.tokens) + ", where " + TokensText(day.usual) + " is usual.");
  }
  if (!forecast.method.empty()) out.Leaf("p", "The forecast is made of " + forecast.method + ".");
  if (!table.rows.empty()) WriteTable(out, reports::Anchors(), table);
  out.Close("section");
}

void WriteTypes(reports::Markup& out, const quota::QuotaReport& report) {
  if (report.types.empty()) return;
  OpenQuotaSection(out, "types", "Tokens of a run");
  reports::Table table{.id = "type-rows",
                       .title = "By type; within: the share of runs that stayed in the budget of those before",
                       .query = "",
                       .columns = {{"", "Type", ""}, {"", "Runs", "count"}, {"", "Median", "tokens"},
                                   {"", "p90", "tokens"}, {"", "Budget", "tokens"}, {"", "Within", "share"}},
                       .rows = {}};
  for (const quota::TypeBudget& type : report.types) {
    table.rows.push_back({.cells = {type.type, Tokens(type.runs), Tokens(type.median), Tokens(type.p90),
                                    Tokens(type.budget), type.within},
                          .runs = {}});
  }
  WriteTable(out, reports::Anchors(), table);
  out.Close("section");
}

void WriteQuotaDecisions(reports::Markup& out, const QuotaPageMore& more) {
  OpenQuotaSection(out, "decisions", "Decisions");
  out.Leaf("p", "A run that begins now is told: " + more.now.decision + " (" + more.now.reason + ").");
  const quota::RunDecisions& all = more.decisions;
  std::string counts;
  for (const auto& [decision, count] : all.by_decision) {
    counts += (counts.empty() ? "" : ", ") + std::to_string(count) + " " + decision;
  }
  if (counts.empty()) {
    out.Leaf("p", {{"class", "empty"}}, "No run has been decided about yet.").Close("section");
    return;
  }
  out.Leaf("p", "Runs decided about: " + counts + "; " + std::to_string(all.enforced) + " had to wait or were denied.");
  reports::Table table{.id = "decision-rows",
                       .title = "The newest decisions",
                       .query = "",
                       .columns = {{"", "When", ""}, {"", "Type", ""}, {"", "Workflow", ""}, {"", "Decision", ""},
                                   {"", "Of the quota, %", "count"}, {"", "Held to it", ""}, {"", "Why", ""}},
                       .rows = {}};
  for (const quota::RunDecision& row : all.newest) {
    table.rows.push_back({.cells = {reports::FormatInstant(row.decided_at), row.workflow_type, row.workflow_id,
                                    row.decision, row.projected_percent, row.enforced, row.reason},
                          .runs = {}});
  }
  WriteTable(out, reports::Anchors(), table);
  out.Close("section");
}

/// The forecast's sentence in numbers that can be taken in at a glance.
std::string QuotaLead(const quota::QuotaForecast& forecast) {
  if (forecast.quota == 0) return "A quota of 0 buys nothing; " + TokensText(forecast.used) + " tokens are used.";
  std::string lead = TokensText(forecast.used) + " tokens used";
  if (forecast.quota) {
    lead += ", " + reports::FormatFixed(100 * Tokens(forecast.used) / Tokens(*forecast.quota), 1) + " % of " +
            TokensText(*forecast.quota);
  }
  if (!forecast.forecast) return lead + "; " + forecast.why + ".";
  lead += "; " + TokensText(forecast.expected) + " expected by the month's end (" + TokensText(forecast.lo) + " to " +
          TokensText(forecast.hi) + ")";
  if (!forecast.exhaustion) return lead + ".";
  const quota::Exhaustion& gone = *forecast.exhaustion;
  if (gone.past) return lead + ". The quota was gone on " + gone.day + ".";
  return lead + (gone.day.empty() ? ". The quota lasts." : ". The quota is gone on " + gone.day + ".");
}

}  // namespace

std::string QuotaHtml(const quota::QuotaReport& report, const QuotaPageMore& more) {
  const quota::QuotaForecast& forecast = report.forecast;
  const bool has_decisions = !more.now.decision.empty();
  reports::Frame frame{
      .title = "Quota of " + forecast.month, .skip = "Skip to the forecast", .sections = {}, .site = more.site};
  frame.sections.push_back({.anchor = "days", .text = "Day by day", .note = ""});
  if (!report.types.empty()) frame.sections.push_back({.anchor = "types", .text = "Tokens of a run", .note = ""});
  if (has_decisions) frame.sections.push_back({.anchor = "decisions", .text = "Decisions", .note = ""});
  reports::Markup out;
  OpenFrame(out, frame);
  out.Open("header", {{"class", "masthead"}}).Leaf("h1", frame.title);
  out.Leaf("p", {{"class", "lead"}}, QuotaLead(forecast));
  out.Close("header");
  WriteDays(out, forecast);
  WriteTypes(out, report);
  if (has_decisions) WriteQuotaDecisions(out, more);
  CloseFrame(out, [&](reports::Markup& foot) { foot.Text("As of " + reports::FormatInstant(forecast.as_of) + "."); });
  return out.Take();
}

}  // namespace wfe::cli
