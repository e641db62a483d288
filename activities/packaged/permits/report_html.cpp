#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html_frame.h"
#include "activities/packaged/permits/report.h"

namespace wfe::packaged {
namespace {

namespace reports = analytics::reports;
using reports::Markup;

std::string CountStatus(const PermitReview& review, std::string_view status) {
  size_t count = 0;
  for (const DatedDeadline& deadline : review.deadlines) {
    if (deadline.status == status) ++count;
  }
  return std::to_string(count);
}

std::string CountKind(const PermitReview& review, std::string_view kind) {
  size_t count = 0;
  for (const PermitFinding& finding : review.findings) {
    if (finding.kind == kind || finding.kind == "model_" + std::string(kind)) ++count;
  }
  return std::to_string(count);
}

void WriteMast(Markup& out, const PermitsReport& report) {
  const PermitReview& review = report.review;
  WriteReportHead(out, std::string(kPermitsTitle), HeadlineOf(review), report.gaps);
  OpenReportSection(out, "summary", "Summary");
  out.Open("dl", {{"class", "cards n4"}});
  WriteReportCard(out, "Documents", std::to_string(review.documents.size()),
                  std::to_string(report.documents.size()) + " in the folder", "documents");
  WriteReportCard(out, "Expired deadlines", CountStatus(review, "expired"), "as of " + review.as_of, "deadlines");
  WriteReportCard(out, "Due soon", CountStatus(review, "soon"), "within " + std::to_string(review.soon_days) + " days",
                  "deadlines");
  WriteReportCard(out, "Contradictions", CountKind(review, "contradiction"), "between documents", "findings");
  out.Close("dl").Leaf("p", {{"class", "soft"}}, ModelSentence(report)).Close("section");
}

void WriteDeadlines(Markup& out, const PermitReview& review) {
  OpenReportSection(out, "deadlines", "Deadlines");
  if (review.deadlines.empty()) {
    out.Leaf("p", "No document names one.").Close("section");
    return;
  }
  WriteDeadlineTimeline(out, review);
  WriteTextTable(out, DeadlinesTable(review));
  for (const std::string& note : review.notes) out.Leaf("p", {{"class", "soft small"}}, note + ".");
  out.Close("section");
}

void WritePermitFindings(Markup& out, const PermitReview& review) {
  OpenReportSection(out, "findings", "Findings");
  if (review.findings.empty()) out.Leaf("p", "None.");
  for (const PermitFinding& finding : review.findings) {
    out.Open("article", {{"class", "finding"}, {"id", finding.id}});
    out.Open("p", {{"class", finding.severity == "high" ? "verdict significant" : "verdict"}});
    out.Leaf("span", {{"class", "id"}}, finding.id).Text(" ").Leaf("span", {{"class", "claim"}}, finding.severity).Text(" ");
    out.Leaf("span", KindInWords(finding)).Close("p");
    out.Leaf("h3", finding.statement);
    out.Open("ul", {{"class", "examples"}});
    for (const PermitEvidence& evidence : finding.evidence) {
      out.Open("li").Leaf("code", {{"class", "soft"}}, PlaceText(evidence)).Text(" ");
      out.Leaf("q", evidence.place.quote).Close("li");
    }
    out.Close("ul").Close("article");
  }
  out.Close("section");
}

void WriteStatements(Markup& out, const PermitFacts& facts, const std::string& kind, const std::string& title) {
  bool opened = false;
  for (const PermitStatement& statement : facts.statements) {
    if (statement.kind != kind) continue;
    if (!opened) out.Leaf("h4", title).Open("ul", {{"class", "said"}});
    opened = true;
    out.Open("li").Text(statement.text).Text(" ");
    out.Leaf("span", {{"class", "soft"}}, "line " + std::to_string(statement.place.line)).Close("li");
  }
  if (opened) out.Close("ul");
}

void WriteDocuments(Markup& out, const PermitsReport& report) {
  OpenReportSection(out, "documents", "Documents");
  WriteTextTable(out, DocumentsTable(report));
  for (const PermitFacts& facts : report.review.documents) {
    out.Open("details", {{"class", "proposal"}});
    out.Open("summary").Leaf("strong", facts.document).Text(" ").Leaf("span", {{"class", "soft"}}, facts.title).Close("summary");
    out.Open("div", {{"class", "scroll"}}).Open("table", {{"class", "groups"}}).Open("tbody");
    for (const PermitValue& value : facts.values) {
      out.Open("tr").Leaf("th", {{"scope", "row"}}, InWords(value.key)).Leaf("td", value.value).Close("tr");
    }
    out.Close("tbody").Close("table").Close("div");
    out.Open("div", {{"class", "story"}});
    WriteStatements(out, facts, "requirement", "Requirements");
    WriteStatements(out, facts, "condition", "Conditions");
    out.Close("div").Close("details");
  }
  out.Close("section");
}

}  // namespace

std::string PermitsHtml(const PermitsReport& report) {
  const PermitReview& review = report.review;
  const ReportSections sections = {
      {.anchor = "summary", .text = "Summary", .note = ""},
      {.anchor = "deadlines", .text = "Deadlines", .note = std::to_string(review.deadlines.size())},
      {.anchor = "findings", .text = "Findings", .note = std::to_string(review.findings.size())},
      {.anchor = "documents", .text = "Documents", .note = std::to_string(review.documents.size())}};
  Markup out;
  OpenFrame(out, ReportFrame(std::string(kPermitsTitle), sections, report.gaps));
  WriteMast(out, report);
  WriteDeadlines(out, review);
  WritePermitFindings(out, review);
  WriteDocuments(out, report);
  CloseFrame(out, [&](Markup& foot) { foot.Text("As of " + reports::FormatInstant(review.as_of) + "."); });
  return out.Take();
}

}  // namespace wfe::packaged
