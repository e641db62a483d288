// What model calls cost: a dated table of published prices (RC-12).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/money.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::agent {

/// Per 1,000,000 tokens.
struct Rates {
  Money input;
  Money output;                       ///< Includes thinking.
  std::optional<Money> cached_input;  ///< Absent: not published.
};

struct ModelPrice {
  std::string model;       ///< A name, or its beginning and a star: "local/*".
  std::string valid_from;  ///< "2026-01-31"
  Rates rates;
  int64_t threshold_tokens = 0;  ///< Prompts above it use `above`; 0: one tier.
  std::optional<Rates> above;
  int64_t max_output_tokens = kMaxOutputTokens;  ///< Of one answer, thinking included, where a call sets no limit.
  std::string source;

  static constexpr int64_t kMaxOutputTokens = 65'536;
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
  /// The model's own price comes before one with a star, and of these the longer one first.
  const ModelPrice* Find(std::string_view model, std::string_view day) const;
  const std::vector<ModelPrice>& prices() const { return prices_; }

 private:
  std::vector<ModelPrice> prices_;
};

/// (prompt - cached) input + cached cached_input + output output; the tier is chosen by the prompt of this one call.
/// Exact, and rounded up to a whole nano-dollar once.  Absent when a rate it needs is unknown, when the counts are no
/// counts (negative, more cached than sent), or when the cost does not fit: never 0 for "do not know".
std::optional<Money> CostOf(const ModelPrice& price, const TokenUse& use);

/// The most that a call can cost whose prompt has at most `prompt_tokens` and whose answer at most `output_tokens` (0:
/// as the model allows), whichever tier it falls into and whatever is cached.  Absent when it does not fit.
std::optional<Money> MostOf(const ModelPrice& price, int64_t prompt_tokens, int64_t output_tokens);

/// "2026-11-21" for an instant.
std::string DayOf(Instant instant);

}  // namespace wfe::agent
