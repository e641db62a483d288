// Amounts of money, exactly (QF-1, RC-6).
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace wfe {

/// US dollars as a whole number of nano-dollars, up to 9.2 billion dollars either way.
///
/// Whole numbers and not decimals of a library: sums are exact, an amount is eight bytes in a row or a message, and
/// every published price of a token (0.025 USD per million tokens is 25 nano-dollars per token) is a whole number of
/// them. What would not fit is refused and never wraps.
class Money {
 public:
  constexpr Money() = default;
  static constexpr Money Nanos(int64_t nanos) { return Money(nanos); }
  static constexpr Money Usd(int64_t dollars) { return Money(dollars * kPerUsd); }
  /// The nearest amount to a number of dollars as JSON and TOML have them.  INVALID_ARGUMENT: not finite, or too large.
  static Result<Money> FromNumber(double usd);
  /// "12", "12.5", "-0.000000001": at most nine places.  INVALID_ARGUMENT for anything else.
  static Result<Money> Parse(std::string_view text);

  constexpr int64_t nanos() const { return nanos_; }
  constexpr bool negative() const { return nanos_ < 0; }
  constexpr bool zero() const { return nanos_ == 0; }
  /// The nearest double: to draw and to do statistics with, never to add up.
  constexpr double usd() const { return static_cast<double>(nanos_) / static_cast<double>(kPerUsd); }

  /// Exact, with two places at least: "12.50", "0.000075".
  std::string ToString() const;
  /// For tables: so many places (0 to 9), the last one rounded half up.
  std::string Rounded(int places) const;

  /// The sum; nullopt where it does not fit.
  [[nodiscard]] std::optional<Money> Plus(Money other) const;
  [[nodiscard]] std::optional<Money> Minus(Money other) const;
  /// The sum, or the largest amount there is: for comparisons with limits, where more than everything is as good.
  [[nodiscard]] Money PlusAtMost(Money other) const;

  static constexpr int64_t kPerUsd = 1'000'000'000;
  static constexpr Money Most() { return Money(std::numeric_limits<int64_t>::max()); }
  /// For schemas of records (record_schema.h).
  static constexpr const char* kJsonType = "number";

  friend constexpr auto operator<=>(Money, Money) = default;

 private:
  explicit constexpr Money(int64_t nanos) : nanos_(nanos) {}
  int64_t nanos_ = 0;
};

/// A number of dollars, as records have always had them: below a million dollars a double prints every nano-dollar.
/// What is larger is decimal text.
void to_json(nlohmann::json& json, const Money& money);
/// Takes both, and the inexact numbers of earlier versions, as the nearest nano-dollar.  Throws as all readers do.
void from_json(const nlohmann::json& json, Money& money);

}  // namespace wfe
