#include "activities/analytics/reports/markdown_text.h"
#include "activities/packaged/permits/report.h"

namespace wfe::packaged {
namespace {

using analytics::reports::EscapeMarkdown;

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
  out += TextTableMarkdown(DeadlinesTable(review)) + "\n";
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
  std::vector<std::string> said = {ModelSentence(report)};
  said.insert(said.end(), review.notes.begin(), review.notes.end());
  std::string out = ReportHeadMarkdown(std::string(kPermitsTitle), HeadlineOf(review), said, report.gaps) + "\n";
  AddFindingsText(review, out);
  AddDeadlinesText(review, out);
  out += "## Documents\n\n";
  out += TextTableMarkdown(DocumentsTable(report)) + "\n";
  for (const PermitFacts& facts : review.documents) AddDocumentText(facts, out);
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace wfe::packaged
