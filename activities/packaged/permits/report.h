// The report on a set of permit documents (RP-11): Markdown, JSON and one page with a timeline of its deadlines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "activities/analytics/reports/markup.h"
#include "activities/packaged/common/report_parts.h"
#include "activities/packaged/permits/review.h"
#include "activities/packaged/permits/steps.h"

namespace wfe::packaged {

struct PermitsReport {
  const PermitReview& review;
  const std::vector<PermitDocument>& documents;
  const std::vector<Gap>& gaps;
  const ModelUse& use;
  int64_t refused = 0;  ///< Findings of the model that quoted what is in no document.
};

std::string PermitsMarkdown(const PermitsReport& report);
std::string PermitsJson(const PermitsReport& report);
/// Self-contained; light and dark; readable on a phone.
std::string PermitsHtml(const PermitsReport& report);

inline constexpr std::string_view kPermitsTitle = "Review of permit documents";
TextTable DeadlinesTable(const PermitReview& review);
TextTable DocumentsTable(const PermitsReport& report);

/// The deadlines that have a day, one row each, with the day of the review; nothing where there is none.
void WriteDeadlineTimeline(analytics::reports::Markup& out, const PermitReview& review);

/// "a.md" or "a.md and b.md", "a.md and 3 more".
std::string DocumentsIn(const PermitFinding& finding);
/// "noise report"; "a deadline" where no rule knows for what.
std::string SubjectInWords(const DatedDeadline& deadline);
/// "a.md:12", with the page where there are several: "a.pdf, page 2".
std::string PlaceText(const PermitEvidence& evidence);
/// One sentence on the model's part.
std::string ModelSentence(const PermitsReport& report);
/// "contradiction", "no signature".
std::string KindInWords(const PermitFinding& finding);

}  // namespace wfe::packaged
