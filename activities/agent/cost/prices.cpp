#include "activities/agent/cost/prices.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "activities/agent/cost/builtin_prices.h"
#include "engine/base/parse_json.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

Rates ReadRates(const json& source) {
  Rates rates{.input = source.at("input").get<double>(), .output = source.at("output").get<double>()};
  if (source.contains("cached_input")) rates.cached_input = source.at("cached_input").get<double>();
  if (rates.input < 0 || rates.output < 0 || rates.cached_input.value_or(0) < 0) {
    throw json::other_error::create(500, "a price is negative", &source);
  }
  return rates;
}

}  // namespace

Result<PriceTable> PriceTable::Parse(std::string_view json_text) {
  PriceTable table;
  if (JsonNestsTooDeep(json_text)) return InvalidArgument("the price list " + WhyNotJson(json_text));
  try {
    const json document = json::parse(json_text);
    for (const json& row : document.at("prices")) {
      ModelPrice price;
      price.model = row.at("model").get<std::string>();
      price.valid_from = row.at("valid_from").get<std::string>();
      if (price.valid_from.size() != 10) {
        throw json::other_error::create(500, price.model + ": valid_from is not YYYY-MM-DD", &row);
      }
      price.rates = ReadRates(row);
      if (row.contains("above")) {
        price.threshold_tokens = row.at("threshold_tokens").get<int64_t>();
        price.above = ReadRates(row.at("above"));
      }
      price.source = row.value("source", "");
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
  const ModelPrice* best = nullptr;
  for (const ModelPrice& price : prices_) {
    if (price.model != model || price.valid_from > day) continue;
    if (best == nullptr || price.valid_from > best->valid_from) best = &price;
  }
  return best;
}

std::optional<double> CostOf(const ModelPrice& price, const TokenUse& use) {
  const bool above = price.above && use.prompt > price.threshold_tokens;
  const Rates& rates = above ? *price.above : price.rates;
  if (use.cached > 0 && !rates.cached_input) return std::nullopt;
  const double micros = static_cast<double>(use.prompt - use.cached) * rates.input +
                        static_cast<double>(use.cached) * rates.cached_input.value_or(0) +
                        static_cast<double>(use.output) * rates.output;
  return micros / 1e6;
}

std::string DayOf(Instant instant) { return FormatIso8601Millis(instant).substr(0, 10); }

}  // namespace wfe::agent
