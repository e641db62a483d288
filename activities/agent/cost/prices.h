// What model calls cost: a dated table of published prices (RC-12).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::agent {

/// USD per 1,000,000 tokens.
struct Rates {
  double input = 0;
  double output = 0;                   ///< Includes thinking.
  std::optional<double> cached_input;  ///< Absent: not published.
};

struct ModelPrice {
  std::string model;
  std::string valid_from;  ///< "2026-01-31"
  Rates rates;
  int64_t threshold_tokens = 0;  ///< Prompts above it use `above`; 0: one tier.
  std::optional<Rates> above;
  std::string source;
};

struct TokenUse {
  int64_t prompt = 0;  ///< Includes cached.
  int64_t cached = 0;
  int64_t output = 0;  ///< Candidates and thoughts.
};

class PriceTable {
 public:
  static Result<PriceTable> Parse(std::string_view json_text);
  static Result<PriceTable> Load(const std::string& path);
  /// The table compiled in.
  static const PriceTable& BuiltIn();

  /// The price of `model` on a day ("YYYY-MM-DD"); nullptr when unknown.  "models/" in front of the name is ignored.
  const ModelPrice* Find(std::string_view model, std::string_view day) const;
  const std::vector<ModelPrice>& prices() const { return prices_; }

 private:
  std::vector<ModelPrice> prices_;
};

/// (prompt - cached) input + cached cached_input + output output, in USD; the tier is chosen by the prompt of this one
/// call.  Absent when a rate it needs is unknown: never 0 for "do not know".
std::optional<double> CostOf(const ModelPrice& price, const TokenUse& use);

/// "2026-11-21" for an instant.
std::string DayOf(Instant instant);

}  // namespace wfe::agent
