#include "tools/wfe/profile_page.h"

#include <fmt/core.h>

#include <algorithm>

#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html_frame.h"
#include "engine/base/counted.h"
#include "tools/wfe/page_lines.h"

namespace wfe::cli {
namespace {

namespace reports = analytics::reports;
using optimizer::Bottleneck;
using optimizer::NodePerformanceProfile;
using optimizer::PerformanceProfile;
using optimizer::ToolPerformanceProfile;

constexpr size_t kShownRows = 40;

std::string ProfileShare(double value) { return reports::FormatFixed(100 * value, 1) + " %"; }
std::string ProfileSeconds(double seconds) {
  if (seconds >= 1000) return reports::FormatFixed(seconds, 0) + " s";
  return reports::FormatFixed(seconds, seconds < 0.1 ? 3 : seconds < 100 ? 2 : 1) + " s";
}
std::string ProfileUsd(double usd) { return "$" + reports::FormatFixed(usd, usd != 0 && usd < 0.01 ? 5 : 4); }

std::vector<NodePerformanceProfile> ByTime(const PerformanceProfile& profile) {
  std::vector<NodePerformanceProfile> nodes = profile.node_metrics;
  std::ranges::stable_sort(nodes, std::greater(), &NodePerformanceProfile::time_contribution);
  return nodes;
}
std::vector<ToolPerformanceProfile> ByCost(const PerformanceProfile& profile) {
  std::vector<ToolPerformanceProfile> tools = profile.tool_metrics;
  std::ranges::stable_sort(tools, std::greater(), &ToolPerformanceProfile::total_cost);
  return tools;
}

std::string NameOf(const PerformanceProfile& profile) {
  return profile.version_id.empty() ? profile.workflow_id : profile.version_id;
}

void AddNodes(PageLines& lines, const PerformanceProfile& profile) {
  lines.Head(
      fmt::format("{:<20}{:>6}{:>10}{:>10}{:>8}  {}", "NODES", "RUNS", "MEAN", "P95", "WELL", "TIME WAITED FOR"));
  const std::vector<NodePerformanceProfile> nodes = ByTime(profile);
  for (size_t i = 0; i < nodes.size() && i < kShownRows; ++i) {
    const NodePerformanceProfile& node = nodes[i];
    lines.Add(fmt::format("  {:<18}{:>6}{:>10}{:>10}{:>8}  {} {:>6}", CutName(node.node_id, 17), node.runs,
                          ProfileSeconds(node.avg_duration), ProfileSeconds(node.p95_duration),
                          reports::FormatFixed(100 * node.success_rate, 0) + " %", ShareBar(node.time_contribution),
                          reports::FormatFixed(100 * node.time_contribution, 1) + "%"));
  }
  if (nodes.size() > kShownRows) lines.Add(fmt::format("  … and {} more: --output json", nodes.size() - kShownRows));
}

void AddTools(PageLines& lines, const PerformanceProfile& profile) {
  lines.Head(fmt::format("{:<19}{:>6}{:>10}{:>8}{:>6} {:>6} {}", "TOOLS", "CALLS", "COST", "SAME", "HITS", "TIER",
                         "OF COST"));
  const std::vector<ToolPerformanceProfile> tools = ByCost(profile);
  for (size_t i = 0; i < tools.size() && i < kShownRows; ++i) {
    const ToolPerformanceProfile& tool = tools[i];
    const std::string same =
        tool.deterministic_rate ? reports::FormatFixed(100 * *tool.deterministic_rate, 0) + " %" : "-";
    lines.Add(fmt::format("  {:<17}{:>6}{:>10}{:>8}{:>6} {:>6} {} {:>6}", CutName(tool.tool_id, 16), tool.call_count,
                          ProfileUsd(tool.total_cost), same, tool.cache_hits, tool.cost_tier.substr(0, 6),
                          ShareBar(tool.cost_share), reports::FormatFixed(100 * tool.cost_share, 1) + "%"));
  }
  if (tools.size() > kShownRows) lines.Add(fmt::format("  … and {} more: --output json", tools.size() - kShownRows));
}

void AddBottlenecks(PageLines& lines, const PerformanceProfile& profile) {
  lines.Head(profile.bottlenecks.empty() ? "BOTTLENECKS  none" : "BOTTLENECKS");
  for (const Bottleneck& b : profile.bottlenecks) {
    const std::string& where = b.node_id.empty() ? b.tool_id : b.node_id;
    lines.Add(fmt::format("  {:<7}{:<21}{:<34}{:>6}", b.severity, b.type, CutName(where, 33), b.rule));
    lines.Wrap("         ", b.description);
    lines.Wrap("         ", "→ " + b.suggestion);
  }
  if (profile.skipped.empty()) return;
  lines.Head("NOT JUDGED");
  for (const std::string& sentence : profile.skipped) lines.Wrap("  ", sentence);
}

void AddSummary(PageLines& lines, const PerformanceProfile& profile) {
  const optimizer::WorkflowMetrics& all = profile.workflow_metrics;
  lines.Head(CutName(NameOf(profile), 50) + "  " + Counted(profile.executions, "execution"));
  lines.Add("  " + reports::FormatInstant(profile.from) + " to " + reports::FormatInstant(profile.to));
  lines.Add(fmt::format("  {:<10}{} mean   {} p50   {} p95   {} p99", "duration", ProfileSeconds(all.avg_duration),
                        ProfileSeconds(all.p50_duration), ProfileSeconds(all.p95_duration),
                        ProfileSeconds(all.p99_duration)));
  lines.Add(fmt::format("  {:<10}{} ended well{}", "success", ProfileShare(all.success_rate),
                        all.error_trend.p_value < 0.05
                            ? fmt::format("; errors {} (p {})", all.error_trend.per_execution > 0 ? "rise" : "fall",
                                          reports::FormatP(all.error_trend.p_value))
                            : ""));
  lines.Add(fmt::format("  {:<10}{} a run, {} in all; {} tokens a run", "cost", ProfileUsd(all.avg_cost),
                        ProfileUsd(profile.cost_analysis.total), reports::FormatFixed(all.avg_tokens, 0)));
}

// --- HTML

reports::Chart BarsOf(const std::string& id, const std::string& title, const std::string& series) {
  return {.id = id,
          .title = title,
          .x_label = "",
          .y_label = "",
          .unit = "share",
          .type = reports::ChartType::kBar,
          .series = {{.name = series, .points = {}}}};
}

double AsNumber(int64_t value) { return static_cast<double>(value); }
reports::Cell Optional(const std::optional<double>& value) {
  if (!value) return std::monostate();
  return *value;
}

void OpenPart(reports::Markup& out, const std::string& id, std::string_view title) {
  out.Open("section", {{"id", id}, {"aria-labelledby", id + "-h"}}).Leaf("h2", {{"id", id + "-h"}}, title);
}

void WriteNodes(reports::Markup& out, const PerformanceProfile& profile) {
  OpenPart(out, "nodes", "Nodes");
  const std::vector<NodePerformanceProfile> nodes = ByTime(profile);
  reports::Chart chart = BarsOf("time", "What runs wait for", "Share of the workflow's time");
  for (size_t i = 0; i < nodes.size() && i < 20; ++i) {
    if (nodes[i].time_contribution <= 0) break;
    chart.series[0].points.push_back({.x = nodes[i].node_id,
                                      .y = nodes[i].time_contribution,
                                      .band = {},
                                      .note = ProfileSeconds(nodes[i].avg_duration)});
  }
  if (!chart.series[0].points.empty()) WriteChart(out, chart, "time-chart");
  reports::Table table{.id = "node-rows",
                       .title = "Nodes, by the time that runs wait for them",
                       .query = "",
                       .columns = {{"", "Node", "code"}, {"", "Runs", "count"}, {"", "Mean", ""}, {"", "p50", ""},
                                   {"", "p95", ""}, {"", "p99", ""}, {"", "Time", "share"}, {"", "Well", "share"},
                                   {"", "Tokens in", "count"}, {"", "Tokens out", "count"}, {"", "Cost", ""},
                                   {"", "CPU %", "number"}, {"", "Memory MB", "number"}},
                       .rows = {}};
  for (const NodePerformanceProfile& node : nodes) {
    table.rows.push_back({.cells = {node.node_id, AsNumber(node.runs), ProfileSeconds(node.avg_duration),
                                    ProfileSeconds(node.p50_duration), ProfileSeconds(node.p95_duration),
                                    ProfileSeconds(node.p99_duration), node.time_contribution, node.success_rate,
                                    node.avg_input_tokens, node.avg_output_tokens, ProfileUsd(node.avg_cost),
                                    Optional(node.avg_cpu_percent), Optional(node.avg_memory_mb)},
                          .runs = {}});
  }
  table.whole_in = "`wfe optimize profile --output json`";
  WriteTable(out, reports::Anchors(), table);
  out.Close("section");
}

void WriteTools(reports::Markup& out, const PerformanceProfile& profile) {
  OpenPart(out, "tools", "Tools");
  const std::vector<ToolPerformanceProfile> tools = ByCost(profile);
  reports::Chart chart = BarsOf("cost", "What runs cost", "Share of the workflow's cost");
  for (size_t i = 0; i < tools.size() && i < 20; ++i) {
    if (tools[i].cost_share <= 0) break;
    chart.series[0].points.push_back(
        {.x = tools[i].tool_id, .y = tools[i].cost_share, .band = {}, .note = ProfileUsd(tools[i].total_cost)});
  }
  if (!chart.series[0].points.empty()) WriteChart(out, chart, "cost-chart");
  reports::Table table{.id = "tool-rows",
                       .title = "Tools, by their cost",
                       .query = "",
                       .columns = {{"", "Tool", "code"}, {"", "Calls", "count"}, {"", "Mean", ""},
                                   {"", "Well", "share"}, {"", "Cost", ""}, {"", "Of cost", "share"}, {"", "Tier", ""},
                                   {"", "Same again", "share"}, {"", "Repeats", "count"}, {"", "In one run", "count"},
                                   {"", "Hits", "count"}},
                       .rows = {}};
  for (const ToolPerformanceProfile& tool : tools) {
    table.rows.push_back({.cells = {tool.tool_id, AsNumber(tool.call_count), ProfileSeconds(tool.avg_duration),
                                    tool.success_rate, ProfileUsd(tool.total_cost), tool.cost_share, tool.cost_tier,
                                    Optional(tool.deterministic_rate), AsNumber(tool.repeats),
                                    AsNumber(tool.repeats_in_run), AsNumber(tool.cache_hits)},
                          .runs = {}});
  }
  table.whole_in = "`wfe optimize profile --output json`";
  WriteTable(out, reports::Anchors(), table);
  out.Close("section");
}

void WriteBottlenecks(reports::Markup& out, const PerformanceProfile& profile) {
  OpenPart(out, "bottlenecks", "Bottlenecks");
  if (profile.bottlenecks.empty()) out.Leaf("p", "None of the rules that could be applied found one.");
  if (!profile.bottlenecks.empty()) {
    reports::Table table{.id = "bottleneck-rows",
                         .title = "Bottlenecks, the severest first",
                         .query = "",
                         .columns = {{"", "Severity", ""}, {"", "Type", ""}, {"", "Where", "code"}, {"", "What", ""},
                                     {"", "Figure", "number"}, {"", "Threshold", "number"},
                                     {"", "What could be done", ""}, {"", "Rule", ""}},
                         .rows = {}};
    for (const Bottleneck& b : profile.bottlenecks) {
      table.rows.push_back({.cells = {b.severity, b.type, b.node_id.empty() ? b.tool_id : b.node_id, b.description,
                                      b.value, b.threshold, b.suggestion, b.rule},
                            .runs = {}});
    }
    table.whole_in = "`wfe optimize bottlenecks --output json`";
    WriteTable(out, reports::Anchors(), table);
  }
  if (!profile.skipped.empty()) {
    out.Leaf("h3", "Not judged").Open("ul", {{"class", "said"}});
    for (const std::string& sentence : profile.skipped) out.Leaf("li", sentence);
    out.Close("ul");
  }
  out.Close("section");
}

void WriteProfileCards(reports::Markup& out, const PerformanceProfile& profile) {
  const optimizer::WorkflowMetrics& all = profile.workflow_metrics;
  struct Card {
    std::string label, value, note;
  };
  const std::vector<Card> cards = {
      {"Executions", reports::FormatFixed(AsNumber(profile.executions), 0), ""},
      {"Mean duration", ProfileSeconds(all.avg_duration), "95 % within " + ProfileSeconds(all.p95_duration)},
      {"Ended well", ProfileShare(all.success_rate), "p of a trend " + reports::FormatP(all.error_trend.p_value)},
      {"Mean cost", ProfileUsd(all.avg_cost), reports::FormatFixed(all.avg_tokens, 0) + " tokens"}};
  out.Open("dl", {{"class", "cards n" + std::to_string(cards.size())}});
  for (const Card& card : cards) {
    out.Open("div", {{"class", "card"}}).Leaf("dt", card.label).Leaf("dd", {{"class", "value"}}, card.value);
    out.Open("dd", {{"class", "change"}}).Leaf("span", {{"class", "soft"}}, card.note).Close("dd").Close("div");
  }
  out.Close("dl");
}

}  // namespace

std::string ProfileText(const PerformanceProfile& profile, size_t width) {
  PageLines lines(width);
  AddSummary(lines, profile);
  AddNodes(lines, profile);
  AddTools(lines, profile);
  AddBottlenecks(lines, profile);
  return lines.Take();
}

std::string BottlenecksText(const PerformanceProfile& profile, size_t width) {
  PageLines lines(width);
  lines.Head(CutName(NameOf(profile), 50) + "  " + Counted(profile.executions, "execution"));
  AddBottlenecks(lines, profile);
  return lines.Take();
}

std::string ProfilePage(const PerformanceProfile& profile, const std::string& made_at) {
  reports::Markup out;
  OpenFrame(out, {.title = "Profile of " + NameOf(profile),
                  .skip = "Skip to the profile",
                  .sections = {{"summary", "Summary", ""},
                               {"bottlenecks", "Bottlenecks", std::to_string(profile.bottlenecks.size())},
                               {"nodes", "Nodes", std::to_string(profile.node_metrics.size())},
                               {"tools", "Tools", std::to_string(profile.tool_metrics.size())}}});
  out.Open("header", {{"class", "masthead"}}).Leaf("h1", "Where " + NameOf(profile) + " spends time and money");
  out.Leaf("p", {{"class", "lead"}},
           reports::FormatInstant(profile.from) + " to " + reports::FormatInstant(profile.to));
  out.Close("header");
  OpenPart(out, "summary", "Summary");
  WriteProfileCards(out, profile);
  out.Close("section");
  WriteBottlenecks(out, profile);
  WriteNodes(out, profile);
  WriteTools(out, profile);
  CloseFrame(out, [&](reports::Markup& foot) { foot.Text("Made " + reports::FormatInstant(made_at) + "."); });
  return out.Take();
}

}  // namespace wfe::cli
