// How often the band of 90 % holds what comes: quarters that are simulated with another model than the forecast's own
// (QF-3).  WFE_QUARTERS=N simulates N of each kind.
#include <gmock/gmock.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "activities/quota/rules/forecast.h"
#include "activities/quota/rules/held_out.h"

namespace wfe::quota {
namespace {

int Quarters() {
  const char* wanted = std::getenv("WFE_QUARTERS");
  return wanted != nullptr ? std::atoi(wanted) : 200;
}

struct Kind {
  const char* name;
  size_t known_from;  ///< Days of data at the forecast.
  size_t known_to;
  double spikes = 0.02;  ///< Days with two to four times as much.
};

/// Tokens of a quarter: a level from 1 to 30 million, a trend of -30 to +60 % over the quarter, weekends with nothing
/// up to as much as other days, multiplicative noise of 10 to 50 % that lasts a little, and odd days.
std::vector<int64_t> SimulateQuarter(Day first, double spikes, Chance& chance) {
  const double level = 1e6 * std::pow(30.0, chance.Share());
  const double trend = -0.3 + 0.9 * chance.Share();
  const double weekend = chance.Share();
  const double sigma = 0.1 + 0.4 * chance.Share();
  const double lasts = 0.4 * chance.Share();
  double noise = chance.Normal();
  std::vector<int64_t> tokens;
  for (int i = 0; i < 92; ++i) {
    noise = lasts * noise + std::sqrt(1 - lasts * lasts) * chance.Normal();
    const int weekday = WeekdayOf(first + std::chrono::days(i));
    double day = level * (1 + trend * i / 92) * std::exp(sigma * noise - sigma * sigma / 2);
    if (weekday == 0 || weekday == 6) day *= weekend;
    if (chance.Share() < spikes) day *= 2 + 2 * chance.Share();
    tokens.push_back(static_cast<int64_t>(day));
  }
  return tokens;
}

struct Measured {
  int sums_in_band = 0;
  int days_in_band = 0;  ///< Of exhaustion, of those quarters where it could be told.
  int exhaustions = 0;
  double error = 0;      ///< Of the month's end, relative to what was still to come.
  double half_width = 0;
};

/// The forecast is made on a random day of the last month of the data.
Measured Measure(const Kind& kind, int quarters) {
  Measured measured;
  const Day first = ParseDay("2026-10-01").value();
  for (int seed = 1; seed <= quarters; ++seed) {
    Chance chance(static_cast<uint64_t>(seed) * 7919 + kind.known_from);
    const std::vector<int64_t> all = SimulateQuarter(first, kind.spikes, chance);
    // December is the month; of the days before `now` the last ones are known.
    const size_t now = 61 + chance.Below(28);
    const size_t known = std::min(now, kind.known_from + chance.Below(kind.known_to - kind.known_from + 1));
    Usage usage;
    usage.days.first = first + std::chrono::days(now - known);
    usage.days.tokens.assign(all.begin() + static_cast<std::ptrdiff_t>(now - known),
                             all.begin() + static_cast<std::ptrdiff_t>(now));
    const int64_t used = usage.days.SumFrom(ParseDay("2026-12-01").value());
    double to_come = 0;
    for (size_t day = now; day < all.size(); ++day) to_come += static_cast<double>(all[day]);
    const int64_t came = used + static_cast<int64_t>(to_come);
    // A quota that is reached in the middle of what is left.
    const int64_t quota = used + static_cast<int64_t>(to_come / 2);
    const QuotaForecast made = MakeForecast(usage, Instant(first + std::chrono::days(now)),
                                            {.monthly_tokens = quota, .paths = 1000, .seed = chance.Below(1'000'000)});
    if (came >= made.lo && came <= made.hi) ++measured.sums_in_band;
    measured.error += std::abs(static_cast<double>(made.expected - came)) / to_come / quarters;
    measured.half_width += static_cast<double>(made.hi - made.lo) / 2 / to_come / quarters;
    int64_t sum = used;
    size_t gone = now;
    while (gone + 1 < all.size() && sum + all[gone] < quota) sum += all[gone++];
    const std::string day = DayText(first + std::chrono::days(gone));
    ++measured.exhaustions;
    const bool after = !made.exhaustion->earliest.empty() && day >= made.exhaustion->earliest;
    if (after && (made.exhaustion->latest.empty() || day <= made.exhaustion->latest)) ++measured.days_in_band;
  }
  std::printf("%-28s %d quarters: %.1f %% of sums and %.1f %% of days in the band; error %.1f %%, half band %.1f %%\n",
              kind.name, quarters, 100.0 * measured.sums_in_band / quarters,
              100.0 * measured.days_in_band / measured.exhaustions, 100 * measured.error, 100 * measured.half_width);
  return measured;
}

TEST(QuotaCoverage, BandOfNinetyPercentHoldsMonthEndsInEightyFiveToNinetyFivePercentOfQuarters) {  // QF-3
  const int quarters = Quarters();
  const Measured measured = Measure({.name = "56 days or more", .known_from = 61, .known_to = 88}, quarters);
  EXPECT_GE(measured.sums_in_band, 0.85 * quarters);
  EXPECT_LE(measured.sums_in_band, 0.95 * quarters);
  // Days are coarse: a band that ends within a day holds the whole of it.
  EXPECT_GE(measured.days_in_band, 0.85 * measured.exhaustions);
}

TEST(QuotaCoverage, FewerDaysMakeWiderBandsThatHold) {
  const int quarters = Quarters();
  const Measured some = Measure({.name = "28 to 55 days", .known_from = 28, .known_to = 55}, quarters);
  const Measured few = Measure({.name = "14 to 27 days", .known_from = 14, .known_to = 27}, quarters);
  const Measured one_week = Measure({.name = "7 to 13 days", .known_from = 7, .known_to = 13}, quarters);
  for (const Measured& measured : {some, few, one_week}) {
    EXPECT_GE(measured.sums_in_band, 0.85 * quarters);
    EXPECT_LE(measured.sums_in_band, 0.95 * quarters);
  }
}

TEST(QuotaCoverage, ForecastOfHeldOutWeeksIsBetterThanTheWeekBefore) {
  double error = 0;
  double naive = 0;
  int64_t weeks = 0;
  int64_t in_band = 0;
  const int quarters = Quarters() / 4;
  for (int seed = 1; seed <= quarters; ++seed) {
    Chance chance(static_cast<uint64_t>(seed) * 104729);
    const Day first = ParseDay("2026-10-01").value();
    const auto tested =
        TestOnHeldOut({.first = first, .tokens = SimulateQuarter(first, 0.02, chance)}, {}, 4);
    ASSERT_TRUE(tested.has_value());
    error += tested->weekly_error / quarters;
    naive += tested->naive_weekly / quarters;
    weeks += tested->weeks;
    in_band += tested->weeks_in_band;
  }
  std::printf("held-out weeks of %d quarters: error %.1f %%, of the week before %.1f %%; %.1f %% in the band\n",
              quarters, 100 * error, 100 * naive, 100.0 * static_cast<double>(in_band) / static_cast<double>(weeks));
  EXPECT_LT(error, naive);
}

}  // namespace
}  // namespace wfe::quota
