// Where every figure comes from: queries, thresholds, runs, sources, and the lines that could not be read.
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html.h"
#include "activities/analytics/reports/wording.h"

namespace wfe::analytics::reports {
namespace {

void WriteQueries(Markup& out, const std::vector<Query>& queries) {
  if (queries.empty()) return;
  out.Leaf("h3", {{"id", "queries"}}, "Queries").Open("div", {{"class", "queries"}});
  for (const Query& query : queries) {
    out.Open("div", {{"id", QueryAnchor(query.id)}, {"class", "definition"}});
    out.Open("h4").Leaf("code", query.id).Text(" ").Text(query.title).Close("h4").Open("dl");
    WriteTerm(out, "Rows", query.rows);
    WriteTerm(out, "Filter", query.filter);
    WriteTerm(out, "Group by", query.group_by);
    WriteTerm(out, "Measures", query.measures);
    out.Close("dl").Close("div");
  }
  out.Close("div");
}

void WriteThresholds(Markup& out, const std::vector<NamedText>& thresholds) {
  if (thresholds.empty()) return;
  out.Leaf("h3", {{"id", "thresholds"}}, "Thresholds").Open("dl", {{"class", "basis"}});
  for (const auto& [name, value] : thresholds) WriteTerm(out, name, value);
  out.Close("dl");
}

Cell Maybe(const OptionalNumber& number) { return number ? Cell(*number) : Cell(); }

/// Adds the column unless no run has anything for it.
template <class Get>
void AddRunColumn(Table& table, const Page& page, std::string_view label, std::string_view unit, Get get) {
  std::vector<Cell> cells;
  bool has_value = false;
  for (const RunRow* run : page.listed_runs) {
    Cell cell = get(*run);
    if (const auto* text = std::get_if<std::string>(&cell); text != nullptr && text->empty()) cell = Cell();
    has_value = has_value || !std::holds_alternative<std::monostate>(cell);
    cells.push_back(std::move(cell));
  }
  if (!has_value) return;
  table.columns.push_back({"", std::string(label), std::string(unit)});
  for (size_t i = 0; i < cells.size(); ++i) table.rows[i].cells.push_back(std::move(cells[i]));
}

void WriteRuns(Markup& out, const Page& page) {
  if (page.report.runs.empty()) return;
  out.Leaf("h3", {{"id", "runs"}}, "Runs");
  if (page.listed_runs.size() < page.report.runs.size()) {
    out.Leaf("p", {{"class", "soft small"}},
             FormatFixed(static_cast<double>(page.listed_runs.size()), 0) + " of " +
                 FormatFixed(static_cast<double>(page.report.runs.size()), 0) +
                 " runs, those named above among them; all are in report.json.");
  }
  Table table{.id = "runs", .title = "Runs in this report", .query = "", .columns = {}, .rows = {}};
  table.rows.resize(page.listed_runs.size());
  AddRunColumn(table, page, "Run", "code", [](const RunRow& run) { return Cell(run.run_id); });
  AddRunColumn(table, page, "Started", "", [](const RunRow& run) { return Cell(run.started_at); });
  AddRunColumn(table, page, "Status", "", [](const RunRow& run) { return Cell(run.status); });
  AddRunColumn(table, page, "First pass", "",
               [](const RunRow& run) { return run.first_pass ? Cell(*run.first_pass) : Cell(); });
  AddRunColumn(table, page, "Attempts", "count", [](const RunRow& run) { return Maybe(run.attempts); });
  AddRunColumn(table, page, "Tokens", "tokens", [](const RunRow& run) { return Maybe(run.tokens); });
  AddRunColumn(table, page, "Cost", "usd", [](const RunRow& run) { return Maybe(run.cost_usd); });
  AddRunColumn(table, page, "Rework", "share", [](const RunRow& run) { return Maybe(run.rework_share); });
  AddRunColumn(table, page, "Duration", "ms", [](const RunRow& run) { return Maybe(run.duration_ms); });
  AddRunColumn(table, page, "Context", "", [](const RunRow& run) { return Cell(run.context_hash); });
  AddRunColumn(table, page, "Template", "", [](const RunRow& run) { return Cell(run.template_version); });
  AddRunColumn(table, page, "Workflow", "code", [](const RunRow& run) { return Cell(run.workflow_id); });
  AddRunColumn(table, page, "Trace", "code", [](const RunRow& run) { return Cell(run.file); });
  std::vector<std::string> anchors;
  for (const RunRow* run : page.listed_runs) anchors.push_back(RunAnchor(run->run_id));
  // Folded, since it is most of the page's length; a link to one of the runs opens it.
  out.Open("details", {{"class", "fold"}});
  out.Leaf("summary", Count(static_cast<double>(anchors.size()), "run", "runs"));
  WriteTable(out, page.anchors, table, anchors);
  out.Close("details");
}

void WriteSources(Markup& out, const Page& page) {
  const Header& header = page.report.header;
  if (header.sources.empty()) return;
  out.Leaf("h3", {{"id", "sources"}}, "Sources");
  Table table{.id = "sources",
              .title = "Where the entries came from",
              .query = "",
              .columns = {{"", "Kind", ""}, {"", "Location", "code"}, {"", "Files", "count"}, {"", "Entries", "count"}},
              .rows = {}};
  for (const Source& source : header.sources) {
    table.rows.push_back(
        {.cells = {source.kind, source.location, Maybe(source.files), Maybe(source.entries)}, .runs = {}});
  }
  WriteTable(out, page.anchors, table);
}

void WriteProblems(Markup& out, const Page& page) {
  const Header& header = page.report.header;
  out.Leaf("h3", {{"id", "problems"}}, "Problems in the traces");
  if (header.problem_count <= 0) {
    out.Leaf("p", "Every line could be read.");
    return;
  }
  out.Open("p").Text(Count(header.problem_count, "line", "lines") + " with a problem");
  for (size_t i = 0; i < header.problems_by_kind.size(); ++i) {
    const auto& [kind, count] = header.problems_by_kind[i];
    out.Text(i == 0 ? ": " : ", ").Text(FormatFixed(count, 0) + " " + kind);
  }
  out.Text(". The other lines were used.").Close("p");
  if (header.problems.empty()) return;
  Table table{.id = "problems",
              .title = "By file and line",
              .query = "",
              .columns = {{"", "File", "code"}, {"", "Line", "count"}, {"", "Kind", ""}, {"", "Problem", ""}},
              .rows = {}};
  for (const Problem& problem : header.problems) {
    table.rows.push_back({.cells = {problem.file, Maybe(problem.line), problem.kind, problem.message}, .runs = {}});
  }
  WriteTable(out, page.anchors, table);
}

}  // namespace

void WriteAppendix(Markup& out, const Page& page) {
  out.Open("section", {{"id", "appendix"}, {"aria-labelledby", "appendix-h"}});
  out.Leaf("h2", {{"id", "appendix-h"}}, "Appendix");
  WriteQueries(out, page.report.queries);
  WriteThresholds(out, page.report.thresholds);
  WriteSources(out, page);
  WriteProblems(out, page);
  WriteRuns(out, page);
  out.Close("section");
}

}  // namespace wfe::analytics::reports
