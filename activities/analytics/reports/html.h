// The parts of report.html, each a file of its own.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "activities/analytics/reports/markup.h"
#include "activities/analytics/reports/report_model.h"

namespace wfe::analytics::reports {

/// What the parts share while one document is written.
struct Page {
  const Report& report;
  std::vector<const RunRow*> listed_runs;  ///< Those with a row in the appendix.
  std::set<std::string> anchors;           ///< Of findings, audits, queries and runs that are in the document.
};

void WriteMasthead(Markup& out, const Page& page);
void WriteSummary(Markup& out, const Page& page);
void WriteFindings(Markup& out, const Page& page);
void WriteAudit(Markup& out, const Page& page, const Audit& audit);
void WriteTrend(Markup& out, const Page& page);
void WriteAppendix(Markup& out, const Page& page);

/// Whether there is anything to show below "Trend".
bool HasTrend(const Report& report);

/// A table in a box that scrolls by itself, with its caption; `row_ids` are anchors of the rows, or empty.
void WriteTable(Markup& out, const Page& page, const Table& table, const std::vector<std::string>& row_ids = {});

/// A run's short id, leading to its row in the appendix where it has one.
void WriteRun(Markup& out, const Page& page, const std::string& run_id);

/// `text` as a link to `anchor`, or as text if the document has no such anchor.
void WriteLink(Markup& out, const Page& page, std::string_view css_class, const std::string& anchor,
               std::string_view text);

/// One pair of a <dl>; nothing for an empty text.
void WriteTerm(Markup& out, std::string_view term, std::string_view text);

std::string FindingAnchor(std::string_view id);
std::string AuditAnchor(std::string_view kind);
std::string QueryAnchor(std::string_view id);
std::string RunAnchor(std::string_view id);

}  // namespace wfe::analytics::reports
