#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/html.h"

namespace wfe::analytics::reports {

void WriteAudit(Markup& out, const Page& page, const Audit& audit) {
  const std::string anchor = AuditAnchor(audit.kind);
  out.Open("section", {{"id", anchor}, {"class", "audit"}, {"aria-labelledby", anchor + "-h"}});
  out.Leaf("h2", {{"id", anchor + "-h"}}, audit.title);
  if (!audit.goal.empty()) out.Leaf("p", {{"class", "goal"}}, audit.goal);
  if (!audit.finding_ids.empty()) {
    out.Open("p", {{"class", "soft small"}}).Text("Findings of this audit: ");
    for (size_t i = 0; i < audit.finding_ids.size(); ++i) {
      if (i > 0) out.Text(", ");
      WriteLink(out, page.anchors, "", FindingAnchor(audit.finding_ids[i]), audit.finding_ids[i]);
    }
    out.Close("p");
  }
  for (size_t i = 0; i < audit.charts.size(); ++i) {
    WriteChart(out, audit.charts[i], anchor + "-chart-" + std::to_string(i + 1));
  }
  for (const Table& table : audit.tables) WriteTable(out, page.anchors, table);
  out.Close("section");
}

}  // namespace wfe::analytics::reports
