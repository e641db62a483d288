#include "activities/analytics/reports/markdown_text.h"
#include "activities/packaged/permits/report.h"

namespace wfe::packaged {
namespace {

using analytics::reports::EscapeMarkdown;
using analytics::reports::MarkdownTable;

std::string MarkdownPlaces(const PermitFinding& finding) {
  std::string text;
  for (const PermitEvidence& evidence : finding.evidence) {
    text += "- " + EscapeMarkdown(PlaceText(evidence)) + ": " + EscapeMarkdown(evidence.place.quote) + "\n";
  }
  return text;
}

void AddFindingsText(const PermitReview& review, std::string& out) {
  out += "## Findings\n\n";
  if (review.findings.empty()) out += "None.\n\n";
  for (const PermitFinding& finding : review.findings) {
    out += "### " + finding.id + " " + finding.severity + ": " + EscapeMarkdown(KindInWords(finding)) + "\n\n";
    out += EscapeMarkdown(finding.statement) + "\n\n" + MarkdownPlaces(finding) + "\n";
  }
}

void AddDeadlinesText(const PermitReview& review, std::string& out) {
  out += "## Deadlines\n\n";
  if (review.deadlines.empty()) {
    out += "None.\n\n";
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const DatedDeadline& deadline : review.deadlines) {
    std::string date = deadline.date.empty() ? "open" : deadline.date;
    std::string basis = deadline.basis.empty() ? "named in the document" : deadline.basis;
    if (!deadline.moved_from.empty()) basis += "; moved from " + deadline.moved_from + " (" + deadline.moved_why + ")";
    rows.push_back({date, deadline.status, EscapeMarkdown(SubjectInWords(deadline)),
                    EscapeMarkdown(PlaceText({.document = deadline.document, .place = deadline.place})),
                    EscapeMarkdown(basis)});
  }
  out += MarkdownTable({"Day", "State", "For", "Where", "Computed from"}, {false, false, false, false, false}, rows) + "\n";
}

void AddDocumentText(const PermitFacts& facts, std::string& out) {
  out += "### " + EscapeMarkdown(facts.document) + "\n\n" + EscapeMarkdown(facts.title) + "\n\n";
  for (const PermitValue& value : facts.values) {
    out += "- " + EscapeMarkdown(InWords(value.key)) + ": " + EscapeMarkdown(value.value) + "\n";
  }
  if (!facts.values.empty()) out += "\n";
  for (const auto& [kind, title] : {std::pair{"requirement", "Requirements"}, std::pair{"condition", "Conditions"}}) {
    std::string lines;
    for (const PermitStatement& statement : facts.statements) {
      if (statement.kind != kind) continue;
      lines += "- " + EscapeMarkdown(statement.text) + " (line " + std::to_string(statement.place.line) + ")\n";
    }
    if (!lines.empty()) out += std::string(title) + ":\n\n" + lines + "\n";
  }
}

}  // namespace

std::string PermitsMarkdown(const PermitsReport& report) {
  const PermitReview& review = report.review;
  std::string out = "# Review of permit documents\n\n" + EscapeMarkdown(HeadlineOf(review)) + ".\n\n";
  out += EscapeMarkdown(ModelSentence(report)) + "\n\n";
  for (const std::string& note : review.notes) out += "- " + EscapeMarkdown(note) + "\n";
  if (!review.notes.empty()) out += "\n";
  if (!report.gaps.empty()) {
    out += "## Missing in this report\n\n";
    for (const Gap& gap : report.gaps) out += "- " + EscapeMarkdown(gap.step + ": " + gap.reason) + "\n";
    out += "\n";
  }
  AddFindingsText(review, out);
  AddDeadlinesText(review, out);
  out += "## Documents\n\n";
  std::vector<std::vector<std::string>> rows;
  for (const PermitDocument& document : report.documents) {
    std::string note = document.fault;
    for (const std::string& each : document.notes) note += (note.empty() ? "" : "; ") + each;
    rows.push_back({EscapeMarkdown(document.name), document.format, document.fault.empty() ? std::to_string(document.pages) : "",
                    EscapeMarkdown(note)});
  }
  out += MarkdownTable({"Document", "Format", "Pages", "Note"}, {false, false, true, false}, rows) + "\n";
  for (const PermitFacts& facts : review.documents) AddDocumentText(facts, out);
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace wfe::packaged
