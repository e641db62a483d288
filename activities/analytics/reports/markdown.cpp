// report.md: the same order as report.html, charts as bars of text.
#include <algorithm>
#include <cmath>
#include <nlohmann/json_fwd.hpp>

#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/markdown_text.h"
#include "activities/analytics/reports/reports.h"
#include "activities/analytics/reports/svg_scale.h"
#include "activities/analytics/reports/wording.h"

namespace wfe::analytics::reports {
namespace {

/// Rows beyond these are in report.json.
constexpr size_t kRows = 100;
constexpr size_t kRuns = 50;
constexpr double kBarCells = 32;

std::string Left(size_t count) {
  return "\n" + FormatFixed(static_cast<double>(count), 0) + " more rows are in report.json.\n";
}

std::string Pair(std::string_view name, const std::string& markdown) {
  return markdown.empty() ? "" : "- **" + std::string(name) + ":** " + markdown + "\n";
}

std::string Maybe(const OptionalNumber& number, std::string_view unit) {
  return number ? FormatValue(*number, unit) : "";
}

std::string CellMarkdown(const Cell& cell, const TableColumn& column) {
  const auto* text = std::get_if<std::string>(&cell);
  if (text != nullptr && IsDigest(*text)) return MarkdownCode(ShortId(*text), true);
  if (text != nullptr) return EscapeMarkdown(FormatInstant(*text));
  return EscapeMarkdown(CellText(cell, column));
}

std::string TableText(const Table& table) {
  std::string out = "\n**" + EscapeMarkdown(table.title) + "**";
  if (!table.query.empty()) out += " (query " + MarkdownCode(table.query) + ")";
  out += "\n\n";
  if (table.rows.empty()) return out + "No rows in this window.\n";
  std::vector<std::string> head;
  std::vector<bool> numeric;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    head.push_back(EscapeMarkdown(table.columns[i].label));
    numeric.push_back(IsNumeric(table, i));
  }
  const bool has_runs = std::any_of(table.rows.begin(), table.rows.end(), [](const Row& r) { return !r.runs.empty(); });
  if (has_runs) {
    head.emplace_back("Example runs");
    numeric.push_back(false);
  }
  std::vector<std::vector<std::string>> rows;
  for (size_t r = 0; r < table.rows.size() && r < kRows; ++r) {
    std::vector<std::string>& cells = rows.emplace_back();
    for (size_t i = 0; i < table.columns.size(); ++i) {
      cells.push_back(CellMarkdown(table.rows[r].cells[i], table.columns[i]));
    }
    if (!has_runs) continue;
    std::string runs;
    for (const std::string& run : table.rows[r].runs) runs += (runs.empty() ? "" : ", ") + MarkdownCode(run, true);
    cells.push_back(std::move(runs));
  }
  out += MarkdownTable(head, numeric, rows);
  if (table.rows.size() > kRows) out += Left(table.rows.size() - kRows);
  if (table.rows_left_out > 0) {
    out += "\n" + Count(table.rows_left_out, "row", "rows") + " at the end of the order left out.\n";
  }
  return out;
}

std::string Padded(std::string text, size_t width) {
  const size_t length = Characters(text);
  if (length < width) text.append(width - length, ' ');
  return text;
}

/// One line for each point: label, bar, value, interval, note.
std::string ChartText(const Chart& chart) {
  if (IsEmpty(chart)) return "";
  double longest = 0;
  size_t label_width = 0;
  const auto label_of = [&](const Series& series, const Point& point) {
    std::string label = Clip(LabelOf(point.x), 36);
    if (chart.series.size() > 1) label += "  " + Clip(series.name, 24);
    return label;
  };
  for (const Series& series : chart.series) {
    for (const Point& point : series.points) {
      longest = std::max(longest, std::fabs(point.y));
      label_width = std::max(label_width, Characters(label_of(series, point)));
    }
  }
  std::string lines;
  for (const std::string& x : XsOf(chart)) {
    for (const Series& series : chart.series) {
      const Point* point = PointAt(series, x);
      if (point == nullptr) continue;
      const double cells = longest > 0 ? std::round(std::fabs(point->y) / longest * kBarCells) : 0;
      std::string bar;
      for (double i = 0; i < cells; ++i) bar += "\u2588";
      lines += Padded(label_of(series, *point), label_width) + "  " + bar + " " + FormatValue(point->y, chart.unit);
      if (point->band) lines += " (" + FormatInterval(*point->band, chart.unit, false) + ")";
      if (!point->note.empty()) lines += "  " + point->note;
      lines += "\n";
    }
  }
  // A note is one line here, so that no text of a trace looks like a bar of its own.
  std::string clean;
  for (const char c : lines) {
    if (c == '\n' || static_cast<unsigned char>(c) >= 0x20) clean += c;
  }
  return "\n**" + EscapeMarkdown(chart.title) + "**\n\n" + MarkdownFence(clean, "text");
}

std::string HeaderText(const Report& report) {
  const Header& header = report.header;
  std::string out = "# " + EscapeMarkdown(Heading(report)) + "\n\n" + EscapeMarkdown(Lead(report)) + "\n";
  if (header.sufficiency && !header.sufficiency->sufficient) {
    out += "\n> **Not enough data for statistics yet.** " + EscapeMarkdown(header.sufficiency->statement) + "\n";
  }
  if (header.note) out += "\n" + EscapeMarkdown(*header.note) + "\n";
  out += "\n";
  out += Pair("Report",
              MarkdownCode(report.report_id) + ", generated " + EscapeMarkdown(FormatInstant(report.generated_at)));
  out += Pair("Window", EscapeMarkdown(FormatExactWindow(report.window_from, report.window_to)));
  std::string runs = Maybe(header.completed_runs, "count");
  if (!runs.empty()) runs += " completed";
  if (header.incomplete_runs && *header.incomplete_runs > 0) {
    runs += ", " + FormatFixed(*header.incomplete_runs, 0) + " not completed and left out";
  }
  out += Pair("Runs", runs);
  out += Pair("Builds", Maybe(header.builds, "count"));
  out += Pair("Trace entries", Maybe(header.entries, "count"));
  out += Pair("Entries seen twice, counted once", Maybe(header.duplicates, "count"));
  std::string tokens;
  for (const auto& [source, share] : header.token_sources) {
    if (share <= 0) continue;
    tokens +=
        (tokens.empty() ? "" : ", ") + FormatRound(share, "share") + " " + EscapeMarkdown(TokenSourceName(source));
  }
  out += Pair("Tokens", tokens);
  out += Pair("Lines with problems", FormatFixed(header.problem_count, 0));
  out += Pair("Integrity", EscapeMarkdown(IntegrityText(header)));
  std::string previous = header.previous_report_id ? MarkdownCode(*header.previous_report_id) : "none";
  if (header.previous_generated_at) previous += ", " + EscapeMarkdown(FormatInstant(*header.previous_generated_at));
  out += Pair("Previous report", previous);
  if (header.sufficiency) {
    out += Pair("Data", header.sufficiency->sufficient ? "sufficient for statistical statements" : "insufficient");
  }
  return out;
}

std::string SummaryText(const Report& report) {
  std::string out = "\n## Summary\n\n";
  if (report.summary.empty()) return out + "There was no completed build in this window.\n";
  std::vector<std::vector<std::string>> rows;
  for (const SummaryItem& item : report.summary) {
    std::string change = ChangeText(item);
    const std::string_view word = Word(DirectionOf(item));
    if (!change.empty() && !word.empty()) change += " " + std::string(word);
    rows.push_back({EscapeMarkdown(item.label), FormatValue(item.value, item.unit), EscapeMarkdown(change),
                    Maybe(item.previous, item.unit), Maybe(item.n, "count")});
  }
  return out + MarkdownTable({"Figure", "Value", "Change", "Previous", "n"}, {false, true, true, true, true}, rows);
}

std::string FindingText(const Report& report, const Finding& finding) {
  std::string out = "\n### " + EscapeMarkdown(finding.id) + ": " + EscapeMarkdown(finding.title) + "\n\n";
  out += "**" + std::string(ClaimText(finding)) + "**";
  if (!finding.audit.empty()) out += ", " + EscapeMarkdown(AuditName(report, finding.audit));
  out += "\n";
  if (!finding.statement.empty()) out += "\n" + EscapeMarkdown(finding.statement) + "\n";
  out += "\n";
  const std::string unit = finding.effect ? finding.effect->unit : "";
  if (finding.effect) {
    std::string effect = EscapeMarkdown(EffectValue(*finding.effect));
    if (!effect.empty()) {
      const std::string_view word = Word(DirectionOf(finding));
      if (!word.empty()) effect += " " + std::string(word);
      if (!finding.effect->measure.empty()) effect += ", " + EscapeMarkdown(finding.effect->measure);
    }
    out += Pair("Effect", effect);
    out += Pair(IntervalName(*finding.effect), EscapeMarkdown(EffectInterval(*finding.effect)));
  }
  out += Pair("n", Maybe(finding.n, "count"));
  out += Pair("p, adjusted", finding.p_adjusted ? EscapeMarkdown(FormatP(*finding.p_adjusted)) : "");
  out += Pair("p", finding.p_value ? EscapeMarkdown(FormatP(*finding.p_value)) : "");
  out += Pair("Test", EscapeMarkdown(finding.test));
  for (const Group& group : finding.groups) {
    std::string text = Maybe(group.value, unit);
    if (group.n) text += (text.empty() ? "n = " : ", n = ") + FormatFixed(*group.n, 0);
    out += Pair(EscapeMarkdown(group.name), text);
  }
  std::string place = finding.section.empty() ? "" : "section " + EscapeMarkdown(finding.section);
  if (!finding.template_id.empty()) place += (place.empty() ? "" : " of ") + MarkdownCode(finding.template_id);
  out += Pair("What to change", EscapeMarkdown(finding.recommendation) + (place.empty() ? "" : " (" + place + ")"));
  if (finding.saving) {
    std::string saving = EscapeMarkdown(SavingText(*finding.saving));
    if (!saving.empty() && !finding.saving->basis.empty()) saving += ". " + EscapeMarkdown(finding.saving->basis);
    out += Pair(SavingLabel(*finding.saving), saving);
  }
  for (const Example& example : finding.examples) {
    std::string text = MarkdownCode(example.run_id);
    if (!example.step.empty()) text += " " + EscapeMarkdown(example.step);
    const std::string where = Place(example.file, example.line);
    if (!where.empty()) text += " at " + MarkdownCode(where);
    out += Pair("Example", text);
  }
  if (finding.proposal) {
    const Proposal& proposal = *finding.proposal;
    out += "\nProposed change: " + EscapeMarkdown(ProposalTitle(proposal)) + "\n";
    if (!proposal.reason.empty()) out += "\n" + EscapeMarkdown(proposal.reason) + "\n";
    if (!proposal.diff.empty()) out += "\n" + MarkdownFence(proposal.diff, "diff");
    const std::string command = ActivateCommand(finding);
    if (!command.empty()) out += "\nActivate it with " + MarkdownCode(command) + "\n";
  }
  return out;
}

std::string FindingsText(const Report& report) {
  std::string out = "\n## Findings\n";
  if (report.findings.empty()) {
    const bool withheld = report.header.sufficiency && !report.header.sufficiency->sufficient;
    return out + (withheld ? "\nStatistical statements are withheld until there is enough data.\n"
                           : "\nNothing in this window calls for a change.\n");
  }
  for (const bool significant : {true, false}) {
    for (const Finding& finding : report.findings) {
      if (finding.significant == significant) out += FindingText(report, finding);
    }
  }
  return out;
}

std::string AuditText(const Audit& audit) {
  std::string out = "\n## " + EscapeMarkdown(audit.title) + "\n";
  if (!audit.goal.empty()) out += "\n" + EscapeMarkdown(audit.goal) + "\n";
  std::string ids;
  for (const std::string& id : audit.finding_ids) ids += (ids.empty() ? "" : ", ") + EscapeMarkdown(id);
  if (!ids.empty()) out += "\nFindings of this audit: " + ids + "\n";
  for (const Chart& chart : audit.charts) out += ChartText(chart);
  for (const Table& table : audit.tables) out += TableText(table);
  return out;
}

/// One line below an item of a list.
std::string Nested(const std::string& name, const std::string& text) {
  return text.empty() ? "" : "  - " + EscapeMarkdown(name) + ": " + EscapeMarkdown(text) + "\n";
}

std::string TrendText(const Report& report) {
  if (report.trend_reports.empty() && report.trend_proposals.empty()) return "";
  std::string out = "\n## Trend\n\n";
  for (const TrendProposal& proposal : report.trend_proposals) {
    out += "- **" + EscapeMarkdown(proposal.template_id) + " version " + EscapeMarkdown(proposal.version) + "**";
    if (!proposal.activated_at.empty()) out += ", active since " + EscapeMarkdown(FormatInstant(proposal.activated_at));
    out += "\n" + Nested("Measured", MeasuredText(proposal)) + Nested("Found before", FoundText(proposal));
    if (proposal.predicted_saving) out += Nested("Predicted saving", SavingText(*proposal.predicted_saving));
    for (const auto& [name, value] : proposal.predicted) out += Nested(PredictedName(name), ShortDigest(value));
  }
  if (report.trend_reports.empty()) return out;
  if (!report.trend_proposals.empty()) out += "\n";
  std::vector<std::vector<std::string>> rows;
  for (const TrendReport& earlier : report.trend_reports) {
    rows.push_back({EscapeMarkdown(FormatInstant(earlier.generated_at)), Maybe(earlier.first_pass_rate, "share"),
                    Maybe(earlier.success_rate, "share"), Maybe(earlier.tokens_per_success, "tokens"),
                    Maybe(earlier.rework_share, "share")});
  }
  return out + MarkdownTable({"Report", "First-pass rate", "Success rate", "Tokens per success", "Rework share"},
                             {false, true, true, true, true}, rows);
}

std::string ProblemsText(const Header& header) {
  if (header.problem_count <= 0) return "\n### Problems in the traces\n\nEvery line could be read.\n";
  std::string out =
      "\n### Problems in the traces\n\n" + Count(header.problem_count, "line", "lines") + " with a problem";
  for (size_t i = 0; i < header.problems_by_kind.size(); ++i) {
    out += (i == 0 ? ": " : ", ") + FormatFixed(header.problems_by_kind[i].second, 0) + " " +
           EscapeMarkdown(header.problems_by_kind[i].first);
  }
  out += ".\n";
  if (header.problems.empty()) return out;
  std::vector<std::vector<std::string>> rows;
  for (size_t i = 0; i < header.problems.size() && i < kRows; ++i) {
    const Problem& problem = header.problems[i];
    rows.push_back({MarkdownCode(problem.file, true), Maybe(problem.line, "count"), EscapeMarkdown(problem.kind),
                    EscapeMarkdown(problem.message)});
  }
  out += "\n" + MarkdownTable({"File", "Line", "Kind", "Problem"}, {false, true, false, false}, rows);
  if (header.problems.size() > kRows) out += Left(header.problems.size() - kRows);
  return out;
}

std::string RunsText(const Report& report) {
  if (report.runs.empty()) return "";
  const std::vector<const RunRow*> listed = RunsToList(report, kRuns);
  std::vector<std::vector<std::string>> rows;
  for (const RunRow* run : listed) {
    rows.push_back({MarkdownCode(run->run_id, true), EscapeMarkdown(FormatInstant(run->started_at)),
                    EscapeMarkdown(run->status), run->first_pass ? (*run->first_pass ? "yes" : "no") : "",
                    Maybe(run->attempts, "count"), Maybe(run->tokens, "tokens"), Maybe(run->rework_share, "share"),
                    MarkdownCode(ShortId(run->context_hash), true), MarkdownCode(run->file, true)});
  }
  std::string out = "\n### Runs\n\n";
  out += MarkdownTable({"Run", "Started", "Status", "First pass", "Attempts", "Tokens", "Rework", "Context", "Trace"},
                       {false, false, false, false, true, true, true, false, false}, rows);
  if (report.runs.size() > listed.size()) out += Left(report.runs.size() - listed.size());
  return out;
}

std::string AppendixText(const Report& report) {
  std::string out = "\n## Appendix\n";
  if (!report.queries.empty()) {
    std::vector<std::vector<std::string>> rows;
    for (const Query& query : report.queries) {
      rows.push_back({MarkdownCode(query.id, true), EscapeMarkdown(query.title), EscapeMarkdown(query.rows),
                      EscapeMarkdown(query.filter), EscapeMarkdown(query.group_by), EscapeMarkdown(query.measures)});
    }
    out += "\n### Queries\n\n" + MarkdownTable({"Query", "Title", "Rows", "Filter", "Group by", "Measures"},
                                               std::vector<bool>(6, false), rows);
  }
  if (!report.thresholds.empty()) {
    out += "\n### Thresholds\n\n";
    for (const auto& [name, value] : report.thresholds) out += Pair(EscapeMarkdown(name), EscapeMarkdown(value));
  }
  if (!report.header.sources.empty()) {
    std::vector<std::vector<std::string>> rows;
    for (const Source& source : report.header.sources) {
      rows.push_back({EscapeMarkdown(source.kind), MarkdownCode(source.location, true), Maybe(source.files, "count"),
                      Maybe(source.entries, "count")});
    }
    out +=
        "\n### Sources\n\n" + MarkdownTable({"Kind", "Location", "Files", "Entries"}, {false, false, true, true}, rows);
  }
  return out + ProblemsText(report.header) + RunsText(report);
}

}  // namespace
}  // namespace wfe::analytics::reports

namespace wfe::analytics {

Result<std::string> RenderMarkdown(const nlohmann::json& report) {
  using namespace reports;  // NOLINT: this function is the door to them
  WFE_ASSIGN_OR_RETURN(const Report read, ReadReport(report));
  std::string out = HeaderText(read) + reports::SummaryText(read) + reports::FindingsText(read);
  for (const Audit& audit : read.audits) out += reports::AuditText(audit);
  return out + reports::TrendText(read) + reports::AppendixText(read);
}

}  // namespace wfe::analytics
