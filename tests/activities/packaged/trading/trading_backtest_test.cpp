// Prices and what decisions come to over them (CW-4): counted again here, trade by trade.
#include "activities/packaged/trading/backtest.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "activities/packaged/trading/prices.h"
#include "activities/packaged/trading/rules.h"
#include "engine/base/hash.h"

namespace wfe::trading {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Money Dollars(const char* text) { return *Money::Parse(text); }

std::vector<Bar> BarsOf(const std::vector<const char*>& opens_and_closes) {
  std::vector<Bar> bars;
  for (size_t i = 0; i + 1 < opens_and_closes.size(); i += 2) {
    const Money open = Dollars(opens_and_closes[i]);
    const Money close = Dollars(opens_and_closes[i + 1]);
    bars.push_back({.date = "2024-01-0" + std::to_string(i / 2 + 1),
                    .open = open,
                    .high = std::max(open, close),
                    .low = std::min(open, close),
                    .close = close});
  }
  return bars;
}

TEST(Course, CarriesOutADecisionAtTheNextOpen) {
  const auto bars = BarsOf({"100", "101", "102", "104", "105", "103"});
  CostModel costs{.initial_cash = Money::Usd(1000), .fee_bps = 10, .slippage_bps = 0};
  const auto course = RunCourse("x", bars, {1.0, 0.0, 0.0}, costs);
  ASSERT_TRUE(course.has_value());
  ASSERT_EQ(course->trades.size(), 2u);
  EXPECT_EQ(course->trades[0], (Trade{.date = "2024-01-02", .shares = 9, .price = Money::Usd(102),
                                      .fee = Dollars("0.918"), .slippage = Money()}));
  EXPECT_EQ(course->trades[1].shares, -9);
  EXPECT_EQ(course->trades[1].fee, Dollars("0.945"));
  // 1000, then 1000 - 918 - 0.918 + 9 x 104, then 1000 + 27 - 1.863.
  EXPECT_THAT(course->equity, ElementsAre(Money::Usd(1000), Dollars("1017.082"), Dollars("1025.137")));
  EXPECT_EQ(course->figures.fees, Dollars("1.863"));
  EXPECT_NEAR(course->figures.total_return, 0.025137, 1e-12);
  EXPECT_NEAR(course->figures.days_invested, 1.0 / 3, 1e-12);
}

/// The same in other words: cash and shares from the trades alone.
void ExpectRecounted(const std::vector<Bar>& bars, const Course& course, const CostModel& costs) {
  int64_t cash = costs.initial_cash.nanos();
  int64_t shares = 0;
  size_t next = 0;
  double peak = costs.initial_cash.usd();
  double worst = 0;
  int64_t invested = 0;
  for (size_t i = 0; i < bars.size(); ++i) {
    if (next < course.trades.size() && course.trades[next].date == bars[i].date) {
      const Trade& trade = course.trades[next++];
      EXPECT_EQ(trade.price, bars[i].open);
      const double value = std::fabs(static_cast<double>(trade.shares)) * trade.price.usd();
      EXPECT_NEAR(trade.fee.usd(), value * costs.fee_bps / 1e4, 1e-8);
      EXPECT_NEAR(trade.slippage.usd(), value * costs.slippage_bps / 1e4, 1e-8);
      cash -= trade.shares * trade.price.nanos() + trade.fee.nanos() + trade.slippage.nanos();
      shares += trade.shares;
    }
    const int64_t equity = cash + shares * bars[i].close.nanos();
    ASSERT_EQ(course.equity[i].nanos(), equity) << bars[i].date;
    peak = std::max(peak, Money::Nanos(equity).usd());
    worst = std::max(worst, 1 - Money::Nanos(equity).usd() / peak);
    invested += shares != 0 ? 1 : 0;
  }
  EXPECT_EQ(next, course.trades.size());
  EXPECT_EQ(course.figures.final_equity, course.equity.back());
  EXPECT_NEAR(course.figures.max_drawdown, worst, 1e-12);
  EXPECT_NEAR(course.figures.days_invested, static_cast<double>(invested) / static_cast<double>(bars.size()), 1e-12);
}

TEST(Course, IsWhatItsTradesComeToOverFiftySeeds) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    const auto bars = MakePrices(seed, 200);
    std::mt19937_64 random(seed);
    std::vector<double> weights;
    for (size_t i = 0; i < bars.size(); ++i) weights.push_back(static_cast<double>(random() % 200) / 100 - 0.5);
    const CostModel costs;
    const auto course = RunCourse("x", bars, weights, costs);
    ASSERT_TRUE(course.has_value());
    ExpectRecounted(bars, *course, costs);
  }
}

