#include "activities/packaged/common/report_parts.h"

#include <algorithm>

#include "activities/analytics/reports/markdown_text.h"

namespace wfe::packaged {
namespace {

namespace reports = analytics::reports;
using reports::Markup;

constexpr const char* kMissingAnchor = "missing";

bool IsAmong(const std::vector<size_t>& columns, size_t column) {
  return std::ranges::find(columns, column) != columns.end();
}

}  // namespace

reports::Frame ReportFrame(const std::string& title, const ReportSections& sections, const std::vector<Gap>& gaps) {
  reports::Frame frame{.title = title, .skip = "Skip to the report", .sections = {}};
  if (!gaps.empty()) {
    frame.sections.push_back(
        {.anchor = kMissingAnchor, .text = std::string(kMissingTitle), .note = std::to_string(gaps.size())});
  }
  frame.sections.insert(frame.sections.end(), sections.begin(), sections.end());
  return frame;
}

void OpenReportSection(Markup& out, const std::string& id, const std::string& title) {
  out.Open("section", {{"id", id}, {"aria-labelledby", id + "-h"}});
  out.Leaf("h2", {{"id", id + "-h"}}, title);
}

void WriteReportHead(Markup& out, const std::string& title, const std::string& headline,
                     const std::vector<Gap>& gaps) {
  out.Open("header", {{"class", "masthead"}}).Leaf("h1", title);
  out.Leaf("p", {{"class", "lead"}}, headline + ".");
  out.Close("header");
  if (gaps.empty()) return;
  OpenReportSection(out, kMissingAnchor, std::string(kMissingTitle));
  out.Open("div", {{"class", "notice"}}).Open("ul", {{"class", "said"}});
  for (const Gap& gap : gaps) out.Open("li").Leaf("code", gap.step).Text(": " + gap.reason).Close("li");
  out.Close("ul").Close("div").Close("section");
}

void WriteReportCard(Markup& out, const std::string& label, const std::string& value, const std::string& note,
                     const std::string& anchor) {
  out.Open("div", {{"class", "card"}}).Leaf("dt", label).Leaf("dd", {{"class", "value"}}, value);
  out.Open("dd", {{"class", "change"}});
  if (anchor.empty()) {
    out.Leaf("span", {{"class", "soft"}}, note);
  } else {
    out.Leaf("a", {{"class", "soft"}, {"href", "#" + anchor}}, note);
  }
  out.Close("dd").Close("div");
}

void WriteSentences(Markup& out, const std::vector<std::string>& sentences) {
  if (sentences.empty()) return;
  out.Open("ul", {{"class", "said"}});
  for (const std::string& sentence : sentences) out.Leaf("li", sentence);
  out.Close("ul");
}

void WriteTextTable(Markup& out, const TextTable& table) {
  if (table.rows.empty()) return;
  reports::Table shown{
      .id = table.id, .title = table.title, .query = "", .columns = {}, .rows = {}, .whole_in = table.whole_in};
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const char* const unit = IsAmong(table.code, i) ? "code" : IsAmong(table.numbers, i) ? "count" : "";
    shown.columns.push_back({.key = "", .label = table.columns[i], .unit = unit});
  }
  for (const auto& cells : table.rows) {
    reports::Row row;
    for (const std::string& cell : cells) row.cells.emplace_back(cell);
    shown.rows.push_back(std::move(row));
  }
  reports::WriteTable(out, reports::Anchors(), shown);
}

std::string TextTableMarkdown(const TextTable& table) {
  if (table.rows.empty()) return "";
  std::vector<std::vector<std::string>> rows;
  for (const auto& cells : table.rows) {
    std::vector<std::string> row;
    for (size_t i = 0; i < cells.size(); ++i) {
      row.push_back(IsAmong(table.code, i) ? reports::MarkdownCode(cells[i], true) : reports::EscapeMarkdown(cells[i]));
    }
    rows.push_back(std::move(row));
  }
  std::vector<bool> numeric;
  for (size_t i = 0; i < table.columns.size(); ++i) numeric.push_back(IsAmong(table.numbers, i));
  return reports::MarkdownTable(table.columns, numeric, rows);
}

std::string ReportHeadMarkdown(const std::string& title, const std::string& headline,
                               const std::vector<std::string>& summary, const std::vector<Gap>& gaps) {
  std::string text = "# " + reports::EscapeMarkdown(title) + "\n\n**" + reports::EscapeMarkdown(headline) + ".**\n";
  if (!summary.empty()) text += "\n";
  for (const std::string& sentence : summary) text += "- " + reports::EscapeMarkdown(sentence) + "\n";
  if (gaps.empty()) return text;
  text += "\n## " + std::string(kMissingTitle) + "\n\n";
  for (const Gap& gap : gaps) {
    text += "- " + reports::MarkdownCode(gap.step) + ": " + reports::EscapeMarkdown(gap.reason) + "\n";
  }
  return text;
}

std::string SentencesMarkdown(std::string_view title, const std::vector<std::string>& sentences) {
  if (sentences.empty()) return "";
  std::string text = "\n## " + std::string(title) + "\n\n";
  for (const std::string& sentence : sentences) text += "- " + reports::EscapeMarkdown(sentence) + "\n";
  return text;
}

}  // namespace wfe::packaged
