#include "activities/dashboard/page.h"

#include <algorithm>
#include <span>

#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html_frame.h"
#include "activities/analytics/reports/svg.h"
#include "activities/dashboard/words.h"

namespace wfe::dashboard {
namespace {

using analytics::reports::Anchors;
using analytics::reports::Cell;
using analytics::reports::Chart;
using analytics::reports::FormatFixed;
using analytics::reports::FormatInstant;
using analytics::reports::FormatShort;
using analytics::reports::Markup;
using analytics::reports::Table;

/// Of each kind; all of them are one command away.
constexpr size_t kListedRows = 100;
/// So many bars of days can be told apart.
constexpr size_t kChartDays = 31;

std::string Times(int64_t count, std::string_view one, std::string_view more) {
  return analytics::reports::Count(static_cast<double>(count), one, more);
}

struct Card {
  std::string label;
  std::string value;
  std::string note;
  std::string anchor;  ///< Of the rows that the figure counts.
};

void WriteCards(Markup& out, const std::vector<Card>& cards) {
  out.Open("dl", {{"class", "cards n" + std::to_string(cards.size())}});
  for (const Card& card : cards) {
    out.Open("div", {{"class", "card"}}).Leaf("dt", card.label).Leaf("dd", {{"class", "value"}}, card.value);
    out.Open("dd", {{"class", "change"}});
    if (card.anchor.empty()) {
      out.Leaf("span", {{"class", "soft"}}, card.note);
    } else {
      out.Leaf("a", {{"class", "soft"}, {"href", "#" + card.anchor}}, card.note);
    }
    out.Close("dd").Close("div");
  }
  out.Close("dl");
}

void OpenSection(Markup& out, const std::string& id, std::string_view title) {
  out.Open("section", {{"id", id}, {"aria-labelledby", id + "-h"}}).Leaf("h2", {{"id", id + "-h"}}, title);
}

void WriteGenerations(Markup& out, const GenerationFigures& figures) {
  OpenSection(out, "generations", "Generations");
  std::vector<Card> cards = {{"Generations", Number(figures.generations),
                              Number(figures.success_first_pass) + " at once, " +
                                  Number(figures.success_after_escalation) + " after escalation, " +
                                  Number(figures.failed) + " failed",
                              "rows-generations"}};
  if (figures.generations > 0) {
    cards.push_back({"Success rate", FormatShort(*figures.success_rate, "share"),
                     Number(figures.generations - figures.failed) + " of " + Number(figures.generations),
                     "rows-generations"});
    cards.push_back({"Mean time", FormatFixed(*figures.mean_duration_ms / 1000, 1) + " s",
                     "target below 10 s: met by " + Number(figures.within_target), "rows-generations"});
    std::string of = "of " + Number(figures.priced) + " with a price";
    if (figures.unpriced > 0) of += ", " + Number(figures.unpriced) + " without";
    if (figures.scripted > 0) of += ", " + Number(figures.scripted) + " scripted";
    cards.push_back({"Mean cost", figures.mean_cost_usd ? Dollars(*figures.mean_cost_usd) : "unknown", of,
                     "rows-generations"});
  }
  WriteCards(out, cards);
  out.Close("section");
}

void WriteAnalysis(Markup& out, const AnalysisFigures& figures) {
  OpenSection(out, "analysis", "Static analysis");
  WriteCards(out, {{"Mean quality", figures.mean_quality ? FormatFixed(*figures.mean_quality, 2) : "none",
                    "of " + Times(figures.first_answers, "first answer", "first answers"), "rows-reports"},
                   {"Auto-fixes applied", Number(figures.auto_fixes),
                    "in " + Times(figures.reports, "report", "reports"), "rows-reports"},
                   {"Escalations", Number(figures.escalations), "the better model was asked", "rows-generations"}});
  out.Close("section");
}

Chart QualityChart(const std::vector<DayOfQuality>& days) {
  Chart chart{.id = "quality",
              .title = "Quality by day",
              .x_label = "",
              .y_label = "",
              .unit = "score",
              .type = analytics::reports::ChartType::kLine,
              .series = {{.name = "Mean quality of first answers", .points = {}}}};
  for (const DayOfQuality& day : days) {
    if (!day.mean_quality) continue;
    chart.series[0].points.push_back(
        {.x = day.to, .y = *day.mean_quality, .band = std::nullopt, .note = Times(day.answers, "answer", "answers")});
  }
  return chart;
}

void WriteOptimization(Markup& out, const OptimizationFigures& figures) {
  OpenSection(out, "optimization", "Offline optimization");
  if (figures.last_run_at.empty()) {
    out.Open("p").Text("It has never run. ").Leaf("code", "wfe prompts schedule").Text(" has it run every hour.");
    out.Close("p");
  } else {
    out.Leaf("p", {{"class", "goal"}}, "Last run " + FormatInstant(figures.last_run_at));
    out.Open("ul", {{"class", "said"}});
    for (const std::string& sentence : figures.last_run) out.Leaf("li", sentence);
    out.Close("ul");
  }
  WriteCards(out, {{"Improvements applied", Number(figures.improvements),
                    "in " + Times(figures.cycles, "cycle", "cycles"), "rows-cycles"},
                   {"Begun trials", Number(figures.experiments), "versions tried on a share of runs", "rows-cycles"},
                   {"Taken back", Number(figures.taken_back), "rolled back or given up", "rows-cycles"}});
  const Chart chart = QualityChart(figures.days);
  if (!chart.series[0].points.empty()) WriteChart(out, chart, "quality-chart");
  out.Leaf("p", {{"class", "soft small"}},
           figures.direction == "unknown"
               ? "Fewer than ten answers in this week or the one before: no trend is claimed."
               : "Beside the week before, quality is " + figures.direction + " (" +
                     analytics::reports::FormatDifference(figures.change, "score") + ", p " +
                     analytics::reports::FormatP(figures.p_value) + ").");
  out.Close("section");
}

void WriteBudget(Markup& out, const client::BudgetFigure& budget, size_t index) {
  constexpr double kWidth = 100;
  constexpr double kHeight = 10;
  out.Open("div", {{"class", "budget"}}).Open("p").Leaf("strong", budget.budget + " " + budget.period);
  if (!budget.limit_usd || budget.period.empty()) {
    out.Text(budget.limit_usd ? "$" + budget.limit_usd->ToString() + " for each run"
                              : Dollars(budget.used_usd) + " used, no limit");
    out.Close("p").Close("div");
    return;
  }
  const double used = std::min(*budget.UsedPercent(), 100.0);
  const double reserved =
      budget.limit_usd->zero() ? 0 : std::min(100 - used, 100 * budget.reserved_usd.usd() / budget.limit_usd->usd());
  const std::string told = Dollars(budget.used_usd) + " of $" + budget.limit_usd->ToString() + " (" +
                           FormatFixed(*budget.UsedPercent(), 1) + "%)";
  out.Leaf("span", told).Close("p");
  // Stretched to the column's width, so it holds no text.
  const std::string id = "budget-" + std::to_string(index);
  out.Open("svg", {{"viewBox", "0 0 100 10"},
                   {"preserveAspectRatio", "none"},
                   {"role", "img"},
                   {"aria-labelledby", id}});
  out.Leaf("title", {{"id", id}}, told);
  analytics::reports::SvgRect(out, 0, 0, kWidth, kHeight, "track");
  const bool over = budget.warn_at_percent > 0 && used >= budget.warn_at_percent;
  analytics::reports::SvgRect(out, 0, 0, used, kHeight, over ? "used over" : "used");
  if (reserved > 0) analytics::reports::SvgRect(out, used, 0, reserved, kHeight, "reserved");
  if (budget.warn_at_percent > 0 && budget.warn_at_percent < 100) {
    analytics::reports::SvgLine(out, budget.warn_at_percent, 0, budget.warn_at_percent, kHeight, "mark");
  }
  out.Close("svg");
  std::string note = "then " + budget.on_exceed;
  if (budget.warn_at_percent > 0) note = "warns at " + std::to_string(budget.warn_at_percent) + "%, " + note;
  if (!budget.reserved_usd.zero()) note += "; " + Dollars(budget.reserved_usd) + " reserved for calls under way";
  out.Open("p").Leaf("span", {{"class", "soft"}}, note).Close("p").Close("div");
}

Card CostCard(const std::string& label, const agent::CostReport::Group& group) {
  std::string note = Times(group.calls, "call", "calls");
  if (group.unpriced > 0) note += ", " + Number(group.unpriced) + " without a price";
  if (group.uncounted > 0) note += ", " + Number(group.uncounted) + " not counted by anyone";
  return {label, Dollars(group.cost_usd), note, "rows-models"};
}

void WriteCosts(Markup& out, const CostFigures& figures) {
  OpenSection(out, "costs", "Costs");
  WriteCards(out, {CostCard("Today", figures.today), CostCard("This month", figures.month),
                   CostCard("Total", figures.total),
                   {"Mean a call", figures.mean_call_usd ? Dollars(*figures.mean_call_usd) : "unknown",
                    "of those whose cost is known", "rows-models"}});
  if (!figures.budgets.empty()) {
    out.Leaf("h3", "Budgets").Open("div", {{"class", "budgets"}});
    for (size_t i = 0; i < figures.budgets.size(); ++i) WriteBudget(out, figures.budgets[i], i);
    out.Close("div");
  }
  out.Close("section");
}

void WriteRows(Markup& out, const std::string& anchor, const std::string& title, const std::string& command,
               Table table) {
  out.Leaf("h3", {{"id", anchor}}, title);
  table.whole_in = "`" + command + "`";
  out.Open("p", {{"class", "soft small"}}).Text("All of them: ").Leaf("code", command).Close("p");
  WriteTable(out, Anchors(), table);
}

double AsNumber(int64_t value) { return static_cast<double>(value); }

Table CallTable(const std::vector<agent::CostReport::Group>& groups, const std::string& column, const std::string& id) {
  Table table{.id = id,
              .title = "Calls and their cost",
              .query = "",
              .columns = {{"", column, column == "Day" ? "" : "code"},
                          {"", "Calls", "count"},
                          {"", "Failed", "count"},
                          {"", "Lost", "count"},
                          {"", "Tokens in", "count"},
                          {"", "Cached", "count"},
                          {"", "Tokens out", "count"},
                          {"", "Cost", "money"}},
              .rows = {}};
  for (const agent::CostReport::Group& model : groups) {
    table.rows.push_back({.cells = {model.name.empty() ? "(not named)" : model.name, AsNumber(model.calls),
                                    AsNumber(model.failed), AsNumber(model.lost), AsNumber(model.input_tokens),
                                    AsNumber(model.cached_tokens), AsNumber(model.output_tokens),
                                    Dollars(model.cost_usd)},
                          .runs = {}});
  }
  return table;
}

Table GenerationTable(const std::vector<learning::UsageRow>& runs) {
  Table table{.id = "generation-rows",
              .title = "Generations of the window",
              .query = "",
              .columns = {{"", "Began", ""},
                          {"", "Task", ""},
                          {"", "Outcome", ""},
                          {"", "Time", "ms"},
                          {"", "Tokens", "count"},
                          {"", "Cost", "money"},
                          {"", "Run", "code"}},
              .rows = {}};
  for (auto run = runs.rbegin(); run != runs.rend() && table.rows.size() < kListedRows; ++run) {
    table.rows.push_back(
        {.cells = {run->created_at, analytics::reports::Clip(run->nl_input, 80), run->outcome,
                   AsNumber(run->duration_ms), AsNumber(run->total_tokens),
                   run->scripted ? std::string("scripted") : Dollars(run->cost_usd), run->workflow_run_id},
         .runs = {}});
  }
  table.rows_left_out = AsNumber(static_cast<int64_t>(runs.size() - table.rows.size()));
  return table;
}

Table ReportTable(const std::vector<learning::GenerationReport>& reports) {
  Table table{.id = "report-rows",
              .title = "Reports of the window",
              .query = "",
              .columns = {{"", "Made", ""},
                          {"", "Node", "code"},
                          {"", "Score", "score"},
                          {"", "Grade", ""},
                          {"", "Repaired", "count"},
                          {"", "Prompt", ""},
                          {"", "Run", "code"}},
              .rows = {}};
  for (auto report = reports.rbegin(); report != reports.rend() && table.rows.size() < kListedRows; ++report) {
    table.rows.push_back({.cells = {report->created_at, report->node_id, report->overall_score, report->grade,
                                    AsNumber(report->auto_fixes_applied),
                                    report->template_id + " v" + std::to_string(report->template_version),
                                    report->workflow_run_id},
                          .runs = {}});
  }
  table.rows_left_out = AsNumber(static_cast<int64_t>(reports.size() - table.rows.size()));
  return table;
}

Table CycleTable(const std::vector<learning::CycleRow>& cycles) {
  Table table{.id = "cycle-rows",
              .title = "Cycles of the window",
              .query = "",
              .columns = {{"", "Time", ""},
                          {"", "Template", "code"},
                          {"", "What it did", ""},
                          {"", "Undone by", "code"}},
              .rows = {}};
  for (auto cycle = cycles.rbegin(); cycle != cycles.rend() && table.rows.size() < kListedRows; ++cycle) {
    table.rows.push_back({.cells = {cycle->at, cycle->template_id, cycle->sentence, cycle->undo}, .runs = {}});
  }
  table.rows_left_out = AsNumber(static_cast<int64_t>(cycles.size() - table.rows.size()));
  return table;
}

void WriteProblems(Markup& out, const std::vector<std::string>& problems) {
  if (problems.empty()) return;
  out.Leaf("h3", {{"id", "problems"}}, "Not counted").Open("ul", {{"class", "said"}});
  for (const std::string& problem : problems) out.Leaf("li", problem);
  out.Close("ul");
}

}  // namespace

std::string DashboardPage(const Dashboard& dashboard, const DashboardRows& rows, Instant now, Duration window,
                          const analytics::reports::SiteLinks& site) {
  Markup out;
  OpenFrame(out, {.title = "wfe dashboard, " + FormatInstant(dashboard.at),
                  .skip = "Skip to the figures",
                  .sections = {{"generations", "Generations", ""},
                               {"analysis", "Static analysis", ""},
                               {"optimization", "Optimization", ""},
                               {"costs", "Costs", ""},
                               {"rows", "Rows behind", ""}},
                  .site = site});
  out.Open("header", {{"class", "masthead"}}).Leaf("h1", "Generations and what they cost");
  out.Leaf("p", {{"class", "lead"}}, FormatInstant(dashboard.since) + " to " + FormatInstant(dashboard.at));
  out.Close("header");
  WriteGenerations(out, dashboard.generations);
  WriteAnalysis(out, dashboard.analysis);
  WriteOptimization(out, dashboard.optimization);
  WriteCosts(out, dashboard.costs);
  OpenSection(out, "rows", "The rows behind the figures");
  WriteProblems(out, dashboard.problems);
  WriteRows(out, "rows-generations", "Generations", "wfe dashboard --rows generations",
            GenerationTable(GenerationsOf(rows, now, window)));
  WriteRows(out, "rows-reports", "Static analysis", "wfe dashboard --rows reports",
            ReportTable(ReportsOf(rows, now, window)));
  WriteRows(out, "rows-cycles", "Cycles of the optimizer", "wfe dashboard --rows cycles",
            CycleTable(CyclesOf(rows, now, window)));
  WriteRows(out, "rows-models", "Model calls", "wfe costs", CallTable(dashboard.costs.by_model, "Model", "models"));
  out.Close("section");
  CloseFrame(out, [&](Markup& foot) { foot.Text("Made " + FormatInstant(dashboard.at) + "."); });
  return out.Take();
}

std::string CostsPage(const CostFigures& figures, const std::vector<agent::CostReport::Group>& by_type,
                      const std::vector<agent::CostReport::Group>& by_day, Instant now,
                      const analytics::reports::SiteLinks& site) {
  const std::string at = FormatIso8601Millis(now);
  Markup out;
  OpenFrame(out, {.title = "wfe costs, " + FormatInstant(at),
                  .skip = "Skip to the figures",
                  .sections = {{"costs", "Costs", ""}, {"days", "Day by day", ""}, {"rows", "By model and type", ""}},
                  .site = site});
  out.Open("header", {{"class", "masthead"}}).Leaf("h1", "What model calls cost");
  out.Leaf("p", {{"class", "lead"}}, "Of all workflows, to " + FormatInstant(at) + "; days and months are those of UTC");
  out.Close("header");
  WriteCosts(out, figures);
  OpenSection(out, "days", "Day by day");
  Chart chart{.id = "",
              .title = "Cost a day",
              .x_label = "",
              .y_label = "USD",
              .unit = "usd",
              .type = analytics::reports::ChartType::kBar,
              .series = {{.name = "Cost", .points = {}}}};
  const size_t shown = std::min(by_day.size(), kChartDays);
  for (const agent::CostReport::Group& day : std::span(by_day).last(shown)) {
    chart.series[0].points.push_back(
        {.x = day.name, .y = day.cost_usd.usd(), .band = std::nullopt, .note = Times(day.calls, "call", "calls")});
  }
  if (shown > 0) WriteChart(out, chart, "day-chart");
  WriteRows(out, "rows-days", "All days", "wfe costs --by day", CallTable(by_day, "Day", "day-rows"));
  out.Close("section");
  OpenSection(out, "rows", "By model and type of workflow");
  WriteRows(out, "rows-models", "Models", "wfe costs", CallTable(figures.by_model, "Model", "models"));
  WriteRows(out, "rows-types", "Types of workflow", "wfe costs --by type", CallTable(by_type, "Type", "types"));
  out.Close("section");
  CloseFrame(out, [&](Markup& foot) { foot.Text("Made " + FormatInstant(at) + "."); });
  return out.Take();
}

}  // namespace wfe::dashboard
