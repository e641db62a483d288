#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html_frame.h"
#include "activities/packaged/permits/report.h"

namespace wfe::packaged {
namespace {

namespace reports = analytics::reports;
using reports::Markup;

void OpenPermitSection(Markup& out, const std::string& id, const std::string& title) {
  out.Open("section", {{"id", id}, {"aria-labelledby", id + "-h"}});
  out.Leaf("h2", {{"id", id + "-h"}}, title);
}

void WriteCard(Markup& out, const std::string& label, size_t value, const std::string& note, const std::string& anchor) {
  out.Open("div", {{"class", "card"}}).Leaf("dt", label).Leaf("dd", {{"class", "value"}}, std::to_string(value));
  out.Open("dd", {{"class", "change"}}).Leaf("a", {{"class", "soft"}, {"href", "#" + anchor}}, note).Close("dd").Close("div");
}

size_t CountStatus(const PermitReview& review, std::string_view status) {
  size_t count = 0;
  for (const DatedDeadline& deadline : review.deadlines) {
    if (deadline.status == status) ++count;
  }
  return count;
}

size_t CountKind(const PermitReview& review, std::string_view kind) {
  size_t count = 0;
  for (const PermitFinding& finding : review.findings) {
    if (finding.kind == kind || finding.kind == "model_" + std::string(kind)) ++count;
  }
  return count;
}

void WriteMast(Markup& out, const PermitsReport& report) {
  const PermitReview& review = report.review;
  out.Open("header", {{"class", "masthead"}}).Leaf("h1", "Review of permit documents");
  out.Leaf("p", {{"class", "lead"}}, HeadlineOf(review) + ".");
  if (!report.gaps.empty()) {
    out.Open("div", {{"class", "notice"}}).Open("p").Leaf("strong", "Missing in this report").Close("p");
    out.Open("ul", {{"class", "said"}});
    for (const Gap& gap : report.gaps) out.Leaf("li", gap.step + ": " + gap.reason);
    out.Close("ul").Close("div");
  }
  out.Close("header");
  OpenPermitSection(out, "summary", "Summary");
  out.Open("dl", {{"class", "cards n4"}});
  WriteCard(out, "Documents", review.documents.size(), std::to_string(report.documents.size()) + " in the folder", "documents");
  WriteCard(out, "Expired deadlines", CountStatus(review, "expired"), "as of " + review.as_of, "deadlines");
  WriteCard(out, "Due soon", CountStatus(review, "soon"), "within " + std::to_string(review.soon_days) + " days", "deadlines");
  WriteCard(out, "Contradictions", CountKind(review, "contradiction"), "between documents", "findings");
  out.Close("dl").Leaf("p", {{"class", "soft"}}, ModelSentence(report)).Close("section");
}

void WriteDeadlines(Markup& out, const PermitReview& review) {
  OpenPermitSection(out, "deadlines", "Deadlines");
  if (review.deadlines.empty()) {
    out.Leaf("p", "No document names one.").Close("section");
    return;
  }
  WriteDeadlineTimeline(out, review);
  reports::Table table{.id = "deadline-rows",
                       .title = "Every deadline and what it is computed from",
                       .query = "",
                       .columns = {{"", "Day", ""}, {"", "State", ""}, {"", "For", ""}, {"", "Where", ""}, {"", "From", ""}},
                       .rows = {},
                       .whole_in = "permits_report.json"};
  for (const DatedDeadline& deadline : review.deadlines) {
    std::string basis = deadline.basis.empty() ? "named in the document" : deadline.basis;
    if (!deadline.moved_from.empty()) basis += "; moved from " + deadline.moved_from + " (" + deadline.moved_why + ")";
    table.rows.push_back({.cells = {deadline.date.empty() ? "open" : deadline.date, deadline.status,
                                    SubjectInWords(deadline),
                                    PlaceText({.document = deadline.document, .place = deadline.place}), basis},
                          .runs = {}});
  }
  WriteTable(out, reports::Anchors(), table);
  for (const std::string& note : review.notes) out.Leaf("p", {{"class", "soft small"}}, note + ".");
  out.Close("section");
}

void WritePermitFindings(Markup& out, const PermitReview& review) {
  OpenPermitSection(out, "findings", "Findings");
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
  OpenPermitSection(out, "documents", "Documents");
  reports::Table table{.id = "document-rows",
                       .title = "What was read",
                       .query = "",
                       .columns = {{"", "Document", ""}, {"", "Format", ""}, {"", "Pages", "count"}, {"", "Note", ""}},
                       .rows = {},
                       .whole_in = "permits_report.json"};
  for (const PermitDocument& document : report.documents) {
    std::string note = document.fault;
    for (const std::string& each : document.notes) note += (note.empty() ? "" : "; ") + each;
    reports::Cell pages;
    if (document.fault.empty()) pages = static_cast<double>(document.pages);
    table.rows.push_back({.cells = {document.name, document.format, pages, note}, .runs = {}});
  }
  WriteTable(out, reports::Anchors(), table);
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
  reports::Frame frame{.title = "Review of permit documents", .skip = "Skip to the findings", .sections = {}};
  frame.sections = {
      {.anchor = "summary", .text = "Summary", .note = ""},
      {.anchor = "deadlines", .text = "Deadlines", .note = std::to_string(review.deadlines.size())},
      {.anchor = "findings", .text = "Findings", .note = std::to_string(review.findings.size())},
      {.anchor = "documents", .text = "Documents", .note = std::to_string(review.documents.size())}};
  Markup out;
  OpenFrame(out, frame);
  WriteMast(out, report);
  WriteDeadlines(out, review);
  WritePermitFindings(out, review);
  WriteDocuments(out, report);
  CloseFrame(out, [&](Markup& foot) { foot.Text("As of " + reports::FormatInstant(review.as_of) + "."); });
  return out.Take();
}

}  // namespace wfe::packaged
