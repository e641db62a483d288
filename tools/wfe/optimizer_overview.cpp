#include "tools/wfe/optimizer_overview.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html_frame.h"
#include "activities/delivery/records/executions.h"
#include "activities/delivery/records/version_choice.h"
#include "activities/delivery/records/version_store.h"
#include "activities/learning/records/experiment_store.h"
#include "tools/wfe/page_lines.h"

namespace wfe::cli {
namespace {

namespace reports = analytics::reports;
using delivery::MonitoringEvent;
using delivery::VersionState;

/// Raised and not cleared since.
std::vector<MonitoringEvent> OpenOf(const std::vector<MonitoringEvent>& events) {
  std::map<std::string, MonitoringEvent> lasting;
  for (const MonitoringEvent& event : events) {
    if (event.state == delivery::kEventRaised) lasting[event.type] = event;
    if (event.state == delivery::kEventCleared) lasting.erase(event.type);
  }
  std::vector<MonitoringEvent> open;
  for (auto& [type, event] : lasting) open.push_back(std::move(event));
  return open;
}

Status AddRuns(client::RecordsClient& records, Instant now, OverviewRow& row, learning::RowProblems& problems) {
  WFE_ASSIGN_OR_RETURN(const auto executions,
                       delivery::LoadExecutions(records, row.workflow_id, now - std::chrono::hours(24),
                                                now + std::chrono::milliseconds(1), problems));
  std::vector<delivery::RunOutcome> runs;
  for (const delivery::ExecutionRecord& execution : executions) runs.push_back(OutcomeOf(execution));
  const delivery::PerformanceWindow window = delivery::Describe(runs);
  row.runs = window.runs;
  row.avg_duration_s = window.mean_duration_ms / 1000;
  row.avg_cost_usd = window.mean_cost_usd;
  row.success_rate = window.success_rate;
  return Ok();
}

Status AddSplit(client::RecordsClient& records, const VersionState& state, OverviewRow& row,
                learning::RowProblems& problems) {
  if (state.split) {
    row.split_version = delivery::VersionId(state.workflow_id, state.split->version);
    row.split_share = state.split->share;
    row.split_by = "rollout " + state.split->rollout_id;
    return Ok();
  }
  WFE_ASSIGN_OR_RETURN(const auto running, learning::ExperimentStore(records).RunningOn(
                                               delivery::SubjectOf(state.workflow_id), problems));
  if (!running) return Ok();
  row.split_version = running->variant;
  row.split_share = running->variant_share;
  row.split_by = "experiment " + running->experiment_id;
  return Ok();
}

std::string SplitText(const OverviewRow& row) {
  if (row.split_version.empty()) return "";
  return fmt::format("{} gets {:g} % by {}", row.split_version, 100 * row.split_share, row.split_by);
}

std::string ShareText(const std::optional<double>& share) {
  return share ? reports::FormatFixed(100 * *share, 0) + " %" : std::string("-");
}

std::string AdoptionText(const optimizer::AdoptionFigures& figures) {
  return fmt::format("{} sessions of {} workflows, {} of them optimized; {} suggestions, {} of the decided ones approved; "
                     "{} of {} deployments taken back; rating {}",
                     figures.sessions, figures.workflows, figures.optimized_workflows, figures.suggestions,
                     ShareText(figures.approval_rate), figures.rolled_back, figures.deployed,
                     figures.mean_rating ? fmt::format("{:.1f}", *figures.mean_rating) : std::string("-"));
}

}  // namespace

Result<OptimizerOverview> ReadOptimizerOverview(client::RecordsClient& records, Instant now) {
  OptimizerOverview overview{.at = FormatIso8601Millis(now)};
  WFE_ASSIGN_OR_RETURN(const auto states, delivery::VersionStore(records).List(overview.problems));
  WFE_ASSIGN_OR_RETURN(const auto sessions, optimizer::SessionLog(records).List(overview.problems));
  std::vector<std::string> taken_back;
  for (const VersionState& state : states) {
    OverviewRow row{.workflow_id = state.workflow_id,
                    .in_service = delivery::VersionId(state.workflow_id, state.in_service),
                    .since = state.changed_at,
                    .versions = static_cast<int64_t>(state.versions.size())};
    for (const delivery::VersionEvent& event : state.events) {
      if (event.kind != delivery::kVersionRolledBack || !event.previous_version) continue;
      ++row.rollbacks;
      taken_back.push_back(delivery::VersionId(state.workflow_id, *event.previous_version));
    }
    WFE_RETURN_IF_ERROR(AddRuns(records, now, row, overview.problems));
    WFE_RETURN_IF_ERROR(AddSplit(records, state, row, overview.problems));
    WFE_ASSIGN_OR_RETURN(const auto events, delivery::MonitorLog(records).Events(state.workflow_id));
    const std::vector<MonitoringEvent> open = OpenOf(events);
    row.open_events = static_cast<int64_t>(open.size());
    overview.open_events.insert(overview.open_events.end(), open.begin(), open.end());
    const optimizer::StoredSession* newest = nullptr;
    for (const optimizer::StoredSession& session : sessions) {
      if (session.header.workflow_id != state.workflow_id) continue;
      if (newest == nullptr || newest->header.started_at < session.header.started_at) newest = &session;
    }
    if (newest != nullptr) row.session = newest->state.ended() ? newest->state.outcome : newest->state.phase;
    overview.workflows.push_back(std::move(row));
  }
  overview.adoption = Adoption(sessions, taken_back);
  return overview;
}

std::string OptimizerOverviewText(const OptimizerOverview& overview, size_t width) {
  PageLines lines(width);
  lines.Add("OPTIMIZER  " + reports::FormatInstant(overview.at));
  lines.Wrap("  ", AdoptionText(overview.adoption));
  lines.Head(fmt::format("{:<24}{:>6}{:>10}{:>10}{:>7}{:>6}  {}", "IN SERVICE", "RUNS", "MEAN", "COST", "WELL", "OPEN",
                         "SESSION"));
  for (const OverviewRow& row : overview.workflows) {
    lines.Add(fmt::format("  {:<22}{:>6}{:>10}{:>10}{:>7}{:>6}  {}", CutName(row.in_service, 21), row.runs,
                          fmt::format("{:.2f} s", row.avg_duration_s), fmt::format("${:.4f}", row.avg_cost_usd),
                          row.runs == 0 ? std::string("-") : reports::FormatFixed(100 * row.success_rate, 0) + " %",
                          row.open_events, row.session));
    lines.Wrap("      ", fmt::format("since {}; {} versions, {} rollbacks{}", reports::FormatInstant(row.since),
                                     row.versions, row.rollbacks,
                                     row.split_version.empty() ? "" : "; " + SplitText(row)));
  }
  if (overview.workflows.empty()) lines.Add("  no managed workflows; `wfe optimize add` makes one");
  if (!overview.open_events.empty()) lines.Head("OPEN EVENTS");
  for (const MonitoringEvent& event : overview.open_events) {
    lines.Add(fmt::format("  {}  {:<9}{}", reports::FormatInstant(event.time), event.severity, event.type));
    lines.Wrap("      ", event.version_id + ": " + event.description);
  }
  for (const std::string& problem : overview.problems) lines.Wrap("  ", "not counted: " + problem);
  return lines.Take();
}

std::string OptimizerOverviewPage(const OptimizerOverview& overview) {
  reports::Markup out;
  OpenFrame(out, {.title = "Optimizer",
                  .skip = "Skip to the workflows",
                  .sections = {{"workflows", "Workflows", std::to_string(overview.workflows.size())},
                               {"open", "Open events", std::to_string(overview.open_events.size())}}});
  out.Open("header", {{"class", "masthead"}}).Leaf("h1", "Workflows in service");
  out.Leaf("p", {{"class", "lead"}}, AdoptionText(overview.adoption));
  out.Close("header");
  out.Open("section", {{"id", "workflows"}, {"aria-labelledby", "workflows-h"}});
  out.Leaf("h2", {{"id", "workflows-h"}}, "Workflows");
  reports::Table table{.id = "workflow-rows",
                       .title = "The last 24 hours",
                       .query = "",
                       .columns = {{"", "In service", "code"}, {"", "Since", ""}, {"", "Runs", "count"},
                                   {"", "Mean, s", "number"}, {"", "Cost, $", "number"}, {"", "Well", "share"},
                                   {"", "Divided", ""}, {"", "Open", "count"}, {"", "Rollbacks", "count"},
                                   {"", "Session", ""}},
                       .rows = {}};
  for (const OverviewRow& row : overview.workflows) {
    table.rows.push_back({.cells = {row.in_service, reports::FormatInstant(row.since), static_cast<double>(row.runs),
                                    row.avg_duration_s, row.avg_cost_usd, row.success_rate, SplitText(row),
                                    static_cast<double>(row.open_events), static_cast<double>(row.rollbacks),
                                    row.session},
                          .runs = {}});
  }
  if (table.rows.empty()) out.Leaf("p", "There are no managed workflows.");
  if (!table.rows.empty()) WriteTable(out, reports::Anchors(), table);
  out.Close("section").Open("section", {{"id", "open"}, {"aria-labelledby", "open-h"}});
  out.Leaf("h2", {{"id", "open-h"}}, "Open events");
  if (overview.open_events.empty()) out.Leaf("p", "No condition lasts.");
  for (const MonitoringEvent& event : overview.open_events) {
    out.Leaf("p", event.severity + " " + event.type + " since " + reports::FormatInstant(event.time) + ", " +
                      event.version_id + ": " + event.description);
  }
  out.Close("section");
  CloseFrame(out, [&](reports::Markup& foot) { foot.Text("Made " + reports::FormatInstant(overview.at) + "."); });
  return out.Take();
}

}  // namespace wfe::cli
