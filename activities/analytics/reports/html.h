// The parts of report.html, each a file of its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "activities/analytics/reports/html_frame.h"
#include "activities/analytics/reports/report_model.h"

namespace wfe::analytics::reports {

/// What the parts share while one document is written.
struct Page {
  const Report& report;
  std::vector<const RunRow*> listed_runs;  ///< Those with a row in the appendix.
  Anchors anchors;                         ///< Of findings, audits, queries and runs that are in the document.
};

void WriteMasthead(Markup& out, const Page& page);
void WriteSummary(Markup& out, const Page& page);
void WriteFindings(Markup& out, const Page& page);
void WriteAudit(Markup& out, const Page& page, const Audit& audit);
void WriteTrend(Markup& out, const Page& page);
void WriteAppendix(Markup& out, const Page& page);

/// Whether there is anything to show below "Trend".
bool HasTrend(const Report& report);

std::string FindingAnchor(std::string_view id);
std::string AuditAnchor(std::string_view kind);

}  // namespace wfe::analytics::reports
