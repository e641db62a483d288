// Days as permits write them, and the arithmetic of their deadlines (CW-2): the proleptic Gregorian calendar of <chrono>,
// weekends, and the holidays of the place.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace wfe::packaged {

using Day = std::chrono::sys_days;

/// "2026-06-30".
std::string IsoDay(Day day);
/// Of "2026-06-30"; nullopt: it is none.
std::optional<Day> ParseIsoDay(std::string_view text);
/// "Tue 30 Jun 2026".
std::string LongDay(Day day);

/// A date in a text.  `day` is absent where there is no such day ("31 June 2026").
struct FoundDate {
  std::optional<Day> day;
  std::string text;       ///< As it stands there.
  size_t offset = 0;      ///< In bytes.
  bool ambiguous = false;  ///< 03/04/2026: read with the day first.
};

/// Dates in a text, in order: 2026-06-30; 30.06.2026 and 30/06/2026 (day first; 06/30/2026 is one too, since there is no
/// month 30); 30 June 2026, 30-Jun-2026, 30. Juni 2026; June 30, 2026.  Years have four digits.
std::vector<FoundDate> FindDates(std::string_view text);

enum class PeriodUnit { kDays, kWorkingDays, kWeeks, kMonths, kYears };

/// Weekends and holidays.
class WorkCalendar {
 public:
  /// Of lines "2026-12-25 Christmas Day"; empty ones and "# …" are none.  INVALID_ARGUMENT names the line.
  static Result<WorkCalendar> Parse(std::string_view lines);

  void AddHoliday(Day day, std::string name) { holidays_.insert_or_assign(day, std::move(name)); }
  bool IsWorkingDay(Day day) const;
  /// "Saturday", or the holiday's name; empty for a working day.
  std::string WhyFree(Day day) const;
  /// The day itself, or the next (the one before) on which people work.
  Day NextWorkingDay(Day day) const;
  Day WorkingDayBefore(Day day) const;
  size_t holidays() const { return holidays_.size(); }

  /// The end of a period: the day of the event does not count (as in Regulation (EEC) 1182/71); a month ends on the same
  /// day of the month, or on the month's last; `count` < 0 counts back from the event.  The end is not moved.
  Day End(Day event, int count, PeriodUnit unit) const;

 private:
  std::map<Day, std::string> holidays_;
};

}  // namespace wfe::packaged
