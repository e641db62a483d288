// What a permit document says, found by rules alone (CW-2): values that other documents must agree with, requirements,
// conditions, deadlines and gaps, each with the words that say so and their place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"

namespace wfe::packaged {

/// Where something stands.
struct Place {
  int line = 0;
  int page = 1;
  std::string quote;  ///< The sentence or line, on one line.

  friend bool operator==(const Place&, const Place&) = default;
};
WFE_RECORD(Place, line, page, quote);

/// A value that all documents of a project share.  Keys: applicant, applicant_address, parcel, address, power_capacity,
/// energy_capacity, throughput, site_area, working_hours, noise_limit_night, permit_number, project, and the days
/// issued, notified, received, construction_start, valid_until.
struct PermitValue {
  std::string key;
  std::string value;       ///< As it stands.
  std::string normalized;  ///< What is compared: "12500 kW", "2026-06-30", "214/3".
  Place place;
};
WFE_RECORD(PermitValue, key, value, normalized, place);

struct PermitStatement {
  std::string kind;  ///< requirement or condition.
  std::string text;
  Place place;
};
WFE_RECORD(PermitStatement, kind, text, place);

struct PermitDeadline {
  std::string subject;  ///< What is due: construction_start, noise_report …; "other".
  std::string what;     ///< For people: the sentence, cut.
  std::string date;     ///< Where the document names a day; else it is computed:
  int count = 0;        ///< so many
  std::string unit;     ///< days, working days, weeks, months or years
  std::string anchor;   ///< after (or, `before`, before) this day: issued, notified, received, construction_start,
                        ///< completion, or "unknown".
  bool before = false;
  Place place;
};
WFE_RECORD(PermitDeadline, subject, what, date, count, unit, anchor, before, place);
constexpr RecordRules RulesOf(const PermitDeadline*) { return {.seldom = "date count unit anchor before"}; }

/// kinds: placeholder, no_signature, empty_section, missing_section, missing_number, impossible_date, ambiguous_date,
/// ambiguous_number, cut.
struct PermitGap {
  std::string kind;
  std::string what;
  Place place;
};
WFE_RECORD(PermitGap, kind, what, place);

/// Another document that one speaks of: "Annex C", "EP-2025-117".
struct PermitAttachment {
  std::string name;
  bool carries = false;  ///< This document is it, or contains it: the name stands in a heading or is its number.
  Place place;
};
WFE_RECORD(PermitAttachment, name, carries, place);

struct PermitFacts {
  std::string document;
  std::string title;
  bool is_permit = false;  ///< A permit, decision or consent, and no letter or study.
  std::vector<PermitValue> values;
  std::vector<PermitStatement> statements;
  std::vector<PermitDeadline> deadlines;
  std::vector<PermitGap> gaps;
  std::vector<PermitAttachment> attachments;
};
WFE_RECORD(PermitFacts, document, title, is_permit, values, statements, deadlines, gaps, attachments);

/// Pure: the same text, the same facts.
PermitFacts ExtractPermitFacts(const std::string& document, std::string_view text);

}  // namespace wfe::packaged
