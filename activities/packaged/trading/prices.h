// Bars of prices: read with a place for every mistake, or made from a seed.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/money.h"
#include "engine/base/result.h"

namespace wfe::trading {

struct Bar {
  std::string date;  ///< "2024-03-05"
  Money open;
  Money high;
  Money low;
  Money close;
  double volume = 0;
};

struct PriceHistory {
  std::vector<Bar> bars;
  /// Gaps of more than five days, jumps of more than half: the bars are used all the same.
  std::vector<std::string> notes;
};

/// A CSV file with a heading: date and close, and as far as they are there open, high, low and volume, in any order.
/// INVALID_ARGUMENT "prices.csv:17: the close \"-3\" must be above 0": no bar is left out, since a back-test over other
/// prices than the file's would say nothing.
Result<PriceHistory> ReadPrices(const std::string& name, const std::string& text);

/// The same numbers for the same seed on every machine: calm, rising, falling and nervous stretches of working days
/// from 2 January 2023, with prices in cents.
std::vector<Bar> MakePrices(uint64_t seed, size_t bars);
std::string PricesCsv(const std::vector<Bar>& bars);
/// Those of the example.
inline constexpr uint64_t kExampleSeed = 14;
inline constexpr size_t kExampleBars = 520;

/// As an algorithm gets them: [{"date", "open", "high", "low", "close", "volume"}].
nlohmann::json BarsAsJson(const std::vector<Bar>& bars);

/// What one run takes; more is refused.
inline constexpr size_t kMaxBars = 20'000;
inline constexpr size_t kLeastBars = 30;

}  // namespace wfe::trading
