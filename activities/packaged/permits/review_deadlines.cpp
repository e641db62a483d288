#include <algorithm>
#include <tuple>

#include "activities/packaged/permits/review_parts.h"

namespace wfe::packaged {
namespace {

PeriodUnit UnitOf(const std::string& unit) {
  if (unit == "working days") return PeriodUnit::kWorkingDays;
  if (unit == "weeks") return PeriodUnit::kWeeks;
  if (unit == "months") return PeriodUnit::kMonths;
  if (unit == "years") return PeriodUnit::kYears;
  return PeriodUnit::kDays;
}

struct AnchorDay {
  Day day;
  std::string from;  ///< " (DOCUMENT)" where it is another document's.
};

class DeadlineDater {
 public:
  DeadlineDater(const std::vector<PermitFacts>& documents, const ReviewSettings& settings)
      : documents_(documents), settings_(settings) {}

  DatedDeadline Date(const PermitFacts& document, const PermitDeadline& deadline) const {
    DatedDeadline dated;
    dated.document = document.document;
    dated.subject = deadline.subject;
    dated.what = deadline.what;
    dated.place = deadline.place;
    dated.status = "open";
    std::optional<Day> end = ParseIsoDay(deadline.date);
    if (!end) end = Computed(document, deadline, dated);
    if (!end) return dated;
    dated.date = IsoDay(*end);
    dated.days_left = (*end - settings_.as_of).count();
    dated.status = dated.days_left < 0 ? "expired" : dated.days_left <= settings_.soon_days ? "soon" : "later";
    return dated;
  }

 private:
  std::optional<Day> Computed(const PermitFacts& document, const PermitDeadline& deadline, DatedDeadline& dated) const {
    const std::string period = std::to_string(deadline.count) + " " +
                               (deadline.count == 1 ? deadline.unit.substr(0, deadline.unit.size() - 1) : deadline.unit) +
                               (deadline.before ? " before " : " after ");
    if (deadline.anchor == "unknown") {
      dated.basis = period + "a day that the document does not name";
      return std::nullopt;
    }
    const std::optional<AnchorDay> anchor = FindAnchor(document, deadline.anchor);
    if (!anchor) {
      dated.basis = period + "\"" + InWords(deadline.anchor) + "\", and no document gives that day";
      return std::nullopt;
    }
    dated.basis = period + InWords(deadline.anchor) + " " + IsoDay(anchor->day) + anchor->from;
    const PeriodUnit unit = UnitOf(deadline.unit);
    const Day end = settings_.calendar.End(anchor->day, deadline.before ? -deadline.count : deadline.count, unit);
    const std::string free = settings_.calendar.WhyFree(end);
    if (free.empty()) return end;
    dated.moved_from = IsoDay(end);
    dated.moved_why = free;
    return deadline.before ? settings_.calendar.WorkingDayBefore(end) : settings_.calendar.NextWorkingDay(end);
  }

  /// The document's own day, or the earliest that another one gives for what all share.
  std::optional<AnchorDay> FindAnchor(const PermitFacts& document, const std::string& anchor) const {
    if (const auto own = DayIn(document, anchor)) return AnchorDay{*own, ""};
    if (anchor != "construction_start" && anchor != "completion") return std::nullopt;
    std::optional<AnchorDay> found;
    for (const PermitFacts& other : documents_) {
      const auto day = DayIn(other, anchor);
      if (day && (!found || *day < found->day)) found = AnchorDay{*day, " (" + other.document + ")"};
    }
    return found;
  }

  static std::optional<Day> DayIn(const PermitFacts& document, const std::string& anchor) {
    for (const PermitValue& value : document.values) {
      if (value.key == anchor) return ParseIsoDay(value.normalized);
    }
    // Works are completed, at the latest, when they have to be.
    if (anchor != "completion") return std::nullopt;
    for (const PermitDeadline& deadline : document.deadlines) {
      if (deadline.subject == anchor && !deadline.date.empty()) return ParseIsoDay(deadline.date);
    }
    return std::nullopt;
  }

  const std::vector<PermitFacts>& documents_;
  const ReviewSettings& settings_;
};

}  // namespace

void DateDeadlines(PermitReview& review, const ReviewSettings& settings) {
  const DeadlineDater dater(review.documents, settings);
  for (const PermitFacts& document : review.documents) {
    for (const PermitDeadline& deadline : document.deadlines) review.deadlines.push_back(dater.Date(document, deadline));
  }
  std::ranges::stable_sort(review.deadlines, [](const DatedDeadline& a, const DatedDeadline& b) {
    if (a.date.empty() != b.date.empty()) return b.date.empty();
    return std::tie(a.date, a.document, a.place.line) < std::tie(b.date, b.document, b.place.line);
  });
}

void JudgeDeadlines(const PermitReview& review, std::vector<PermitFinding>& findings) {
  for (const DatedDeadline& deadline : review.deadlines) {
    PermitFinding finding;
    finding.evidence = {{.document = deadline.document, .place = deadline.place}};
    const std::string subject = deadline.subject == "other" ? "a deadline" : "the deadline for " + InWords(deadline.subject);
    if (deadline.status == "expired") {
      finding.kind = "deadline_expired";
      // That the time to appeal is over is no fault: the decision is final where nobody has appealed.
      finding.severity = deadline.subject == "appeal" ? "low" : "high";
      finding.statement = subject + " was " + deadline.date + ", " + std::to_string(-deadline.days_left) +
                          (deadline.days_left == -1 ? " day" : " days") + " before " + review.as_of;
    } else if (deadline.status == "soon") {
      finding.kind = "deadline_soon";
      finding.severity = deadline.subject == "appeal" ? "low" : "medium";
      finding.statement = subject + " is " + deadline.date + ", in " + std::to_string(deadline.days_left) +
                          (deadline.days_left == 1 ? " day" : " days");
    } else if (deadline.status == "open") {
      finding.kind = "deadline_open";
      finding.severity = "medium";
      finding.statement = subject + " cannot be computed: " + deadline.basis;
    } else {
      continue;
    }
    findings.push_back(std::move(finding));
  }
}

}  // namespace wfe::packaged