TEST(Course, OfHoldingBuysOnce) {
  const auto bars = MakePrices(3, 250);
  const auto course = RunCourse("hold", bars, HoldingWeights(bars.size()), {});
  ASSERT_TRUE(course.has_value());
  EXPECT_EQ(course->figures.trades, 1);
  EXPECT_NEAR(course->figures.total_return, bars.back().close.usd() / bars[1].open.usd() - 1, 0.002);
}

TEST(Course, OfCashDoesNotMove) {
  const auto bars = MakePrices(3, 100);
  const auto course = RunCourse("cash", bars, std::vector<double>(100, 0), {});
  ASSERT_TRUE(course.has_value());
  EXPECT_EQ(course->figures.total_return, 0);
  EXPECT_FALSE(course->figures.sharpe.has_value());
  EXPECT_EQ(course->figures.trades, 0);
}

TEST(Course, IsRuinedOnceAndTradesNoMore) {
  const auto bars = BarsOf({"100", "100", "100", "90", "85", "60", "60", "70", "70", "75"});
  const auto course = RunCourse("x", bars, {5, 5, 5, 5, 5}, {.initial_cash = Money::Usd(10'000)});
  ASSERT_TRUE(course.has_value());
  EXPECT_EQ(course->figures.ruined_on, "2024-01-03");
  EXPECT_EQ(course->trades.back().date, "2024-01-03");
  EXPECT_EQ(course->equity[4], course->equity[2]);
}

TEST(Course, RefusesWhatIsNoDecision) {
  const auto bars = MakePrices(3, 40);
  EXPECT_THAT(RunCourse("x", bars, {1.0}, {}).error().message, HasSubstr("1 decisions for 40 bars"));
  std::vector<double> weights(40, 0);
  weights[3] = 1e9;
  EXPECT_THAT(RunCourse("x", bars, weights, {}).error().message, HasSubstr("it would invest 1e+09 times its equity"));
}

TEST(Figures, HaveASharpeOfTheReturnsOfTheBars) {
  const auto bars = BarsOf({"100", "100", "100", "110", "110", "121", "121", "108.9"});
  BacktestFigures figures;
  const std::vector<Money> equity = {Money::Usd(100'000), Money::Usd(110'000), Money::Usd(121'000),
                                     Money::Usd(108'900)};
  CountFigures(bars, equity, {}, figures);
  // Returns 0, 0.1, 0.1, -0.1: mean 0.025, sample deviation 0.0957427.
  EXPECT_NEAR(*figures.sharpe, 0.025 / 0.09574271077563381 * std::sqrt(252.0), 1e-9);
  EXPECT_NEAR(figures.max_drawdown, 0.1, 1e-12);
  EXPECT_EQ(figures.peak_date, "2024-01-03");
  EXPECT_EQ(figures.trough_date, "2024-01-04");
  EXPECT_NEAR(figures.worst_day, -0.1, 1e-12);
}

TEST(Prices, AreTheSameForTheSameSeed) {
  EXPECT_EQ(PricesCsv(MakePrices(5, 100)), PricesCsv(MakePrices(5, 100)));
  EXPECT_NE(PricesCsv(MakePrices(5, 100)), PricesCsv(MakePrices(6, 100)));
  // Those of the example, on this machine as on every other.
  EXPECT_EQ(ToHex(Sha256(PricesCsv(MakePrices(kExampleSeed, kExampleBars)))),
            "2597ec4469ac3f97eea2cf201f6d45de6499e8e5fb7553b72a2f15df36faaaad");
}

TEST(Prices, AreReadAsTheyWereWritten) {
  const auto bars = MakePrices(5, 100);
  const auto read = ReadPrices("prices.csv", PricesCsv(bars));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  ASSERT_EQ(read->bars.size(), 100u);
  EXPECT_EQ(read->bars[17].close, bars[17].close);
  EXPECT_EQ(read->bars[17].date, bars[17].date);
  EXPECT_THAT(read->notes, IsEmpty());
}

std::string Month(const std::string& changed_line, size_t at) {
  std::string csv = "Date;Close\r\n";
  for (size_t i = 1; i <= 31; ++i) {
    const std::string day = std::string(i < 10 ? "0" : "") + std::to_string(i);
    csv += (i == at ? changed_line : "2024-01-" + day + ";100.5") + "\r\n";
  }
  return csv;
}

TEST(Prices, NameTheLineOfEveryMistake) {
  const auto fault = [](const std::string& line) {
    const auto read = ReadPrices("prices.csv", Month(line, 12));
    return read.has_value() ? std::string("none") : read.error().message;
  };
  EXPECT_EQ(fault("2024-01-12;100"), "none");
  EXPECT_EQ(fault("2024-01-12;-3"), "prices.csv:13: the close \"-3\" must be above 0");
  EXPECT_EQ(fault("2024-01-12;0"), "prices.csv:13: the close \"0\" must be above 0");
  EXPECT_EQ(fault("2024-01-12;"), "prices.csv:13: the close is missing");
  EXPECT_EQ(fault("2024-01-12"), "prices.csv:13: the close is missing");
  EXPECT_EQ(fault("2024-01-12;abc"), "prices.csv:13: the close \"abc\" is no price");
  EXPECT_EQ(fault("2024-01-12;nan"), "prices.csv:13: the close \"nan\" is no price");
  EXPECT_EQ(fault("2024-01-12;20000000"), "prices.csv:13: the close 20000000 is above 10,000,000");
  EXPECT_EQ(fault("2024-01-11;100"), "prices.csv:13: the date 2024-01-11 does not come after the one before "
                                     "(2024-01-11)");
  EXPECT_EQ(fault("2024-13-12;100"), "prices.csv:13: the date \"2024-13-12\" is none (YYYY-MM-DD)");
  EXPECT_THAT(ReadPrices("p.csv", "a,b\n1,2\n").error().message,
              HasSubstr("p.csv:1: the heading must name the columns date and close"));
  EXPECT_EQ(ReadPrices("p.csv", "").error().message, "p.csv is empty");
  EXPECT_EQ(ReadPrices("p.csv", "date,close\n2024-01-02,1\n").error().message,
            "p.csv has 1 bars; a back-test takes at least 30");
}

TEST(Prices, WithGapsAndJumpsAreUsedAndNoted) {
  std::string csv = "date,close\n";
  for (int i = 1; i <= 28; ++i) csv += "2024-01-" + std::string(i < 10 ? "0" : "") + std::to_string(i) + ",100\n";
  csv += "2024-03-01,100\n2024-03-02,40\n";
  const auto read = ReadPrices("prices.csv", csv);
  ASSERT_TRUE(read.has_value());
  EXPECT_THAT(read->notes, ElementsAre("prices.csv:30: 32 days without prices before 2024-03-01",
                                       "prices.csv:31: the close goes from 100.00 to 40.00 in one bar: a split, or a "
                                       "mistake?"));
}

TradingFinding Of(std::string_view rule, std::string_view source = kByRun) {
  return MakeFinding(rule, "a.py", 1, "m", source);
}

TEST(Risk, IsCountedOnceARuleAndWithoutTheModel) {
  EXPECT_EQ(RiskScore({}), 0);
  EXPECT_NEAR(RiskScore({Of("look-ahead")}), 35, 1e-9);
  EXPECT_NEAR(RiskScore({Of("look-ahead"), Of("look-ahead")}), 35, 1e-9);
  EXPECT_NEAR(RiskScore({Of("look-ahead"), Of("leverage"), Of("below-holding")}), 100 * (1 - 0.65 * 0.8), 1e-9);
  EXPECT_NEAR(RiskScore({Of("look-ahead"), Of("leverage", kByModel)}), 35, 1e-9);
  EXPECT_EQ(RiskGrade(19.9), "low");
  EXPECT_EQ(RiskGrade(50), "high");
}

TEST(Recommendations, AreRankedAndSayWhatTheyGain) {
  const std::vector<TradingFinding> findings = {Of("float-money"), Of("look-ahead"), Of("leverage"), Of("leverage")};
  const RiskAssessment risks = AssessRisks(findings);
  const auto list = Recommend(risks, findings);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].rule, "look-ahead");
  EXPECT_EQ(list[1].rule, "leverage");
  EXPECT_THAT(list[1].places, ElementsAre("a.py:1"));
  EXPECT_NEAR(list[0].gain, 100 * (1 - 0.65 * 0.8 * 0.92) - 100 * (1 - 0.8 * 0.92), 1e-9);
}

}  // namespace
}  // namespace wfe::trading
