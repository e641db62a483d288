#include "tools/wfe/session_page.h"

#include <fmt/core.h>

#include <cctype>

#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html_frame.h"
#include "activities/learning/experiments/judge.h"
#include "engine/base/counted.h"
#include "tools/wfe/page_lines.h"
#include "tools/wfe/profile_page.h"
#include "workflows/delivery/rollout_workflow.h"

namespace wfe::cli {
namespace {

namespace reports = analytics::reports;
using optimizer::SessionCandidate;
using optimizer::SessionState;

std::string PartOf(double share) { return reports::FormatFixed(100 * share, 1) + " %"; }

/// "approve", "conditional", "marginal" or "reject".
std::string VerdictOf(const SessionCandidate& candidate) {
  if (candidate.validation) {
    const std::string& verdict = candidate.validation->recommendation;
    if (verdict == delivery::kConditionalApprove) return "conditional";
    std::string word;
    for (const char c : verdict) word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return word;
  }
  return candidate.why_not_tried.empty() ? "" : "not tried";
}

std::string DecisionOf(const SessionCandidate& candidate) {
  return candidate.decision.empty() ? "open" : candidate.decision;
}

std::string OutcomeOf(const SessionStory& story) {
  const SessionState& state = story.session.state;
  return state.ended() ? state.outcome + ": " + state.why : state.phase;
}

std::optional<learning::ABTestResult> ExperimentOf(const SessionState& state) {
  if (state.experiment_result.is_null()) return std::nullopt;
  return state.experiment_result.get<learning::ABTestResult>();
}

/// Where the workflow stands now, whatever the session ended with.
std::string ServiceLine(const SessionStory& story) {
  if (!story.versions) return "";
  const delivery::VersionState& versions = *story.versions;
  return delivery::VersionId(versions.workflow_id, versions.in_service) + " is in service since " +
         reports::FormatInstant(versions.changed_at) + " (" + versions.changed_kind + ": " + versions.changed_reason +
         ")";
}

void AddCandidates(PageLines& lines, const SessionState& state) {
  lines.Head(state.candidates.empty() ? "SUGGESTIONS  none" : "SUGGESTIONS");
  if (state.candidates.empty()) return;
  lines.Add(fmt::format("  {:<17}{:<17}{:<8}{:>7}{:>7}{:>6}  {:<12}{}", "ID", "STRATEGY", "RISK", "TIME", "COST",
                        "SURE", "DRY RUN", "DECISION"));
  for (const SessionCandidate& candidate : state.candidates) {
    const auto& suggestion = candidate.suggestion;
    const auto& gain = suggestion.estimated_improvement;
    lines.Add(fmt::format("  {:<17}{:<17}{:<8}{:>7}{:>7}{:>6}  {:<12}{}", CutName(suggestion.suggestion_id, 16),
                          CutName(suggestion.strategy_type, 16), suggestion.risk_level,
                          fmt::format("{:+.0f}%", -100 * gain.duration_reduction),
                          fmt::format("{:+.0f}%", -100 * gain.cost_reduction), fmt::format("{:.2f}", gain.confidence),
                          CutName(VerdictOf(candidate), 11), DecisionOf(candidate)));
    lines.Wrap("      ", suggestion.description + " (" + suggestion.target + "; needs " + suggestion.needs + ")");
    if (candidate.validation) {
      lines.Wrap("      ", fmt::format("dry run: {:.2f} times as fast, {} of the cost saved; {}",
                                       candidate.validation->speedup, PartOf(candidate.validation->cost_reduction),
                                       candidate.validation->reason));
    } else if (!candidate.why_not_tried.empty()) {
      lines.Wrap("      ", "not tried: " + candidate.why_not_tried);
    }
    if (!candidate.decision.empty()) {
      lines.Wrap("      ", candidate.decision + " by " + candidate.decided_by + ": " + candidate.decided_why);
    }
  }
}

void AddExperiment(PageLines& lines, const SessionState& state) {
  const auto result = ExperimentOf(state);
  if (state.experiment_id.empty()) return;
  lines.Head("A/B TEST  " + state.experiment_id);
  if (!result) return lines.Add("  runs; `wfe optimize abtest status " + state.experiment_id + "`");
  lines.Wrap("  ", result->winner + ": " + result->reason);
  lines.Add(fmt::format("  {:<14}{:>12}{:>12}{:>10}", "METRIC", "CONTROL", "VARIANT", "P (HOLM)"));
  for (const learning::MetricTest& test : result->tests) {
    lines.Add(fmt::format("  {:<14}{:>12.4g}{:>12.4g}{:>10.3g}", test.metric, test.mean_control, test.mean_variant,
                          test.p_adjusted));
  }
}

void AddRollout(PageLines& lines, const SessionStory& story) {
  if (!story.rollout) return;
  lines.Head("ROLLOUT  " + story.rollout->header.rollout_id + "  " + story.rollout->state.phase);
  for (const delivery::RolloutEvent& event : story.rollout->events) {
    lines.Add(fmt::format("  {}  stage {}  {:>5} %  {:<16} {}", reports::FormatInstant(event.at), event.stage,
                          fmt::format("{:g}", 100 * event.share), event.kind, event.reason));
  }
}

void AddMonitoring(PageLines& lines, const SessionStory& story) {
  if (story.monitoring.empty()) return;
  lines.Head("MONITORING");
  for (const delivery::MonitoringEvent& event : story.monitoring) {
    lines.Add(fmt::format("  {}  {:<9}{:<24}{}", reports::FormatInstant(event.time), event.severity, event.type,
                          event.state));
    lines.Wrap("      ", event.version_id + ": " + event.description);
  }
}

// --- HTML

void OpenSection(reports::Markup& out, const std::string& id, std::string_view title) {
  out.Open("section", {{"id", id}, {"aria-labelledby", id + "-h"}}).Leaf("h2", {{"id", id + "-h"}}, title);
}

void WriteSuggestions(reports::Markup& out, const SessionState& state) {
  OpenSection(out, "suggestions", "Suggestions");
  reports::Chart chart{.id = "gains",
                       .title = "What each is expected to save",
                       .x_label = "",
                       .y_label = "",
                       .unit = "share",
                       .type = reports::ChartType::kBar,
                       .series = {{.name = "Of the workflow's time", .points = {}}}};
  reports::Table table{.id = "suggestion-rows",
                       .title = "Suggestions, the best first",
                       .query = "",
                       .columns = {{"", "Id", "code"}, {"", "Strategy", ""}, {"", "What", ""}, {"", "Risk", ""},
                                   {"", "Time saved", "share"}, {"", "Cost saved", "share"}, {"", "Sure", "number"},
                                   {"", "Dry run", ""}, {"", "Why", ""},
                                   {"", "Decision", ""}, {"", "By", ""}},
                       .rows = {}};
  for (const SessionCandidate& candidate : state.candidates) {
    const auto& suggestion = candidate.suggestion;
    const auto& gain = suggestion.estimated_improvement;
    if (gain.duration_reduction > 0 && chart.series[0].points.size() < 20) {
      chart.series[0].points.push_back({.x = suggestion.strategy_type + " " + suggestion.target,
                                        .y = gain.duration_reduction, .band = {},
                                        .note = PartOf(gain.cost_reduction) + " of the cost"});
    }
    table.rows.push_back(
        {.cells = {suggestion.suggestion_id, suggestion.strategy_type, suggestion.description, suggestion.risk_level,
                   gain.duration_reduction, gain.cost_reduction, gain.confidence, VerdictOf(candidate),
                   candidate.validation ? candidate.validation->reason : candidate.why_not_tried,
                   DecisionOf(candidate),
                   candidate.decision.empty() ? std::string() : candidate.decided_by + ": " + candidate.decided_why},
         .runs = {}});
  }
  if (!chart.series[0].points.empty()) WriteChart(out, chart, "gain-chart");
  if (table.rows.empty()) out.Leaf("p", "No strategy found anything to propose.");
  if (!table.rows.empty()) WriteTable(out, reports::Anchors(), table);
  if (!state.refused.empty()) {
    out.Leaf("h3", "Looked at and not proposed").Open("ul", {{"class", "said"}});
    for (const optimizer::Refusal& refusal : state.refused) {
      out.Leaf("li", refusal.strategy_type + " of " + refusal.target + ": " + refusal.reason);
    }
    out.Close("ul");
  }
  out.Close("section");
}

void WriteExperiment(reports::Markup& out, const SessionState& state) {
  const auto result = ExperimentOf(state);
  if (!result) return;
  OpenSection(out, "experiment", "A/B test");
  out.Leaf("p", result->winner + ": " + result->reason);
  reports::Table table{.id = "experiment-rows",
                       .title = "Control and variant on live runs",
                       .query = "",
                       .columns = {{"", "Metric", ""}, {"", "Control", "number"}, {"", "Variant", "number"},
                                   {"", "p (Holm)", ""}, {"", "Test", ""}},
                       .rows = {}};
  for (const learning::MetricTest& test : result->tests) {
    table.rows.push_back(
        {.cells = {test.metric, test.mean_control, test.mean_variant, reports::FormatP(test.p_adjusted), test.test},
         .runs = {}});
  }
  WriteTable(out, reports::Anchors(), table);
  out.Close("section");
}

void WriteRollout(reports::Markup& out, const SessionStory& story) {
  if (!story.rollout) return;
  OpenSection(out, "rollout", "Rollout");
  reports::Table table{.id = "rollout-rows",
                       .title = "Stages of " + story.rollout->header.rollout_id,
                       .query = "",
                       .columns = {{"", "When", ""}, {"", "What", ""}, {"", "Stage", "count"}, {"", "New runs", "share"},
                                   {"", "By", ""}, {"", "Why", ""}},
                       .rows = {}};
  for (const delivery::RolloutEvent& event : story.rollout->events) {
    table.rows.push_back({.cells = {reports::FormatInstant(event.at), event.kind, static_cast<double>(event.stage),
                                    event.share, event.author, event.reason},
                          .runs = {}});
  }
  WriteTable(out, reports::Anchors(), table);
  out.Close("section");
}

void WriteService(reports::Markup& out, const SessionStory& story) {
  OpenSection(out, "service", "In service");
  if (story.versions) out.Leaf("p", ServiceLine(story));
  if (story.monitoring.empty()) {
    out.Leaf("p", "A monitor has told nothing since the session began.");
    return (void)out.Close("section");
  }
  reports::Table table{.id = "monitoring-rows",
                       .title = "What monitors told since the session began",
                       .query = "",
                       .columns = {{"", "When", ""}, {"", "Severity", ""}, {"", "Event", ""}, {"", "State", ""},
                                   {"", "Version", "code"}, {"", "What", ""}},
                       .rows = {}};
  for (const delivery::MonitoringEvent& event : story.monitoring) {
    table.rows.push_back({.cells = {reports::FormatInstant(event.time), event.severity, event.type, event.state,
                                    event.version_id, event.description},
                          .runs = {}});
  }
  WriteTable(out, reports::Anchors(), table);
  out.Close("section");
}

void WriteGraphs(reports::Markup& out, const SessionStory& story) {
  if (story.before.empty()) return;
  OpenSection(out, "graphs", "Before and after");
  out.Leaf("h3", story.session.state.version_id).Leaf("pre", story.before);
  if (!story.after.empty()) out.Leaf("h3", story.session.state.new_version_id).Leaf("pre", story.after);
  out.Close("section");
}

void WriteEvents(reports::Markup& out, const SessionStory& story) {
  OpenSection(out, "events", "Every step");
  reports::Table table{.id = "event-rows",
                       .title = "What the session did, and why",
                       .query = "",
                       .columns = {{"", "When", ""}, {"", "What", ""}, {"", "By", ""}, {"", "Why", ""}},
                       .rows = {}};
  for (const optimizer::SessionEvent& event : story.session.events) {
    table.rows.push_back(
        {.cells = {reports::FormatInstant(event.at), event.kind, event.author, event.reason}, .runs = {}});
  }
  WriteTable(out, reports::Anchors(), table);
  out.Close("section");
}

}  // namespace

std::string SessionText(const SessionStory& story, size_t width) {
  const SessionState& state = story.session.state;
  const optimizer::SessionHeader& header = story.session.header;
  PageLines lines(width);
  lines.Add("SESSION  " + header.session_id);
  lines.Wrap("  ", "of " + header.workflow_id + ", since " + reports::FormatInstant(header.started_at) + ", by " +
                       header.author + ": " + header.reason);
  lines.Wrap("  ", OutcomeOf(story));
  if (const std::string service = ServiceLine(story); !service.empty()) lines.Wrap("  ", service);
  if (state.profile) {
    const optimizer::WorkflowMetrics& all = state.profile->workflow_metrics;
    lines.Head("BEFORE  " + state.version_id);
    lines.Add(fmt::format("  {}, {:.2f} s and ${:.4f} on average, {} ended well", Counted(all.executions, "execution"),
                          all.avg_duration, all.avg_cost, PartOf(all.success_rate)));
    for (const optimizer::Bottleneck& b : state.profile->bottlenecks) {
      lines.Wrap("  ", b.severity + " " + b.type + " " + (b.node_id.empty() ? b.tool_id : b.node_id) + ": " +
                           b.description);
    }
  }
  AddCandidates(lines, state);
  if (!state.refused.empty()) {
    lines.Add(fmt::format("  {} more were looked at and refused, each with a reason: --output json",
                          state.refused.size()));
  }
  AddExperiment(lines, state);
  AddRollout(lines, story);
  AddMonitoring(lines, story);
  return lines.Take();
}

std::string SessionPage(const SessionStory& story, const std::string& made_at) {
  const SessionState& state = story.session.state;
  const optimizer::SessionHeader& header = story.session.header;
  reports::Markup out;
  std::vector<reports::RailEntry> sections = {{"suggestions", "Suggestions", std::to_string(state.candidates.size())}};
  if (!state.experiment_result.is_null()) sections.push_back({"experiment", "A/B test", ""});
  if (story.rollout) sections.push_back({"rollout", "Rollout", ""});
  sections.push_back({"service", "In service", ""});
  if (!story.before.empty()) sections.push_back({"graphs", "Before and after", ""});
  sections.push_back({"events", "Every step", std::to_string(story.session.events.size())});
  OpenFrame(out, {.title = "Optimizer session " + header.session_id, .skip = "Skip to the session", .sections = sections});
  out.Open("header", {{"class", "masthead"}}).Leaf("h1", "Optimizing " + header.workflow_id);
  out.Leaf("p", {{"class", "lead"}}, OutcomeOf(story));
  out.Leaf("p", "Session " + header.session_id + ", since " + reports::FormatInstant(header.started_at) + ", by " +
                    header.author + ": " + header.reason);
  if (state.profile) {
    const optimizer::WorkflowMetrics& all = state.profile->workflow_metrics;
    out.Leaf("p", fmt::format("{} was profiled: {}, {:.2f} s and ${:.4f} on average, {} ended well, {}.",
                              state.version_id, Counted(all.executions, "execution"), all.avg_duration, all.avg_cost,
                              PartOf(all.success_rate),
                              Counted(state.profile->bottlenecks.size(), "bottleneck")));
  }
  out.Close("header");
  WriteSuggestions(out, state);
  WriteExperiment(out, state);
  WriteRollout(out, story);
  WriteService(out, story);
  WriteGraphs(out, story);
  WriteEvents(out, story);
  CloseFrame(out, [&](reports::Markup& foot) { foot.Text("Made " + reports::FormatInstant(made_at) + "."); });
  return out.Take();
}

}  // namespace wfe::cli
