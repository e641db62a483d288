// The time that a report is about.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/time.h"

namespace wfe::workflows {

/// "24h", "7d", "90m", "30s"; nullopt for anything else.
std::optional<Duration> ParsePeriod(std::string_view text);

/// False: this machine's data know no such time zone (IANA, e.g. "Europe/Berlin"; "" is UTC).
bool IsTimeZone(const std::string& timezone);

/// `period` before `end`.  Days are days of the calendar there, of 23, 24 or 25 hours: so the windows of a schedule
/// that acts at one hour of the day meet without gap and overlap.  `period` and `timezone` are valid.
Instant WindowBegin(Instant end, std::string_view period, const std::string& timezone);

/// The due time at the end of a scheduled workflow's id (S93); nullopt when there is none.
std::optional<Instant> DueTimeOf(std::string_view workflow_id);

}  // namespace wfe::workflows
