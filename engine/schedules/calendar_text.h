// Calendars and cron expressions as text (S97).
#pragma once

#include <string>

#include "engine/base/result.h"
#include "temporal/api/schedule/v1/message.pb.h"

namespace wfe::schedules {

/// "0,30", "MON-FRI", "*/15", "3/2" … for each field; an empty field has its default.
Result<temporal::api::schedule::v1::StructuredCalendarSpec> ParseCalendar(
    const temporal::api::schedule::v1::CalendarSpec& calendar);

/// Adds a cron expression to a spec: a structured calendar, or an interval for "@every", and the time zone when the
/// text begins with TZ= or CRON_TZ=.  A comment may follow behind "#".
Status AddCron(const std::string& text, temporal::api::schedule::v1::ScheduleSpec* spec);

}  // namespace wfe::schedules
