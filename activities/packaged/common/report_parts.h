// What the reports of all packaged workflows (RP-11) begin with and are made of: a head with the result in one sentence,
// what is missing and why, cards, tables of texts.  As HTML and as Markdown, so that both say the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "activities/analytics/reports/html_frame.h"
#include "activities/analytics/reports/markup.h"
#include "activities/packaged/common/deliverables.h"

namespace wfe::packaged {

/// Sections of a report, in their order: what the rail lists is what the page has.
using ReportSections = std::vector<analytics::reports::RailEntry>;
inline constexpr std::string_view kMissingTitle = "Missing";

/// A frame with a rail; "Missing" comes first where there are gaps.
analytics::reports::Frame ReportFrame(const std::string& title, const ReportSections& sections,
                                      const std::vector<Gap>& gaps);
/// Title and headline, then what is missing.
void WriteReportHead(analytics::reports::Markup& out, const std::string& title, const std::string& headline,
                     const std::vector<Gap>& gaps);
/// Opens <section>; its end is out.Close("section").
void OpenReportSection(analytics::reports::Markup& out, const std::string& id, const std::string& title);
/// One card of a <dl class="cards">; `anchor`: the section that its note leads to, or empty.
void WriteReportCard(analytics::reports::Markup& out, const std::string& label, const std::string& value,
                     const std::string& note, const std::string& anchor = "");
/// A list of sentences; nothing for none.
void WriteSentences(analytics::reports::Markup& out, const std::vector<std::string>& sentences);

/// A table whose cells are texts.
struct TextTable {
  std::string id;
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  std::string whole_in;           ///< The file that has rows for which a page has no room.
  std::vector<size_t> code = {};     ///< Columns whose texts are names of programs, files or places,
  std::vector<size_t> numbers = {};  ///< and those whose texts are numbers.
};
/// Nothing without rows.
void WriteTextTable(analytics::reports::Markup& out, const TextTable& table);
/// The same as Markdown, its texts escaped; nothing without rows.
std::string TextTableMarkdown(const TextTable& table);

/// "# title", the headline in bold, the summary as a list, what is missing.
std::string ReportHeadMarkdown(const std::string& title, const std::string& headline,
                               const std::vector<std::string>& summary, const std::vector<Gap>& gaps);
/// "## title" with a list of sentences, which are escaped; nothing for none.
std::string SentencesMarkdown(std::string_view title, const std::vector<std::string>& sentences);

}  // namespace wfe::packaged
