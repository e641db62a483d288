// When a schedule acts: cron, calendars, intervals, exclusions, time zones, jitter (S97).
#include "engine/schedules/spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <random>

#include "engine/base/proto_time.h"

namespace wfe::schedules {
namespace {

namespace pb = temporal::api::schedule::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

Instant At(const std::string& text) {
  const auto instant = ParseIso8601(text);
  EXPECT_TRUE(instant.has_value()) << text;
  return instant.value_or(Instant());
}

Spec Compiled(pb::ScheduleSpec spec, std::string_view seed = "default/s") {
  auto canonical = Canonical(std::move(spec));
  EXPECT_TRUE(canonical.has_value()) << canonical.error().message;
  return Spec::Compile(*canonical, seed).value();
}

pb::ScheduleSpec Cron(const std::string& text, const std::string& zone = "") {
  pb::ScheduleSpec spec;
  spec.add_cron_string(text);
  spec.set_timezone_name(zone);
  return spec;
}

pb::ScheduleSpec Every(int64_t seconds, int64_t phase = 0) {
  pb::ScheduleSpec spec;
  spec.add_interval()->mutable_interval()->set_seconds(seconds);
  spec.mutable_interval(0)->mutable_phase()->set_seconds(phase);
  return spec;
}

/// The first times after `after`, without their milliseconds.
std::vector<std::string> Times(const Spec& spec, const std::string& after, size_t count) {
  std::vector<std::string> texts;
  for (const Instant time : spec.Matching(At(after), Instant::max(), count)) {
    texts.push_back(FormatIso8601Millis(time).substr(0, 19));
  }
  return texts;
}

struct CronCase {
  const char* cron;
  const char* after;
  std::vector<std::string> times;
};

TEST(Cron, EachFormFiresAtItsTimes) {  // S97
  const std::vector<CronCase> cases = {
      {"0 2 * * *", "2024-02-28T00:00:00Z", {"2024-02-28T02:00:00", "2024-02-29T02:00:00", "2024-03-01T02:00:00"}},
      {"*/15 9-10 * * MON-FRI",
       "2024-03-01T10:29:59Z",
       {"2024-03-01T10:30:00", "2024-03-01T10:45:00", "2024-03-04T09:00:00"}},
      {"0 0 29 2 *", "2023-01-01T00:00:00Z", {"2024-02-29T00:00:00", "2028-02-29T00:00:00"}},
      {"30 6 * * 7", "2024-03-01T00:00:00Z", {"2024-03-03T06:30:00", "2024-03-10T06:30:00"}},
      {"30 6 * * 5-7", "2024-03-01T07:00:00Z", {"2024-03-02T06:30:00", "2024-03-03T06:30:00", "2024-03-08T06:30:00"}},
      {"0 12 1 JAN,jul *", "2024-01-01T12:00:00Z", {"2024-07-01T12:00:00", "2025-01-01T12:00:00"}},
      {"0 12 13 * FRI", "2024-01-01T00:00:00Z", {"2024-09-13T12:00:00", "2024-12-13T12:00:00"}},  // and, not or
      {"0 0 1 1 * 2026", "2024-01-01T00:00:00Z", {"2026-01-01T00:00:00"}},
      {"10,40 0 0 1 1 * 2025-2026", "2025-01-01T00:00:10Z", {"2025-01-01T00:00:40", "2026-01-01T00:00:10"}},
      {"5/20 * * * *", "2024-01-01T00:00:00Z", {"2024-01-01T00:05:00", "2024-01-01T00:25:00", "2024-01-01T00:45:00"}},
      {"@daily # at night", "2024-01-01T00:00:00Z", {"2024-01-02T00:00:00"}},
      {"@hourly", "2024-01-01T23:00:00Z", {"2024-01-02T00:00:00"}},
      {"@weekly", "2024-03-01T00:00:00Z", {"2024-03-03T00:00:00"}},
      {"@monthly", "2024-03-01T00:00:00Z", {"2024-04-01T00:00:00"}},
      {"@yearly", "2024-03-01T00:00:00Z", {"2025-01-01T00:00:00"}},
      {"@every 5h/45m", "2024-01-01T00:00:00Z", {"2024-01-01T03:45:00", "2024-01-01T08:45:00"}},
      {"CRON_TZ=Europe/Berlin 0 3 * * *", "2024-07-01T00:00:00Z", {"2024-07-01T01:00:00"}},
      {"TZ=Asia/Kolkata 0 3 * * *", "2024-07-01T00:00:00Z", {"2024-07-01T21:30:00"}},
  };
  for (const CronCase& each : cases) {
    EXPECT_EQ(Times(Compiled(Cron(each.cron)), each.after, each.times.size()), each.times) << each.cron;
  }
}

// WIRE-F23: all that a real server (1.29.1) takes, with the times it gives.
TEST(Cron, TextIsReadAsARealServerReadsIt) {
  const std::vector<CronCase> cases = {
      {"0 12 * * Tues", "2026-11-25T23:44:00Z", {"2026-12-01T12:00:00", "2026-12-08T12:00:00"}},
      {"0 12 * * su", "2026-11-25T23:44:00Z", {"2026-11-29T12:00:00"}},
      {"0 0 1 janu *", "2026-11-25T23:44:00Z", {"2027-01-01T00:00:00"}},
      {"0 12 * * tuesd-thu/2", "2026-11-25T23:44:00Z", {"2026-11-26T12:00:00", "2026-12-01T12:00:00"}},
      {"0 12 * * 3/2", "2026-11-25T23:44:00Z", {"2026-11-27T12:00:00", "2026-11-29T12:00:00", "2026-12-02T12:00:00"}},
      {"0 12 * * */7", "2026-11-25T23:44:00Z", {"2026-11-29T12:00:00", "2026-12-06T12:00:00"}},
      {"0\t12 * * +1", "2026-11-25T23:44:00Z", {"2026-11-30T12:00:00"}},
      {"@every 1h30m", "2026-11-25T23:44:00Z", {"2026-11-26T00:00:00", "2026-11-26T01:30:00"}},
      {"@every 1.5h", "2026-11-25T23:44:00Z", {"2026-11-26T00:00:00", "2026-11-26T01:30:00"}},
      {"@every 90000ms", "2026-11-25T23:44:00Z", {"2026-11-25T23:45:00", "2026-11-25T23:46:30"}},
      {"@every 1d12h/30m", "1970-01-01T00:00:00Z", {"1970-01-01T00:30:00", "1970-01-02T12:30:00"}},
  };
  for (const CronCase& each : cases) {
    EXPECT_EQ(Times(Compiled(Cron(each.cron)), each.after, each.times.size()), each.times) << each.cron;
  }
  for (const char* text : {"0 12 * * s", "0 0 1 ja *", "0 12 * * tuesdays", "@every", "@every 1h30", "@every 1.2.3h",
                           "@every 1500ms", "@every -1h", "@every 1e9h", "@every 99999999999d"}) {
    EXPECT_FALSE(Canonical(Cron(text)).has_value()) << text;
  }
}

TEST(Cron, WhatIsNoCronIsRefusedWithItsReason) {  // S97
  for (const char* text :
       {"", "* * * *", "60 * * * *", "* * 0 * *", "* * * * 8", "* * * FOO *", "*/0 * * * *", "5-3 * * * *", "0 0 L * *",
        "@never", "@every 5", "@every 0s", "@every 1h/1h", "1/2/3 * * * *", "0 0 1 1 * 2026 extra more"}) {
    const auto canonical = Canonical(Cron(text));
    ASSERT_FALSE(canonical.has_value()) << text;
    EXPECT_EQ(canonical.error().code, StatusCode::kInvalidArgument);
    EXPECT_THAT(canonical.error().message, ::testing::StartsWith("Invalid schedule spec: "));
  }
  EXPECT_THAT(Canonical(Cron("TZ=Europe/Berlin 0 0 * * *", "UTC")).error().message, HasSubstr("Europe/Berlin"));
  EXPECT_THAT(Canonical(Cron("0 0 * * *", "Mars/Olympus")).error().message, HasSubstr("Mars/Olympus"));
}

TEST(Cron, IsStoredAsAStructuredCalendar) {
  const auto spec = Canonical(Cron("TZ=Europe/Berlin */30 8 * * MON # early")).value();
  EXPECT_EQ(spec.cron_string_size(), 0);
  EXPECT_EQ(spec.timezone_name(), "Europe/Berlin");
  ASSERT_EQ(spec.structured_calendar_size(), 1);
  const auto& calendar = spec.structured_calendar(0);
  EXPECT_EQ(calendar.comment(), "early");
  EXPECT_EQ(calendar.minute(0).end(), 59);
  EXPECT_EQ(calendar.minute(0).step(), 30);
  EXPECT_EQ(calendar.day_of_week(0).start(), 1);
  EXPECT_EQ(calendar.year_size(), 0);
}

TEST(Zone, ATimeThatIsSkippedInSpringDoesNotOccur) {  // S97: clocks in Berlin go from 02:00 to 03:00 on 2024-03-31
  EXPECT_THAT(Times(Compiled(Cron("30 2 * * *", "Europe/Berlin")), "2024-03-29T12:00:00Z", 3),
              ElementsAre("2024-03-30T01:30:00", "2024-04-01T00:30:00", "2024-04-02T00:30:00"));
  EXPECT_THAT(Times(Compiled(Cron("0 * * * *", "Europe/Berlin")), "2024-03-31T00:00:00Z", 2),
              ElementsAre("2024-03-31T01:00:00", "2024-03-31T02:00:00"));
}

TEST(Zone, ATimeThatIsRepeatedInAutumnOccursTwice) {  // 2024-10-27, 03:00 back to 02:00
  EXPECT_THAT(Times(Compiled(Cron("30 2 * * *", "Europe/Berlin")), "2024-10-26T12:00:00Z", 3),
              ElementsAre("2024-10-27T00:30:00", "2024-10-27T01:30:00", "2024-10-28T01:30:00"));
  EXPECT_THAT(Times(Compiled(Cron("30 1 * * *", "America/New_York")), "2024-11-03T00:00:00Z", 3),
              ElementsAre("2024-11-03T05:30:00", "2024-11-03T06:30:00", "2024-11-04T06:30:00"));
}

TEST(Zone, MidnightIsFoundOnTheDayThatHasNone) {  // Beirut went from 00:00 to 01:00 on 2024-03-31
  EXPECT_THAT(Times(Compiled(Cron("0 0 * * *", "Asia/Beirut")), "2024-03-29T22:00:00Z", 2),
              ElementsAre("2024-03-31T21:00:00", "2024-04-01T21:00:00"));
}

TEST(Zone, RulesHoldFarIntoTheFuture) {
  EXPECT_THAT(Times(Compiled(Cron("0 12 1 JUL *", "Europe/Berlin")), "2090-01-01T00:00:00Z", 1),
              ElementsAre("2090-07-01T10:00:00"));
}

TEST(Interval, IsCountedFromTheEpochWithItsPhase) {  // S97; the example of IntervalSpec's documentation
  EXPECT_THAT(Times(Compiled(Every(28 * 86400)), "2022-02-01T00:00:00Z", 1), ElementsAre("2022-02-17T00:00:00"));
  EXPECT_THAT(Times(Compiled(Every(28 * 86400, 3 * 86400 + 5 * 3600 + 23 * 60)), "2022-02-01T00:00:00Z", 1),
              ElementsAre("2022-02-20T05:23:00"));
  EXPECT_FALSE(Canonical(Every(0)).has_value());
  EXPECT_FALSE(Canonical(Every(60, 60)).has_value());
  EXPECT_FALSE(Canonical(Every(60, -1)).has_value());
}

TEST(Spec, IsTheUnionOfItsPartsLessWhatIsExcluded) {
  pb::ScheduleSpec spec = Cron("0 3 * * *");
  spec.add_interval()->mutable_interval()->set_seconds(12 * 3600);
  auto& excluded = *spec.add_exclude_calendar();  // the whole 2nd of January
  excluded.set_day_of_month("2");
  excluded.set_hour("*");
  excluded.set_minute("*");
  excluded.set_second("*");
  EXPECT_THAT(Times(Compiled(spec), "2024-01-01T00:00:00Z", 4),
              ElementsAre("2024-01-01T03:00:00", "2024-01-01T12:00:00", "2024-01-03T00:00:00", "2024-01-03T03:00:00"));
}

TEST(Spec, KeepsToItsStartAndEndBothIncluded) {
  pb::ScheduleSpec spec = Every(3600);
  *spec.mutable_start_time() = ToProto(At("2024-01-01T05:00:00Z"));
  *spec.mutable_end_time() = ToProto(At("2024-01-01T06:00:00Z"));
  EXPECT_THAT(Times(Compiled(spec), "2023-01-01T00:00:00Z", 9),
              ElementsAre("2024-01-01T05:00:00", "2024-01-01T06:00:00"));
  EXPECT_EQ(Compiled(spec).Next(At("2024-01-01T06:00:00Z")), std::nullopt);
}

TEST(Spec, WithoutTimesHasNone) {
  EXPECT_EQ(Compiled(pb::ScheduleSpec()).Next(At("2024-01-01T00:00:00Z")), std::nullopt);
  EXPECT_EQ(Compiled(Cron("0 0 30 2 *", "Europe/Berlin")).Next(At("2024-01-01T00:00:00Z")), std::nullopt);
  pb::ScheduleSpec all_excluded = Every(1);
  auto& excluded = *all_excluded.add_exclude_calendar();
  for (auto* field : {excluded.mutable_hour(), excluded.mutable_minute(), excluded.mutable_second()}) *field = "*";
  EXPECT_EQ(Compiled(all_excluded).Next(At("2024-01-01T00:00:00Z")), std::nullopt);
}

TEST(Spec, AnExcludedDayEndsWithTheDayOfItsZone) {
  pb::ScheduleSpec spec = Every(3600);
  spec.set_timezone_name("America/New_York");
  auto& excluded = *spec.add_exclude_calendar();
  excluded.set_day_of_month("3");
  for (auto* field : {excluded.mutable_hour(), excluded.mutable_minute(), excluded.mutable_second()}) *field = "*";
  // The 3rd of November 2024 has 25 hours there.
  EXPECT_THAT(Times(Compiled(spec), "2024-11-03T03:00:00Z", 1), ElementsAre("2024-11-04T05:00:00"));
}

TEST(Jitter, IsStableForAScheduleAndDiffersBetweenSchedules) {  // S96
  pb::ScheduleSpec spec = Every(3600);
  spec.mutable_jitter()->set_seconds(1800);
  const Instant after = At("2024-01-01T00:00:00Z");
  const auto first = Compiled(spec, "default/a").Matching(after, Instant::max(), 50);
  EXPECT_EQ(Compiled(spec, "default/a").Matching(after, Instant::max(), 50), first);
  EXPECT_NE(Compiled(spec, "default/b").Matching(after, Instant::max(), 50), first);
  for (size_t i = 0; i < first.size(); ++i) {
    const Instant nominal = after + std::chrono::hours(i + 1);
    if (i == 0 && first[0] < nominal) continue;  // the jittered time of `after` itself
    EXPECT_LT(std::chrono::floor<std::chrono::hours>(first[i]) + 30min, first[i] + 30min);
  }
}

TEST(Jitter, NeverReachesTheNextTime) {
  pb::ScheduleSpec spec = Every(10);
  spec.mutable_jitter()->set_seconds(86400);
  const Spec compiled = Compiled(spec);
  for (auto time = compiled.Next(At("2024-01-01T00:00:00Z")); time->nominal < At("2024-01-01T01:00:00Z");
       time = compiled.Next(time->actual)) {
    EXPECT_GE(time->actual, time->nominal);
    EXPECT_LT(time->actual, time->nominal + 10s);
  }
}

/// A random spec of every kind.
pb::ScheduleSpec RandomSpec(std::mt19937& random) {
  const auto upto = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const auto number = [&](int n) { return std::to_string(upto(n)); };
  pb::ScheduleSpec spec;
  constexpr const char* kZones[] = {"", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"};
  spec.set_timezone_name(kZones[upto(5)]);
  for (int i = upto(3); i >= 0; --i) {
    if (upto(2) == 0) {
      const int every = 1 + upto(100'000);
      auto& interval = *spec.add_interval();
      interval.mutable_interval()->set_seconds(every);
      interval.mutable_phase()->set_seconds(upto(every));
    } else {
      spec.add_cron_string(number(60) + " " + (upto(2) ? "*" : number(24)) + " " + (upto(3) ? "*" : number(27) + "/3") +
                           " * " + (upto(3) ? "*" : number(7)));
      if (spec.cron_string(spec.cron_string_size() - 1).find(" 0/3 ") != std::string::npos) {
        spec.mutable_cron_string()->RemoveLast();
        spec.add_cron_string("17 * * * *");
      }
    }
  }
  if (upto(3) == 0) {
    auto& excluded = *spec.add_exclude_calendar();
    excluded.set_hour("*");
    excluded.set_minute("*");
    excluded.set_second(upto(2) ? "*" : "0");
    excluded.set_day_of_week(number(7));
  }
  if (upto(2) == 0) spec.mutable_jitter()->set_seconds(1 + upto(7200));
  return spec;
}

TEST(SpecProperty, NextTimeIncreasesAndAgreesWithMatchingTimes) {  // H37
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const pb::ScheduleSpec proto = RandomSpec(random);
    const Spec spec = Compiled(proto, std::to_string(round));
    const Instant start = At("2024-01-01T00:00:00Z") + std::chrono::seconds(random() % (366u * 86400u));
    const auto times = spec.Matching(start, Instant::max(), 40);
    ASSERT_FALSE(times.empty()) << proto.ShortDebugString();
    Instant before = start;
    for (const Instant time : times) {
      ASSERT_GT(time, before) << proto.ShortDebugString();
      // From anywhere in the gap the same time is next.
      const Duration gap = time - before;
      for (const Duration offset : {Duration(0), gap / 3, gap - Duration(1)}) {
        const auto next = spec.Next(before + offset);
        ASSERT_TRUE(next.has_value());
        ASSERT_EQ(next->actual, time) << proto.ShortDebugString() << " after " << FormatIso8601Millis(before + offset);
      }
      before = time;
    }
    EXPECT_EQ(spec.Matching(start, times.back(), 1000), times);
  }
}

TEST(SpecProperty, CalendarsAgreeWithASearchSecondBySecond) {
  std::mt19937 random(11);
  for (const char* zone_name : {"Europe/Berlin", "Australia/Lord_Howe", "America/New_York"}) {
    absl::TimeZone zone;
    ASSERT_TRUE(absl::LoadTimeZone(zone_name, &zone));
    for (int round = 0; round < 20; ++round) {
      pb::ScheduleSpec spec =
          Canonical(Cron(std::to_string(random() % 60) + " " + std::to_string(random() % 4) + " * * *")).value();
      const Calendar calendar = Calendar::Compile(spec.structured_calendar(0)).value();
      // The days around a change of the clocks, either way.
      for (const char* text : {"2024-03-30T12:00:00Z", "2024-10-26T12:00:00Z", "2024-04-06T06:00:00Z",
                               "2024-10-05T06:00:00Z", "2024-03-09T20:00:00Z", "2024-11-02T20:00:00Z"}) {
        const int64_t begin = At(text).time_since_epoch() / 1s;
        std::vector<int64_t> expected;
        for (int64_t second = begin + 1; second <= begin + 36 * 3600; ++second) {
          if (calendar.Matches(absl::ToCivilSecond(absl::FromUnixSeconds(second), zone))) expected.push_back(second);
        }
        std::vector<int64_t> found;
        Work work(kMaxWork);
        for (auto next = calendar.Next(begin, zone, work); next && *next <= begin + 36 * 3600;
             next = calendar.Next(*next, zone, work)) {
          found.push_back(*next);
        }
        ASSERT_EQ(found, expected) << zone_name << " " << text;
      }
    }
  }
}

// --- What an unkind or careless author may send (SEC-H1).

/// Every second but what two exclusions take: all of them.
pb::ScheduleSpec NothingLeft() {
  pb::ScheduleSpec spec = Every(1);
  for (const char* seconds : {"*/2", "1/2"}) {
    auto& excluded = *spec.add_exclude_calendar();
    excluded.set_second(seconds);
    excluded.set_minute("*");
    excluded.set_hour("*");
  }
  return spec;
}

TEST(SpecCost, WhatNeverComesCostsNothingToAskFor) {  // SEC-H1
  pb::ScheduleSpec spec;
  for (int i = 0; i < 1000; ++i) {
    auto& calendar = *spec.add_calendar();
    calendar.set_day_of_month("30,31");
    calendar.set_month("2");
  }
  const Spec compiled = Compiled(std::move(spec));
  int64_t spent = 0;
  EXPECT_EQ(compiled.Next(At("2024-01-01T00:00:00Z"), &spent), std::nullopt);
  EXPECT_LE(spent, 2);
}

TEST(SpecCost, ACalendarWithoutTimesToComeIsKnownToHaveNone) {  // SEC-H1
  const Spec past = Compiled(Cron("0 0 1 1 * 2020", "Europe/Berlin"));
  int64_t spent = 0;
  EXPECT_EQ(past.Next(At("2024-01-01T00:00:00Z"), &spent), std::nullopt);
  EXPECT_LE(spent, 10);
}

TEST(SpecCost, TheRarestDayIsFoundInFewSteps) {  // SEC-H1: a 29th of February that is a Monday
  const Spec rare = Compiled(Cron("0 0 29 2 MON"));
  int64_t spent = 0;
  const auto next = rare.Next(At("2024-03-01T00:00:00Z"), &spent);
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(FormatIso8601Millis(next->nominal).substr(0, 10), "2044-02-29");
  EXPECT_LE(spent, 300);
}

TEST(SpecCost, ExclusionsThatTakeEverythingEndTheSpecWithinItsBudget) {  // SEC-H1
  for (const int calendars : {0, 10, 900}) {
    pb::ScheduleSpec spec = NothingLeft();
    for (int i = 0; i < calendars; ++i) {
      auto& calendar = *spec.add_calendar();
      calendar.set_year(std::to_string(2090));  // far away, so that each is looked at again and again
    }
    const Spec compiled = Compiled(std::move(spec));
    int64_t spent = 0;
    EXPECT_EQ(compiled.Next(At("2024-01-01T00:00:00Z"), &spent), std::nullopt);
    EXPECT_GT(spent, kMaxWork);
    EXPECT_LE(spent, kMaxWork + 10'000) << calendars;
    // What asks many times ends at the first one.
    EXPECT_THAT(compiled.Matching(At("2024-01-01T00:00:00Z"), Instant::max(), 1000), IsEmpty());
  }
}

TEST(SpecCost, JitterAsksManyTimesWithinOneBudget) {  // SEC-H1
  pb::ScheduleSpec spec = NothingLeft();
  spec.mutable_jitter()->set_seconds(86'400 * 365);
  int64_t spent = 0;
  Compiled(std::move(spec)).Next(At("2024-01-01T00:00:00Z"), &spent);
  EXPECT_LE(spent, kMaxWork + 10'000);
}

TEST(SpecCost, AFieldHasALimitOfRanges) {  // SEC-H1
  pb::ScheduleSpec spec;
  auto& calendar = *spec.add_structured_calendar();
  for (int i = 0; i <= kMaxRanges; ++i) calendar.add_year()->set_start(2000);
  EXPECT_THAT(Canonical(spec).error().message, HasSubstr("year has 101 ranges, at most 100"));
}

TEST(Zones, OnlyPlainNamesOfTheDatabaseAreOpened) {  // SEC-H1
  const std::string pipe = ::testing::TempDir() + "zone-pipe";
  ::unlink(pipe.c_str());
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& name :
       {pipe, "file:" + pipe, std::string("../zoneinfo/UTC"), std::string("/usr/share/zoneinfo/UTC"),
        std::string("Europe"), std::string("Europe/"), std::string("Europe/Nowhere"), std::string(4'000'000, 'x'),
        std::string("Europe/Berlin\0", 14)}) {
    const auto zone = LoadZone(name);
    ASSERT_FALSE(zone.has_value()) << name.substr(0, 100);
    EXPECT_EQ(zone.error().code, StatusCode::kInvalidArgument);
    EXPECT_LT(zone.error().message.size(), 250u);
    EXPECT_FALSE(Canonical(Cron("0 0 * * *", name)).has_value());
  }
  ::unlink(pipe.c_str());
  for (const char* name : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+1", "EST5EDT"}) {
    EXPECT_TRUE(LoadZone(name).has_value()) << name;
  }
}

TEST(Zones, AStoredPathIsNotOpenedEither) {  // SEC-H1: of a store that an older version wrote
  pb::ScheduleSpec spec = Every(60);
  spec.set_timezone_name("/dev/zero");
  EXPECT_FALSE(Spec::Compile(spec, "s").has_value());
}

TEST(Cron, AStepBeyondAllDaysIsNoOverflow) {  // SEC-H1
  EXPECT_THAT(Times(Compiled(Cron("0 0 * * 1-7/2147483647")), "2024-03-01T00:00:00Z", 2),
              ElementsAre("2024-03-04T00:00:00", "2024-03-11T00:00:00"));
}

}  // namespace
}  // namespace wfe::schedules
