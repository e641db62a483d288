#include "activities/agent/cost/prices.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "activities/agent/cost/builtin_prices.h"
#include "engine/base/parse_json.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

[[noreturn]] void Refuse(const std::string& why, const json& where) {
  throw json::other_error::create(500, why, &where);
}

Rates ReadRates(const json& source) {
  Rates rates{.input = source.at("input").get<Money>(), .output = source.at("output").get<Money>(), .cached_input = {}};
  if (source.contains("cached_input")) rates.cached_input = source.at("cached_input").get<Money>();
  if (rates.input.negative() || rates.output.negative() || rates.cached_input.value_or(Money()).negative()) {
    Refuse("a price is negative", source);
  }
  return rates;
}

ModelPrice ReadPrice(const json& row) {
  ModelPrice price;
  price.model = row.at("model").get<std::string>();
  price.valid_from = row.at("valid_from").get<std::string>();
  if (price.model.empty() || price.model.find('*') < price.model.size() - 1) {
    Refuse("\"" + price.model + "\": a model has a name, with a star at its end at most", row);
  }
  if (price.valid_from.size() != 10 || !ParseIso8601(price.valid_from + "T00:00:00.000Z")) {
    Refuse(price.model + ": valid_from is not YYYY-MM-DD", row);
  }
  price.rates = ReadRates(row);
  if (row.contains("above")) {
    price.threshold_tokens = row.at("threshold_tokens").get<int64_t>();
    price.above = ReadRates(row.at("above"));
    if (price.threshold_tokens <= 0) Refuse(price.model + ": threshold_tokens must be a number of tokens", row);
  }
  price.max_output_tokens = row.value("max_output_tokens", ModelPrice::kMaxOutputTokens);
  if (price.max_output_tokens <= 0) Refuse(price.model + ": max_output_tokens must be a number of tokens", row);
  price.source = row.value("source", "");
  return price;
}

/// A sum of tokens times prices, in nano-dollars times a million; false where it does not fit.
class PriceSum {
 public:
  PriceSum& Add(int64_t tokens, Money per_million) {
    int64_t product = 0;
    fits_ = fits_ && !__builtin_mul_overflow(tokens, per_million.nanos(), &product) &&
            !__builtin_add_overflow(sum_, product, &sum_);
    return *this;
  }
  std::optional<Money> Total() const {
    constexpr int64_t kMillion = 1'000'000;
    if (!fits_) return std::nullopt;
    return Money::Nanos(sum_ / kMillion + (sum_ % kMillion > 0 ? 1 : 0));
  }

 private:
  int64_t sum_ = 0;
  bool fits_ = true;
};

}  // namespace

Result<PriceTable> PriceTable::Parse(std::string_view json_text) {
  PriceTable table;
  if (JsonNestsTooDeep(json_text)) return InvalidArgument("the price list " + WhyNotJson(json_text));
  try {
    const json document = json::parse(json_text);
    for (const json& row : document.at("prices")) {
      ModelPrice price = ReadPrice(row);
      for (const ModelPrice& other : table.prices_) {
        if (other.model == price.model && other.valid_from == price.valid_from) {
          Refuse(price.model + " has two prices from " + price.valid_from, row);
        }
      }
      table.prices_.push_back(std::move(price));
    }
  } catch (const json::exception& e) {
    return InvalidArgument(std::string("the price table is not valid: ") + JsonErrorText(e));
  }
  return table;
}

Result<PriceTable> PriceTable::Load(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return NotFound("cannot read the price table " + path);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  Result<PriceTable> table = Parse(text);
  if (!table) return InvalidArgument(path + ": " + table.error().message);
  return table;
}

const PriceTable& PriceTable::BuiltIn() {
  static const PriceTable table = *Parse(kBuiltinPrices);
  return table;
}

const ModelPrice* PriceTable::Find(std::string_view model, std::string_view day) const {
  if (model.starts_with("models/")) model.remove_prefix(7);
  const auto fits = [model](const std::string& name) {
    return name == model || (name.ends_with('*') && model.starts_with(name.substr(0, name.size() - 1)));
  };
  // Its own name is longer than any beginning of it with a star, but for the one of all of it.
  const auto weight = [model](const std::string& name) { return name == model ? name.size() + 2 : name.size(); };
  const ModelPrice* best = nullptr;
  for (const ModelPrice& price : prices_) {
    if (!fits(price.model) || price.valid_from > day) continue;
    const bool better = best == nullptr || weight(price.model) > weight(best->model) ||
                        (price.model == best->model && price.valid_from > best->valid_from);
    if (better) best = &price;
  }
  return best;
}

std::optional<Money> CostOf(const ModelPrice& price, const TokenUse& use) {
  if (use.prompt < 0 || use.cached < 0 || use.output < 0 || use.cached > use.prompt) return std::nullopt;
  const bool above = price.above && use.prompt > price.threshold_tokens;
  const Rates& rates = above ? *price.above : price.rates;
  if (use.cached > 0 && !rates.cached_input) return std::nullopt;
  return PriceSum()
      .Add(use.prompt - use.cached, rates.input)
      .Add(use.cached, rates.cached_input.value_or(Money()))
      .Add(use.output, rates.output)
      .Total();
}

std::optional<Money> MostOf(const ModelPrice& price, int64_t prompt_tokens, int64_t output_tokens) {
  const int64_t output = output_tokens > 0 ? output_tokens : price.max_output_tokens;
  const auto cost = [&](const Rates& rates, int64_t prompt) {
    return PriceSum()
        .Add(prompt, std::max(rates.input, rates.cached_input.value_or(Money())))
        .Add(output, rates.output)
        .Total();
  };
  const bool may_be_above = price.above && prompt_tokens > price.threshold_tokens;
  const std::optional<Money> below = cost(price.rates, may_be_above ? price.threshold_tokens : prompt_tokens);
  if (!may_be_above || !below) return below;
  const std::optional<Money> above = cost(*price.above, prompt_tokens);
  return above ? std::optional(std::max(*below, *above)) : std::nullopt;
}

std::string DayOf(Instant instant) { return FormatIso8601Millis(instant).substr(0, 10); }

}  // namespace wfe::agent
