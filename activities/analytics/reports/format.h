// Numbers, dates and ids as people read them.  Never depends on the locale.
#pragma once

#include <string>
#include <string_view>

#include "activities/analytics/reports/report_model.h"
#include "engine/base/time.h"

namespace wfe::analytics::reports {

/// The shortest exact form: "0.05", "24", "1e-07".
std::string FormatPlain(double value);

/// `decimals` digits after the point, thousands separated by commas, a true minus sign: "−1,234.5".
std::string FormatFixed(double value, int decimals);

/// A value with its unit: share "62.3%", tokens "41,200", usd "$0.0312", ms "4 min 12 s", ratio "1.35".
/// Anything else: a number with at most `3` significant decimals.
std::string FormatValue(double value, std::string_view unit);

/// As FormatValue, shorter, for cards and chart labels: tokens "41.2k".
std::string FormatShort(double value, std::string_view unit);

/// As FormatShort, without decimals that say nothing: "50%", "2.5k".  For the steps of an axis and other round values.
std::string FormatRound(double value, std::string_view unit);

/// A difference with its sign: share "+7.0 pts", tokens "−1,200".
std::string FormatDifference(double value, std::string_view unit);

/// "10.1% to 30.4%", differences when `signed_ends`.
std::string FormatInterval(const Interval& interval, std::string_view unit, bool signed_ends);

/// "<0.001", "0.004", "0.12".
std::string FormatP(double p);

/// An instant, or the start of a day: "2026-11-21T02:00:00Z", "2026-11-21".
std::optional<Instant> ParseTime(std::string_view text);
/// "21 Nov 2026, 02:00 UTC", a day without hours; a text that is no instant stays as it is.
std::string FormatInstant(std::string_view iso);
/// "21 Nov 2026".
std::string FormatDay(std::string_view iso);
/// "21 Nov".
std::string FormatDayShort(std::string_view iso);
/// "14 Nov 2026, 00:00 UTC to …"; as FormatWindow where an end is open.
std::string FormatExactWindow(const OptionalText& from, const OptionalText& to);
/// "14 to 21 Nov 2026"; open ends are said in words; "all time" when both are.
std::string FormatWindow(const OptionalText& from, const OptionalText& to);

/// Long ids and hashes by their ends: "sha256:9f2c…" and "…7d21"; short ones as they are.
std::string ShortId(std::string_view id);
/// Digests shortened as by ShortId, also after a prefix ("context:9f2c7d21…"); other texts as they are.
std::string ShortDigest(std::string_view text);
/// Whether a text is a digest, to be set in monospace and shortened.
bool IsDigest(std::string_view text);

/// "1 run", "2 runs".
std::string Count(double n, std::string_view singular, std::string_view plural);

/// Whether values of the unit are numbers to align right.
bool IsNumericUnit(std::string_view unit);

/// The first `max` characters (code points), with an ellipsis if there were more.
std::string Clip(std::string_view text, size_t max);
/// Code points of valid UTF-8.
size_t Characters(std::string_view text);

}  // namespace wfe::analytics::reports
