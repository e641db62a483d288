#include "engine/base/money.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace wfe {
namespace {

constexpr int kPlaces = 9;
/// Fifteen digits: what a double holds and prints unchanged.
constexpr int64_t kLargestNumber = 999'999'999'999'999;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Result<Money> Money::FromNumber(double usd) {
  const double nanos = usd * static_cast<double>(kPerUsd);
  if (!std::isfinite(usd) || std::fabs(nanos) >= 9.2e18) {
    return InvalidArgument("an amount of money must be a number below 9.2 billion dollars");
  }
  return Nanos(std::llround(nanos));
}

Result<Money> Money::Parse(std::string_view text) {
  const auto refuse = [&] {
    return InvalidArgument("\"" + std::string(text.substr(0, 40)) +
                           "\" is not an amount: write dollars, with at most nine places, as in 12.50");
  };
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative) rest.remove_prefix(1);
  int64_t nanos = 0;
  const auto take = [&](char digit) {
    return !__builtin_mul_overflow(nanos, 10, &nanos) && !__builtin_add_overflow(nanos, digit - '0', &nanos);
  };
  size_t digits = 0;
  for (; digits < rest.size() && IsDigit(rest[digits]); ++digits) {
    if (!take(rest[digits])) return refuse();
  }
  if (digits == 0) return refuse();
  rest.remove_prefix(digits);
  int places = 0;
  if (!rest.empty()) {
    if (rest[0] != '.' || rest.size() == 1 || rest.size() > 1 + kPlaces) return refuse();
    for (const char c : rest.substr(1)) {
      if (!IsDigit(c) || !take(c)) return refuse();
      ++places;
    }
  }
  for (; places < kPlaces; ++places) {
    if (!take('0')) return refuse();
  }
  return Nanos(negative ? -nanos : nanos);
}

std::string Money::Rounded(int places) const {
  // Without a sign there is room for the least amount and for what rounding adds.
  const bool below = nanos_ < 0;
  const uint64_t value = below ? 0 - static_cast<uint64_t>(nanos_) : static_cast<uint64_t>(nanos_);
  uint64_t unit = 1;
  for (int i = places; i < kPlaces; ++i) unit *= 10;
  uint64_t rounded = (value + unit / 2) / unit;
  std::string digits;
  for (int i = 0; rounded > 0 || i <= places; ++i) {
    if (i == places && places > 0) digits.insert(digits.begin(), '.');
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rounded % 10)));
    rounded /= 10;
  }
  const bool nothing = digits.find_first_not_of("0.") == std::string::npos;
  return (below && !nothing ? "-" : "") + digits;
}

std::string Money::ToString() const {
  std::string text = Rounded(kPlaces);
  while (text.back() == '0' && text[text.size() - 3] != '.') text.pop_back();
  return text;
}

std::optional<Money> Money::Plus(Money other) const {
  int64_t sum = 0;
  if (__builtin_add_overflow(nanos_, other.nanos_, &sum)) return std::nullopt;
  return Nanos(sum);
}

std::optional<Money> Money::Minus(Money other) const {
  int64_t difference = 0;
  if (__builtin_sub_overflow(nanos_, other.nanos_, &difference)) return std::nullopt;
  return Nanos(difference);
}

Money Money::PlusAtMost(Money other) const { return Plus(other).value_or(Most()); }

void to_json(nlohmann::json& json, const Money& money) {
  if (money.nanos() >= -kLargestNumber && money.nanos() <= kLargestNumber) {
    json = money.usd();
  } else {
    json = money.ToString();
  }
}

void from_json(const nlohmann::json& json, Money& money) {
  const auto refuse = [](const std::string& why) { throw nlohmann::json::type_error::create(302, why, nullptr); };
  if (!json.is_number() && !json.is_string()) refuse("must be an amount of dollars");
  const Result<Money> read =
      json.is_string() ? Money::Parse(json.get_ref<const std::string&>()) : Money::FromNumber(json.get<double>());
  if (!read) refuse(read.error().message);
  money = *read;
}

}  // namespace wfe
