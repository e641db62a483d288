// What a set of permit documents comes to (CW-2): every deadline as a day, seen from one day; and what is wrong, in each
// document and between them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "activities/packaged/permits/calendar.h"
#include "activities/packaged/permits/facts.h"
#include "engine/base/record_json.h"

namespace wfe::packaged {

struct DatedDeadline {
  std::string document;
  std::string subject;
  std::string what;
  std::string date;        ///< Empty: it cannot be computed, and `basis` says why.
  std::string basis;       ///< "30 days after notified 2026-03-04"; empty: the document names the day.
  std::string moved_from;  ///< The end of the period, where that is a day on which nobody works,
  std::string moved_why;   ///< and why.
  std::string status;      ///< expired, soon, later or open.
  int64_t days_left = 0;   ///< Negative: so long ago.
  Place place;
};
WFE_RECORD(DatedDeadline, document, subject, what, date, basis, moved_from, moved_why, status, days_left, place);
constexpr RecordRules RulesOf(const DatedDeadline*) { return {.seldom = "basis moved_from moved_why"}; }

struct PermitEvidence {
  std::string document;
  Place place;
};
WFE_RECORD(PermitEvidence, document, place);

/// kinds: contradiction, deadline_expired, deadline_soon, deadline_open, validity_ends_early, missing_document, those of
/// PermitGap, and what the model found: model_gap, model_ambiguity, model_risk, model_contradiction.
struct PermitFinding {
  std::string id;        ///< "F1", in the order of the report.
  std::string severity;  ///< high, medium or low.
  std::string kind;
  std::string statement;
  std::vector<PermitEvidence> evidence;
  std::string source{"rules"};  ///< rules or model.
};
WFE_RECORD(PermitFinding, id, severity, kind, statement, evidence, source);

struct PermitReview {
  std::string as_of;
  int soon_days = 30;
  int64_t holidays = 0;  ///< That were known; 0: only weekends are free.
  std::vector<PermitFacts> documents;
  std::vector<DatedDeadline> deadlines;  ///< By day; open ones last.
  std::vector<PermitFinding> findings;   ///< The gravest first.
  std::vector<std::string> notes;
};
WFE_RECORD(PermitReview, as_of, soon_days, holidays, documents, deadlines, findings, notes);

struct ReviewSettings {
  Day as_of;
  int soon_days = 30;
  WorkCalendar calendar;
};

/// Pure.  `documents` in any order; the result does not depend on it.
PermitReview ReviewPermits(std::vector<PermitFacts> documents, const ReviewSettings& settings);

/// Adds what a model found, sorts and numbers all findings again.
void AddFindings(PermitReview& review, std::vector<PermitFinding> findings);
/// By severity.
std::map<std::string, int64_t> CountFindings(const PermitReview& review);
/// "12 documents: 14 deadlines, 2 of them expired and 3 due by 1 Jul 2026; 3 contradictions, 9 gaps".
std::string HeadlineOf(const PermitReview& review);
/// "noise report" of "noise_report".
std::string InWords(std::string key);

}  // namespace wfe::packaged
