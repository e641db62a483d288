#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html_frame.h"
#include "activities/analytics/reports/wording.h"

namespace wfe::analytics::reports {
namespace {

/// The rows are enough for a page; the table says where all of them are.
constexpr size_t kRowsOfPage = 200;
constexpr size_t kExamples = 3;

/// What a column sorts by where its text would sort otherwise.
std::string SortKey(const Cell& cell) {
  if (const auto* number = std::get_if<double>(&cell)) return FormatPlain(*number);
  if (const auto* interval = std::get_if<Interval>(&cell)) return FormatPlain(interval->low);
  if (const auto* text = std::get_if<std::string>(&cell)) {
    if (ParseTime(*text)) return *text;
  }
  return "";
}

void WriteCell(Markup& out, const Cell& cell, const TableColumn& column, bool is_numeric, bool is_head) {
  const std::string_view tag = is_head ? "th" : "td";
  const std::string_view scope = is_head ? "row" : "";
  const std::string text = CellText(cell, column);
  if (const auto* raw = std::get_if<std::string>(&cell)) {
    if (IsDigest(*raw)) {
      out.Open(tag, {{"scope", scope}}).Leaf("code", {{"title", *raw}}, ShortId(*raw)).Close(tag);
      return;
    }
    if (ParseTime(*raw)) {
      out.Leaf(tag, {{"scope", scope}, {"class", "when"}, {"data-v", *raw}}, FormatInstant(*raw));
      return;
    }
    if (column.unit == "code") {
      out.Open(tag, {{"scope", scope}}).Leaf("code", *raw).Close(tag);
      return;
    }
  }
  const bool has_words = text.find(' ') != std::string::npos;
  const std::string_view css = is_numeric                           ? "num"
                               : Characters(text) > 48              ? "long"
                               : has_words && Characters(text) > 20 ? "text"
                                                                    : "";
  out.Leaf(tag, {{"scope", scope}, {"class", css}, {"data-v", SortKey(cell)}}, text);
}

bool HasExamples(const Table& table) {
  for (const Row& row : table.rows) {
    if (!row.runs.empty()) return true;
  }
  return false;
}

}  // namespace

void WriteRun(Markup& out, const Anchors& anchors, const std::string& run_id) {
  const std::string shown = ShortId(run_id);
  const std::string_view title = shown == run_id ? std::string_view() : std::string_view(run_id);
  const std::string anchor = RunAnchor(run_id);
  if (anchors.contains(anchor)) {
    out.Leaf("a", {{"class", "run"}, {"href", "#" + anchor}, {"title", title}}, shown);
  } else {
    out.Leaf("code", {{"class", "run"}, {"title", title}}, shown);
  }
}

void WriteTable(Markup& out, const Anchors& anchors, const Table& table, const std::vector<std::string>& row_ids) {
  if (table.rows.empty()) {
    out.Open("p", {{"class", "empty"}}).Leaf("strong", table.title + ": ").Text("no rows in this window.").Close("p");
    return;
  }
  const bool has_examples = HasExamples(table);
  // The box can be reached by keyboard, since it may have to be scrolled.
  out.Open("div", {{"class", "scroll"}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", table.title}});
  out.Open("table").Open("caption").Open("span").Leaf("strong", table.title);
  if (!table.query.empty()) {
    out.Text(" ");
    WriteLink(out, anchors, "query", QueryAnchor(table.query), "query " + table.query);
  }
  out.Close("span").Close("caption").Open("thead").Open("tr");
  std::vector<bool> numeric;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    numeric.push_back(IsNumeric(table, i));
    out.Leaf("th", {{"scope", "col"}, {"class", numeric.back() ? "num" : ""}}, table.columns[i].label);
  }
  if (has_examples) out.Leaf("th", {{"scope", "col"}, {"data-nosort", "1"}}, "Example runs");
  out.Close("tr").Close("thead").Open("tbody");
  for (size_t r = 0; r < table.rows.size() && r < kRowsOfPage; ++r) {
    const Row& row = table.rows[r];
    out.Open("tr", {{"id", r < row_ids.size() ? row_ids[r] : std::string()}});
    for (size_t i = 0; i < row.cells.size(); ++i) WriteCell(out, row.cells[i], table.columns[i], numeric[i], i == 0);
    if (has_examples) {
      out.Open("td", {{"class", "runs"}});
      for (size_t i = 0; i < row.runs.size() && i < kExamples; ++i) {
        if (i > 0) out.Text(" ");
        WriteRun(out, anchors, row.runs[i]);
      }
      out.Close("td");
    }
    out.Close("tr");
  }
  out.Close("tbody").Close("table").Close("div");
  if (table.rows.size() > kRowsOfPage) {
    out.Leaf("p", {{"class", "soft small"}},
             FormatFixed(static_cast<double>(table.rows.size() - kRowsOfPage), 0) + " more rows are in " + table.whole_in + ".");
  }
  if (table.rows_left_out > 0) {
    out.Leaf("p", {{"class", "soft small"}},
             Count(table.rows_left_out, "row", "rows") + " at the end of the order left out.");
  }
}

}  // namespace wfe::analytics::reports
