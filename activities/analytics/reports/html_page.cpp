// The document: its sections, the parts in their order.
#include <nlohmann/json_fwd.hpp>

#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html.h"
#include "activities/analytics/reports/reports.h"
#include "activities/analytics/reports/wording.h"

namespace wfe::analytics::reports {
namespace {

/// Rows of the appendix beyond these stay in report.json, so that the document opens quickly.
constexpr size_t kListedRuns = 120;

std::vector<RailEntry> SectionsOf(const Report& report) {
  std::vector<RailEntry> sections = {
      {.anchor = "summary", .text = "Summary", .note = ""},
      {.anchor = "findings", .text = "Findings", .note = FormatPlain(static_cast<double>(report.findings.size()))}};
  for (const Audit& audit : report.audits) {
    sections.push_back({.anchor = AuditAnchor(audit.kind), .text = audit.title, .note = ""});
  }
  if (HasTrend(report)) sections.push_back({.anchor = "trend", .text = "Trend", .note = ""});
  sections.push_back({.anchor = "appendix", .text = "Appendix", .note = ""});
  return sections;
}

std::string WriteDocument(const Report& report, const SiteLinks& site) {
  Page page{.report = report, .listed_runs = RunsToList(report, kListedRuns), .anchors = {}};
  for (const RunRow* run : page.listed_runs) page.anchors.insert(RunAnchor(run->run_id));
  for (const Finding& finding : report.findings) page.anchors.insert(FindingAnchor(finding.id));
  for (const Audit& audit : report.audits) page.anchors.insert(AuditAnchor(audit.kind));
  for (const Query& query : report.queries) page.anchors.insert(QueryAnchor(query.id));

  Markup out;
  OpenFrame(out, {.title = Heading(report), .skip = "Skip to the report", .sections = SectionsOf(report), .site = site});
  WriteMasthead(out, page);
  WriteSummary(out, page);
  WriteFindings(out, page);
  for (const Audit& audit : report.audits) WriteAudit(out, page, audit);
  if (HasTrend(report)) WriteTrend(out, page);
  WriteAppendix(out, page);
  CloseFrame(out, [&](Markup& foot) {
    foot.Text("Report ").Leaf("code", report.report_id).Text(", generated " + FormatInstant(report.generated_at) + ".");
  });
  return out.Take();
}

}  // namespace

std::string FindingAnchor(std::string_view id) { return AnchorOf("finding-", id); }
std::string AuditAnchor(std::string_view kind) { return AnchorOf("audit-", kind); }

}  // namespace wfe::analytics::reports

namespace wfe::analytics {

Result<std::string> RenderHtml(const nlohmann::json& report, const std::vector<reports::SiteLink>& site) {
  WFE_ASSIGN_OR_RETURN(const reports::Report read, reports::ReadReport(report));
  return reports::WriteDocument(read, site);
}

}  // namespace wfe::analytics
