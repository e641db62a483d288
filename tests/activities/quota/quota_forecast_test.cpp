// Forecasts of a month's quota on data whose course is known (QF-3, QF-6).
#include <gmock/gmock.h>

#include <numeric>

#include "activities/quota/rules/forecast.h"
#include "activities/quota/rules/held_out.h"

namespace wfe::quota {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Day At(const char* text) { return ParseDay(text).value(); }

/// So many days before `end`, each as `tokens` says.
Usage UsageBefore(Day end, size_t days, const std::function<int64_t(Day)>& tokens) {
  Usage usage;
  usage.days.first = end - std::chrono::days(days);
  for (size_t i = 0; i < days; ++i) usage.days.tokens.push_back(tokens(usage.days.first + std::chrono::days(i)));
  return usage;
}

QuotaForecast ForecastAt(const char* day, const Usage& usage, std::optional<int64_t> quota = 300'000'000) {
  return MakeForecast(usage, Instant(At(day)), {.monthly_tokens = quota});
}

TEST(QuotaForecast, TwentyMillionADayAreGoneOnDay15AndFourteenOnDay22) {  // QF-6
  for (const auto& [tokens, gone] : {std::pair(20'000'000, "2026-10-15"), std::pair(14'000'000, "2026-10-22")}) {
    const auto same = [tokens = tokens](Day) { return int64_t{tokens}; };
    // As seen from the month's first day, and from the tenth.
    for (const char* day : {"2026-10-01", "2026-10-10"}) {
      const QuotaForecast made = ForecastAt(day, UsageBefore(At(day), 60, same));
      EXPECT_EQ(made.exhaustion->day, gone);
      EXPECT_EQ(made.exhaustion->earliest, gone);
      EXPECT_EQ(made.exhaustion->latest, gone);
      EXPECT_EQ(made.exhaustion->probability, 1);
      EXPECT_FALSE(made.exhaustion->past);
      EXPECT_EQ(made.expected, int64_t{31} * tokens);
      EXPECT_EQ(made.lo, made.hi);
    }
  }
}

TEST(QuotaForecast, QuotaThatIsGoneAlreadySaysWhen) {
  const auto same = [](Day) { return int64_t{20'000'000}; };
  const QuotaForecast made = ForecastAt("2026-10-20", UsageBefore(At("2026-10-20"), 60, same));
  EXPECT_TRUE(made.exhaustion->past);
  EXPECT_EQ(made.exhaustion->day, "2026-10-15");
  for (const DayForecast& day : made.days) EXPECT_EQ(day.plan, 0);
}

TEST(QuotaForecast, WeekdaysAndTrendAreFound) {
  // A hundred more each day, and nobody works on Saturdays and Sundays.
  const Day end = At("2026-11-11");
  const auto tokens = [&](Day day) -> int64_t {
    const int weekday = WeekdayOf(day);
    return weekday == 0 || weekday == 6 ? 0 : 10'000;
  };
  const QuotaForecast made = ForecastAt("2026-11-11", UsageBefore(end, 56, tokens));
  for (const DayForecast& day : made.days) {
    EXPECT_NEAR(static_cast<double>(day.expected), static_cast<double>(tokens(At(day.day.c_str()))), 1) << day.day;
  }
  const auto growing = [&](Day day) -> int64_t { return 10'000 + 100 * (day - end).count(); };
  const QuotaForecast grown = ForecastAt("2026-11-11", UsageBefore(end, 56, growing));
  for (const DayForecast& day : grown.days) {
    EXPECT_NEAR(static_cast<double>(day.expected), static_cast<double>(growing(At(day.day.c_str()))), 1) << day.day;
  }
  EXPECT_GT(grown.trend_percent_a_week, 9);
}

TEST(QuotaForecast, SixDaysAreTooFewAndTheForecastSaysSo) {  // QF-3
  const auto same = [](Day) { return int64_t{1'000}; };
  const QuotaForecast made = ForecastAt("2026-11-07", UsageBefore(At("2026-11-07"), 6, same));
  EXPECT_FALSE(made.forecast);
  EXPECT_EQ(made.why, "a forecast needs 7 whole days, and there are 6");
  EXPECT_EQ(made.used, 6'000);
  EXPECT_THAT(made.days, IsEmpty());
  EXPECT_FALSE(made.exhaustion.has_value());
  EXPECT_TRUE(ForecastAt("2026-11-08", UsageBefore(At("2026-11-08"), 7, same)).forecast);
}

TEST(QuotaForecast, NoDataAtAllAreZeroDays) {
  const QuotaForecast made = MakeForecast(UsageUntil({}, Instant(At("2026-11-07"))), Instant(At("2026-11-07")), {});
  EXPECT_THAT(made.why, HasSubstr("there are 0"));
}

TEST(QuotaForecast, MonthOfZerosExpectsNothingAndTheQuotaLasts) {
  const auto nothing = [](Day) { return int64_t{0}; };
  const QuotaForecast made = ForecastAt("2026-11-20", UsageBefore(At("2026-11-20"), 30, nothing));
  EXPECT_TRUE(made.forecast);
  EXPECT_EQ(made.expected, 0);
  EXPECT_EQ(made.hi, 0);
  EXPECT_EQ(made.exhaustion->day, "");
  EXPECT_EQ(made.exhaustion->probability, 0);
  EXPECT_THAT(made.odd_days, IsEmpty());
  EXPECT_EQ(TestOnHeldOut(UsageBefore(At("2026-11-20"), 30, nothing).days, {}), std::nullopt);
}

TEST(QuotaForecast, QuotaOfNothingIsGoneFromTheFirstDay) {
  const auto same = [](Day) { return int64_t{1'000}; };
  for (const size_t days : {size_t{3}, size_t{40}}) {
    const QuotaForecast made = ForecastAt("2026-11-20", UsageBefore(At("2026-11-20"), days, same), 0);
    EXPECT_TRUE(made.exhaustion->past);
    EXPECT_EQ(made.exhaustion->day, "2026-11-01");
  }
}

TEST(QuotaForecast, WithoutAQuotaThereIsNothingToExhaust) {
  const auto same = [](Day) { return int64_t{1'000}; };
  const QuotaForecast made = ForecastAt("2026-11-20", UsageBefore(At("2026-11-20"), 40, same), std::nullopt);
  EXPECT_EQ(made.expected, 30'000);
  EXPECT_FALSE(made.exhaustion.has_value());
}

TEST(QuotaForecast, OneOddDayIsToldAndDoesNotBendTheRest) {
  const Day end = At("2026-11-16");
  const Day odd = At("2026-11-04");
  const auto tokens = [&](Day day) -> int64_t {
    // The noise of a small hash, so that there is a scale.
    return (day == odd ? 100'000 : 10'000) + (day.time_since_epoch().count() * 7919 % 13 - 6) * 100;
  };
  const QuotaForecast made = ForecastAt("2026-11-16", UsageBefore(end, 56, tokens));
  ASSERT_THAT(made.odd_days, SizeIs(1));
  EXPECT_EQ(made.odd_days[0].day, "2026-11-04");
  EXPECT_NEAR(static_cast<double>(made.odd_days[0].usual), 10'000, 1'500);
  for (const DayForecast& day : made.days) {
    // One day in 56 with 90,000 more makes 1,600 more of any day.
    EXPECT_NEAR(static_cast<double>(day.expected), 11'600, 2'500) << day.day;
  }
}

TEST(QuotaForecast, TodayCountsAsFarAsItHasGone) {
  const auto same = [](Day) { return int64_t{24'000}; };
  Usage usage = UsageBefore(At("2026-11-20"), 40, same);
  usage.today = 5'000;
  const Instant noon = Instant(At("2026-11-20")) + std::chrono::hours(12);
  const QuotaForecast made = MakeForecast(usage, noon, {.monthly_tokens = 1'000'000});
  EXPECT_EQ(made.used, 19 * 24'000 + 5'000);
  EXPECT_EQ(made.days.front().expected, 5'000 + 12'000);
  EXPECT_EQ(made.expected, 29 * 24'000 + 17'000);
}

TEST(QuotaForecast, PlanSpendsWhatIsLeftAndNotMore) {
  const auto tokens = [](Day day) -> int64_t { return WeekdayOf(day) == 0 ? 2'000 : 10'000; };
  const QuotaForecast made = ForecastAt("2026-11-11", UsageBefore(At("2026-11-11"), 56, tokens), 150'000);
  const int64_t planned = std::accumulate(made.days.begin(), made.days.end(), int64_t{0},
                                          [](int64_t sum, const DayForecast& day) { return sum + day.plan; });
  EXPECT_LE(made.used + planned, 150'000);
  EXPECT_GE(made.used + planned, 150'000 - static_cast<int64_t>(made.days.size()));
  // Days that need more get more.
  EXPECT_GT(made.days[0].plan, 4 * made.days[4].plan);
  const QuotaForecast roomy = ForecastAt("2026-11-11", UsageBefore(At("2026-11-11"), 56, tokens), 1'000'000);
  for (const DayForecast& day : roomy.days) EXPECT_EQ(day.plan, day.expected);
}

TEST(QuotaForecast, SameDataGiveTheSameForecast) {
  const auto tokens = [](Day day) -> int64_t { return 10'000 + day.time_since_epoch().count() * 7919 % 977; };
  const Usage usage = UsageBefore(At("2026-11-11"), 56, tokens);
  EXPECT_EQ(nlohmann::json(ForecastAt("2026-11-11", usage)), nlohmann::json(ForecastAt("2026-11-11", usage)));
}

TEST(QuotaForecast, LargestNumbersOfALedgerStayNumbers) {
  const auto most = [](Day) { return kMostTokensOfDay; };
  const QuotaForecast made = ForecastAt("2026-11-11", UsageBefore(At("2026-11-11"), 90, most));
  EXPECT_EQ(made.expected, 30 * kMostTokensOfDay);
  EXPECT_TRUE(made.exhaustion->past);
}

TEST(UsageUntil, GapsAreDaysOfNothingAndTheFutureIsLeftOut) {
  const std::map<Day, int64_t> by_day = {
      {At("2026-11-01"), 5}, {At("2026-11-04"), 7}, {At("2026-11-06"), 9}, {At("2026-11-08"), 1}};
  const Usage usage = UsageUntil(by_day, Instant(At("2026-11-06")) + std::chrono::hours(5));
  EXPECT_EQ(usage.days.first, At("2026-11-01"));
  EXPECT_EQ(usage.days.tokens, (std::vector<int64_t>{5, 0, 0, 7, 0}));
  EXPECT_EQ(usage.today, 9);
}

TEST(ParseDay, TakesDaysThatThereAre) {
  EXPECT_EQ(DayText(At("2028-02-29")), "2028-02-29");
  for (const char* none : {"2026-02-29", "2026-11-1", "0026-01-01", "9026-01-01", "", "yesterday", "2026-11-01T00"}) {
    EXPECT_EQ(ParseDay(none), std::nullopt) << none;
  }
  EXPECT_EQ(DayText(NextMonth(At("2026-12-31"))), "2027-01-01");
}

TEST(HeldOut, WeekdaysThatRepeatAreForecastBetterThanByNoise) {
  Chance chance(7);
  const auto tokens = [&](Day day) -> int64_t {
    return (WeekdayOf(day) == 0 ? 2'000 : 10'000) + static_cast<int64_t>(1'000 * chance.Normal());
  };
  const auto tested = TestOnHeldOut(UsageBefore(At("2026-11-11"), 70, tokens).days, {});
  ASSERT_TRUE(tested.has_value());
  EXPECT_EQ(tested->weeks, 8);
  EXPECT_LT(tested->daily_error, tested->naive_daily);
  EXPECT_LT(tested->weekly_error, tested->naive_weekly);
}

}  // namespace
}  // namespace wfe::quota
