#include "activities/packaged/permits/review.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "activities/packaged/common/severity.h"
#include "activities/packaged/permits/review_parts.h"
#include "engine/base/counted.h"

namespace wfe::packaged {
namespace {

std::string SeverityOfGap(const std::string& kind) {
  if (kind == "no_signature" || kind == "impossible_date") return "high";
  if (kind == "ambiguous_date" || kind == "ambiguous_number" || kind == "missing_number") return "low";
  return "medium";
}

void SortAndNumber(std::vector<PermitFinding>& findings) {
  const auto key = [](const PermitFinding& finding) {
    const PermitEvidence* const first = finding.evidence.empty() ? nullptr : &finding.evidence.front();
    return std::tuple(SeverityRank(finding.severity), finding.kind, first == nullptr ? std::string() : first->document,
                      first == nullptr ? 0 : first->place.line);
  };
  std::ranges::stable_sort(findings, {}, key);
  for (size_t i = 0; i < findings.size(); ++i) findings[i].id = "F" + std::to_string(i + 1);
}

}  // namespace

std::string InWords(std::string key) {
  std::ranges::replace(key, '_', ' ');
  return key;
}

PermitReview ReviewPermits(std::vector<PermitFacts> documents, const ReviewSettings& settings) {
  PermitReview review;
  review.as_of = IsoDay(settings.as_of);
  review.soon_days = settings.soon_days;
  review.holidays = static_cast<int64_t>(settings.calendar.holidays());
  review.documents = std::move(documents);
  std::ranges::stable_sort(review.documents, {}, &PermitFacts::document);
  DateDeadlines(review, settings);
  std::vector<PermitFinding> findings;
  for (const PermitFacts& document : review.documents) {
    for (const PermitGap& gap : document.gaps) {
      PermitFinding finding;
      finding.severity = SeverityOfGap(gap.kind);
      finding.kind = gap.kind;
      finding.statement = gap.what;
      finding.evidence = {{.document = document.document, .place = gap.place}};
      findings.push_back(std::move(finding));
    }
  }
  JudgeDeadlines(review, findings);
  CompareDocuments(review, findings);
  review.findings = std::move(findings);
  SortAndNumber(review.findings);
  if (review.holidays == 0) {
    review.notes.push_back("no holidays are known: only Saturdays and Sundays count as free days (holidays.txt among the documents names others)");
  }
  return review;
}

void AddFindings(PermitReview& review, std::vector<PermitFinding> findings) {
  for (PermitFinding& finding : findings) review.findings.push_back(std::move(finding));
  SortAndNumber(review.findings);
}

std::map<std::string, int64_t> CountFindings(const PermitReview& review) {
  std::map<std::string, int64_t> counts;
  for (const PermitFinding& finding : review.findings) ++counts[finding.severity];
  return counts;
}

std::string HeadlineOf(const PermitReview& review) {
  size_t expired = 0;
  size_t soon = 0;
  size_t later = 0;
  size_t open = 0;
  for (const DatedDeadline& deadline : review.deadlines) {
    if (deadline.status == "expired") ++expired;
    if (deadline.status == "soon") ++soon;
    if (deadline.status == "later") ++later;
    if (deadline.status == "open") ++open;
  }
  size_t contradictions = 0;
  for (const PermitFinding& finding : review.findings) {
    if (finding.kind == "contradiction" || finding.kind == "model_contradiction") ++contradictions;
  }
  std::string text = Counted(review.documents.size(), "document") + ", " +
                     Counted(review.deadlines.size(), "deadline");
  if (!review.deadlines.empty()) {
    text += " (";
    const char* separator = "";
    for (const auto& [count, word] : {std::pair(expired, "expired"), std::pair(soon, "due soon"),
                                      std::pair(later, "later"), std::pair(open, "open")}) {
      if (count == 0) continue;
      text += separator + std::to_string(count) + " " + word;
      separator = ", ";
    }
    text += ")";
  }
  text += ", " + Counted(contradictions, "contradiction");
  return text + ", " + Counted(review.findings.size(), "finding") + " in all, as of " + review.as_of;
}

}  // namespace wfe::packaged
