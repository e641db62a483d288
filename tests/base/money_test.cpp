// Money is exact: RC-6, QF-1.
#include "engine/base/money.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <random>

namespace wfe {
namespace {

using nlohmann::json;
using testing::HasSubstr;

Money Of(std::string_view text) { return Money::Parse(text).value(); }

TEST(MoneyTest, TextGoesInAndComesOutExactly) {
  for (const char* text : {"0.00", "12.50", "-0.000000001", "0.000075", "9223372036.854775807", "-3.14"}) {
    EXPECT_EQ(Of(text).ToString(), text);
  }
  EXPECT_EQ(Of("12").ToString(), "12.00");
  EXPECT_EQ(Of("12.5").nanos(), 12'500'000'000);
}

TEST(MoneyTest, WhatIsNoAmountIsRefusedInASentence) {
  for (const char* text :
       {"", "-", ".5", "1.", "1e3", "1,5", " 1", "1.0000000001", "9223372036.854775808", "nan", "+1"}) {
    const auto money = Money::Parse(text);
    ASSERT_FALSE(money.has_value()) << text;
    EXPECT_THAT(money.error().message, HasSubstr("is not an amount")) << text;
  }
  EXPECT_FALSE(Money::FromNumber(1e10).has_value());
  EXPECT_FALSE(Money::FromNumber(std::numeric_limits<double>::quiet_NaN()).has_value());
}

TEST(MoneyTest, ASumThatDoesNotFitIsRefusedAndNeverWraps) {
  EXPECT_EQ(Money::Most().Plus(Money::Nanos(1)), std::nullopt);
  EXPECT_EQ(Money::Nanos(std::numeric_limits<int64_t>::min()).Minus(Money::Nanos(1)), std::nullopt);
  EXPECT_EQ(Money::Most().PlusAtMost(Of("1")), Money::Most());
  EXPECT_EQ(Of("0.1").Plus(Of("0.2")), Of("0.3"));
}

TEST(MoneyTest, TablesRoundHalfUp) {
  EXPECT_EQ(Of("0.00005").Rounded(4), "0.0001");
  EXPECT_EQ(Of("0.000049999").Rounded(4), "0.0000");
  EXPECT_EQ(Of("-0.00001").Rounded(4), "0.0000");
  EXPECT_EQ(Of("99.995").Rounded(2), "100.00");
  EXPECT_EQ(Of("99.5").Rounded(0), "100");
}

TEST(MoneyTest, JsonIsTheNumberThatRecordsHaveAlwaysHadAndLosesNoNanoDollar) {
  EXPECT_EQ(json(Of("0.0011")).dump(), "0.0011");
  EXPECT_EQ(json(Of("2000000")).dump(), "\"2000000.00\"") << "a double would not print every place of it";
  EXPECT_EQ(json::parse("0.013500000000000002").get<Money>(), Of("0.0135")) << "a sum of an earlier version";
  EXPECT_EQ(json(3).get<Money>(), Of("3"));
  EXPECT_THROW(json("a lot").get<Money>(), json::exception);
  EXPECT_THROW(json(true).get<Money>(), json::exception);
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const Money money = Money::Nanos(static_cast<int64_t>(random() >> (random() % 63)) * (i % 2 == 0 ? 1 : -1));
    ASSERT_EQ(json::parse(json(money).dump()).get<Money>(), money) << money.ToString();
    ASSERT_EQ(Of(money.ToString()), money);
  }
}

}  // namespace
}  // namespace wfe
