#include "activities/analytics/reports/report_model.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "activities/analytics/reports/json_fields.h"

namespace wfe::analytics::reports {
namespace {

void ReadProblems(const Fields& problems, Header& header) {
  header.problem_count = problems.MaybeNumber("count").value_or(0);
  header.problems_by_kind = problems.NamedNumbers("by_kind");
  problems.Each("listed", [&](const Fields& listed) {
    header.problems.push_back({.file = listed.TextOr("file"),
                               .kind = listed.TextOr("kind"),
                               .message = listed.TextOr("message"),
                               .line = listed.MaybeNumber("line")});
  });
}

/// From the most to the least trustworthy, whatever order the JSON has; what is unknown here comes last.
void OrderTokenSources(std::vector<std::pair<std::string, double>>& shares) {
  static const std::vector<std::string> kOrder = {"reported", "tokenizer", "estimated", "scripted", "unstated"};
  std::stable_sort(shares.begin(), shares.end(), [](const auto& a, const auto& b) {
    return std::find(kOrder.begin(), kOrder.end(), a.first) < std::find(kOrder.begin(), kOrder.end(), b.first);
  });
}

void ReadHeader(const Fields& fields, Header& header) {
  fields.Each("sources", [&](const Fields& source) {
    header.sources.push_back({.kind = source.TextOr("kind"),
                              .location = source.TextOr("location"),
                              .files = source.MaybeNumber("files"),
                              .entries = source.MaybeNumber("entries")});
  });
  header.runs = fields.MaybeNumber("runs");
  header.completed_runs = fields.MaybeNumber("completed_runs");
  header.incomplete_runs = fields.MaybeNumber("incomplete_runs");
  header.builds = fields.MaybeNumber("builds");
  header.entries = fields.MaybeNumber("entries");
  header.duplicates = fields.MaybeNumber("duplicates");
  header.beginning_missing_runs = fields.MaybeNumber("beginning_missing_runs");
  header.unchained_runs = fields.MaybeNumber("unchained_runs");
  header.unchained_entries = fields.MaybeNumber("unchained_entries");
  header.broken_chain_runs = fields.MaybeNumber("broken_chain_runs");
  fields.Object("problems", [&](const Fields& problems) { ReadProblems(problems, header); });
  header.token_sources = fields.NamedNumbers("token_sources");
  OrderTokenSources(header.token_sources);
  fields.Object("previous_report", [&](const Fields& previous) {
    header.previous_report_id = previous.MaybeText("report_id");
    header.previous_generated_at = previous.MaybeText("generated_at");
  });
  fields.Object("sufficiency", [&](const Fields& sufficiency) {
    sufficiency.Require("sufficient");
    header.sufficiency = Sufficiency{.sufficient = sufficiency.MaybeBool("sufficient").value_or(true),
                                     .min_runs = sufficiency.MaybeNumber("min_runs"),
                                     .runs = sufficiency.MaybeNumber("runs"),
                                     .statement = sufficiency.TextOr("statement")};
  });
  header.note = fields.MaybeText("note");
}

Table ReadTable(const Fields& fields) {
  Table table{.id = fields.TextOr("id"),
              .title = fields.Text("title"),
              .query = fields.TextOr("query"),
              .columns = {},
              .rows = {},
              .rows_left_out = fields.MaybeNumber("rows_left_out").value_or(0)};
  fields.Require("columns");
  fields.Each("columns", [&](const Fields& column) {
    const std::string key = column.Text("key");
    table.columns.push_back(
        {.key = key, .label = column.MaybeText("label").value_or(key), .unit = column.TextOr("unit")});
  });
  fields.Each("rows", [&](const Fields& fields_of_row) {
    Row row;
    for (const TableColumn& column : table.columns) row.cells.push_back(fields_of_row.CellAt(column.key));
    row.runs = fields_of_row.Texts("runs");
    table.rows.push_back(std::move(row));
  });
  // "runs" is the list of examples; where a table names it as a column too, it is shown once.
  for (size_t i = table.columns.size(); i-- > 0;) {
    if (table.columns[i].key != "runs") continue;
    const auto at = static_cast<std::ptrdiff_t>(i);
    table.columns.erase(table.columns.begin() + at);
    for (Row& row : table.rows) row.cells.erase(row.cells.begin() + at);
  }
  return table;
}

ChartType ReadChartType(const Fields& fields) {
  const std::string type = fields.Text("type");
  if (type == "line") return ChartType::kLine;
  if (type == "stacked_bar") return ChartType::kStackedBar;
  if (type == "timeline") return ChartType::kTimeline;
  if (type != "bar") fields.Wrong("type", "must be bar, line, stacked_bar or timeline");
  return ChartType::kBar;
}

Chart ReadChart(const Fields& fields) {
  Chart chart{.id = fields.TextOr("id"),
              .title = fields.Text("title"),
              .x_label = fields.TextOr("x_label"),
              .y_label = fields.TextOr("y_label"),
              .unit = fields.TextOr("unit"),
              .type = ReadChartType(fields),
              .series = {}};
  fields.Each("series", [&](const Fields& series) {
    Series& added = chart.series.emplace_back(Series{.name = series.TextOr("name"), .points = {}});
    series.Each("points", [&](const Fields& point) {
      const OptionalNumber y = point.MaybeNumber("y");
      if (!y) return;  // A period without a value is a gap, not a zero.
      point.Require("x");
      Point& last = added.points.emplace_back(
          Point{.x = point.AnyText("x"), .y = *y, .band = std::nullopt, .note = point.TextOr("note")});
      const OptionalNumber low = point.MaybeNumber("lo");
      const OptionalNumber high = point.MaybeNumber("hi");
      if (low && high) last.band = Interval{*low, *high};
    });
  });
  return chart;
}

Audit ReadAudit(const Fields& fields) {
  Audit audit{.kind = fields.Text("kind"),
              .title = fields.Text("title"),
              .goal = fields.TextOr("goal"),
              .tables = {},
              .charts = {},
              .finding_ids = fields.Texts("finding_ids")};
  fields.Each("tables", [&](const Fields& table) { audit.tables.push_back(ReadTable(table)); });
  fields.Each("charts", [&](const Fields& chart) { audit.charts.push_back(ReadChart(chart)); });
  return audit;
}

Effect ReadEffect(const Fields& fields) {
  return {.measure = fields.TextOr("measure"),
          .unit = fields.TextOr("unit"),
          .value = fields.MaybeNumber("value"),
          .confidence = fields.MaybeNumber("confidence"),
          .interval = fields.MaybeInterval("interval")};
}

Saving ReadSaving(const Fields& fields) {
  return {.tokens = fields.MaybeNumber("tokens"), .usd = fields.MaybeNumber("usd"), .basis = fields.TextOr("basis")};
}

Finding ReadFinding(const Fields& fields) {
  Finding finding;
  finding.id = fields.Text("id");
  finding.audit = fields.TextOr("audit");
  finding.title = fields.Text("title");
  finding.statement = fields.TextOr("statement");
  finding.significant = fields.MaybeBool("significant").value_or(false);
  finding.n = fields.MaybeNumber("n");
  fields.Each("groups", [&](const Fields& group) {
    finding.groups.push_back(
        {.name = group.TextOr("name"), .n = group.MaybeNumber("n"), .value = group.MaybeNumber("value")});
  });
  fields.Object("effect", [&](const Fields& effect) { finding.effect = ReadEffect(effect); });
  finding.p_value = fields.MaybeNumber("p_value");
  finding.p_adjusted = fields.MaybeNumber("p_adjusted");
  finding.test = fields.TextOr("test");
  fields.Object("saving", [&](const Fields& saving) {
    finding.saving = Saving{
        .tokens = saving.MaybeNumber("tokens"), .usd = saving.MaybeNumber("usd"), .basis = saving.TextOr("basis")};
  });
  fields.Each("examples", [&](const Fields& example) {
    finding.examples.push_back({.run_id = example.TextOr("run_id"),
                                .step = example.TextOr("step"),
                                .file = example.TextOr("file"),
                                .line = example.MaybeNumber("line")});
  });
  finding.section = fields.TextOr("section");
  finding.template_id = fields.TextOr("template_id");
  finding.rule_key = fields.TextOr("rule_key");
  finding.recommendation = fields.TextOr("recommendation");
  fields.Object("proposal", [&](const Fields& proposal) {
    finding.proposal = Proposal{.template_id = proposal.TextOr("template_id"),
                                .base_version = proposal.AnyText("base_version"),
                                .draft_version = proposal.AnyText("draft_version"),
                                .section = proposal.TextOr("section"),
                                .reason = proposal.TextOr("reason"),
                                .diff = proposal.TextOr("diff")};
  });
  return finding;
}

void ReadTrend(const Fields& fields, Report& report) {
  fields.Each("reports", [&](const Fields& earlier) {
    report.trend_reports.push_back({.report_id = earlier.TextOr("report_id"),
                                    .generated_at = earlier.TextOr("generated_at"),
                                    .first_pass_rate = earlier.MaybeNumber("first_pass_rate"),
                                    .success_rate = earlier.MaybeNumber("success_rate"),
                                    .tokens_per_success = earlier.MaybeNumber("tokens_per_success"),
                                    .rework_share = earlier.MaybeNumber("rework_share")});
  });
  fields.Each("proposals", [&](const Fields& accepted) {
    TrendProposal& proposal = report.trend_proposals.emplace_back();
    proposal.template_id = accepted.TextOr("template_id");
    proposal.version = accepted.AnyText("version");
    proposal.activated_at = accepted.TextOr("activated_at");
    accepted.Object("predicted", [&](const Fields& predicted) {
      predicted.Object("effect", [&](const Fields& effect) { proposal.found = ReadEffect(effect); });
      predicted.Object("saving", [&](const Fields& saving) { proposal.predicted_saving = ReadSaving(saving); });
    });
    proposal.predicted = accepted.NamedTexts("predicted");
    std::erase_if(proposal.predicted, [](const NamedText& field) {
      return field.first.starts_with("effect.") || field.first.starts_with("saving.");
    });
    if (accepted.IsText("measured")) {
      proposal.not_measured = accepted.TextOr("measured");
      return;
    }
    accepted.Object("measured", [&](const Fields& measured) {
      proposal.measured = ReadEffect(measured);
      proposal.measured_n = measured.MaybeNumber("n");
    });
  });
}

void ReadAppendix(const Fields& fields, Report& report) {
  fields.Each("queries", [&](const Fields& query) {
    report.queries.push_back({.id = query.Text("id"),
                              .title = query.TextOr("title"),
                              .rows = query.AnyText("rows"),
                              .filter = query.AnyText("filter"),
                              .group_by = query.AnyText("group_by"),
                              .measures = query.AnyText("measures")});
  });
  report.thresholds = fields.NamedTexts("thresholds");
  fields.Each("runs", [&](const Fields& run) {
    report.runs.push_back({.run_id = run.Text("run_id"),
                           .workflow_id = run.TextOr("workflow_id"),
                           .status = run.TextOr("status"),
                           .context_hash = run.TextOr("context_hash"),
                           .template_version = run.TextOr("template"),
                           .started_at = run.TextOr("started_at"),
                           .file = run.TextOr("file"),
                           .first_pass = run.MaybeBool("first_pass"),
                           .attempts = run.MaybeNumber("attempts"),
                           .tokens = run.MaybeNumber("tokens"),
                           .cost_usd = run.MaybeNumber("cost_usd"),
                           .rework_share = run.MaybeNumber("rework_share"),
                           .duration_ms = run.MaybeNumber("duration_ms")});
  });
}

}  // namespace

Result<Report> ReadReport(const nlohmann::json& json) {
  std::string problem;
  Report report;
  const Fields fields(json, "", &problem);
  if (problem.empty() && fields.Number("schema_version") != 1) fields.Wrong("schema_version", "must be 1");
  report.report_id = fields.Text("report_id");
  report.generated_at = fields.Text("generated_at");
  fields.Object("window", [&](const Fields& window) {
    report.window_from = window.MaybeText("from");
    report.window_to = window.MaybeText("to");
  });
  report.scripted_only = fields.MaybeBool("scripted_only").value_or(false);
  fields.Require("header");
  fields.Object("header", [&](const Fields& header) { ReadHeader(header, report.header); });
  fields.Require("summary");
  fields.Each("summary", [&](const Fields& item) {
    const OptionalNumber value = item.MaybeNumber("value");
    const std::string key = item.Text("key");
    if (!value) return;  // Nothing is known, so nothing is shown: money without prices, rates without builds.
    report.summary.push_back({.key = key,
                              .label = item.MaybeText("label").value_or(key),
                              .unit = item.TextOr("unit"),
                              .value = *value,
                              .n = item.MaybeNumber("n"),
                              .previous = item.MaybeNumber("previous"),
                              .change = item.MaybeNumber("change")});
  });
  fields.Require("audits");
  fields.Each("audits", [&](const Fields& audit) { report.audits.push_back(ReadAudit(audit)); });
  fields.Require("findings");
  fields.Each("findings", [&](const Fields& finding) { report.findings.push_back(ReadFinding(finding)); });
  fields.Object("trend", [&](const Fields& trend) { ReadTrend(trend, report); });
  fields.Object("appendix", [&](const Fields& appendix) { ReadAppendix(appendix, report); });
  if (!problem.empty()) return InvalidArgument("audit report: " + problem);
  return report;
}

}  // namespace wfe::analytics::reports
