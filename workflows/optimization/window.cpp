#include "workflows/optimization/window.h"

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <charconv>

namespace wfe::workflows {
namespace {

std::optional<absl::TimeZone> FindZone(const std::string& timezone) {
  absl::TimeZone zone = absl::UTCTimeZone();
  if (!timezone.empty() && !absl::LoadTimeZone(timezone, &zone)) return std::nullopt;
  return zone;
}

}  // namespace

std::optional<Duration> ParsePeriod(std::string_view text) {
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || count <= 0 || count > 100'000 || end + 1 != text.data() + text.size()) {
    return std::nullopt;
  }
  switch (*end) {
    case 's':
      return std::chrono::seconds(count);
    case 'm':
      return std::chrono::minutes(count);
    case 'h':
      return std::chrono::hours(count);
    case 'd':
      return std::chrono::hours(24 * count);
    default:
      return std::nullopt;
  }
}

bool IsTimeZone(const std::string& timezone) { return FindZone(timezone).has_value(); }

Instant WindowBegin(Instant end, std::string_view period, const std::string& timezone) {
  const Duration length = *ParsePeriod(period);
  if (!period.ends_with('d')) return end - length;
  const absl::TimeZone zone = *FindZone(timezone);
  const absl::CivilSecond local = absl::ToCivilSecond(absl::FromChrono(end), zone);
  const absl::CivilDay day = absl::CivilDay(local) - length / std::chrono::hours(24);
  const absl::CivilSecond begin(day.year(), day.month(), day.day(), local.hour(), local.minute(), local.second());
  // Below a second nothing changes with the calendar.
  const Duration rest = end - std::chrono::floor<std::chrono::seconds>(end);
  return absl::ToChronoTime(absl::FromCivil(begin, zone)) + rest;
}

std::optional<Instant> DueTimeOf(std::string_view workflow_id) {
  constexpr size_t kLength = std::string_view("2026-01-31T02:00:00Z").size();
  if (workflow_id.size() < kLength + 1 || workflow_id[workflow_id.size() - kLength - 1] != '-') return std::nullopt;
  return ParseIso8601(workflow_id.substr(workflow_id.size() - kLength));
}

}  // namespace wfe::workflows
