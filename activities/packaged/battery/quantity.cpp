#include "activities/packaged/battery/quantity.h"

#include <array>
#include <charconv>
#include <cmath>

namespace wfe::battery {
namespace {

using Kind = QuantityKind;

struct UnitOfQuantity {
  Kind kind;
  std::string_view name;
  double factor;
};

// Both letters for ohm and micro, since keyboards and typesetters differ; they look the same.
constexpr auto kUnits = std::to_array<UnitOfQuantity>({
    {Kind::kVoltage, "V", 1000},          {Kind::kVoltage, "mV", 1},
    {Kind::kCurrent, "A", 1000},          {Kind::kCurrent, "mA", 1},
    {Kind::kCharge, "Ah", 1000},          {Kind::kCharge, "mAh", 1},
    {Kind::kResistance, "mΩ", 1000},      {Kind::kResistance, "m\u2126", 1000},
    {Kind::kResistance, "mOhm", 1000},    {Kind::kResistance, "mohm", 1000},
    {Kind::kResistance, "µΩ", 1},         {Kind::kResistance, "\u03bcΩ", 1},
    {Kind::kResistance, "uOhm", 1},       {Kind::kResistance, "\u2126", 1e6},
    {Kind::kResistance, "Ω", 1e6},        {Kind::kResistance, "Ohm", 1e6},
    {Kind::kTemperature, "°C", 10},       {Kind::kTemperature, "℃", 10},
    {Kind::kTemperature, "degC", 10},     {Kind::kTime, "s", 1000},
    {Kind::kTime, "ms", 1},               {Kind::kTime, "min", 60'000},
    {Kind::kTime, "h", 3'600'000},        {Kind::kEnergy, "Wh", 1000},
    {Kind::kEnergy, "kWh", 1e6},          {Kind::kArea, "mm²", 100},
    {Kind::kArea, "mm2", 100},            {Kind::kLength, "m", 1000},
    {Kind::kLength, "cm", 10},            {Kind::kLength, "mm", 1},
});

std::string_view TrimQuantity(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string Quoted(std::string_view text) { return "\"" + std::string(text.substr(0, 40)) + "\""; }

/// The length of the number that the text begins with; 0: none.
size_t NumberLength(const std::string& text) {
  double value = 0;
  const char* const begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  return error == std::errc() ? static_cast<size_t>(end - text.data()) : 0;
}

std::string WithPlainMinus(std::string_view text) {
  constexpr std::string_view kMinus = "−";
  if (text.starts_with(kMinus)) return "-" + std::string(text.substr(kMinus.size()));
  return std::string(text);
}

/// What a person reads: of spellings that only a program tells apart the first.
std::string KnownUnits(Kind kind) {
  std::string names;
  for (const UnitOfQuantity& unit : kUnits) {
    if (unit.kind != kind) continue;
    const bool looks_like_another = unit.name.find("\u2126") != std::string_view::npos ||
                                    unit.name.find("\u03bc") != std::string_view::npos;
    if (!looks_like_another) names += (names.empty() ? "" : ", ") + std::string(unit.name);
  }
  return names;
}

Error BadUnit(std::string_view text, std::string_view unit, Kind kind) {
  const std::string shown = "is " + Quoted(text);
  if (unit.empty()) return InvalidArgument(shown + ", which has no unit; write " + std::string(ExampleOf(kind)));
  if (unit == "C" && kind == Kind::kTemperature) {
    return InvalidArgument(shown + ", and C alone is a rate of charge; write °C or degC");
  }
  if (unit == "C" && kind == Kind::kCurrent) {
    return FailedPrecondition(shown + ", a rate of charge, and the capacity that it is a rate of is not known; write " +
                              std::string(ExampleOf(kind)));
  }
  return InvalidArgument(shown + ", whose unit is none of " + KnownUnits(kind));
}

}  // namespace

std::string_view ExampleOf(QuantityKind kind) {
  switch (kind) {
    case Kind::kText:
      return "a text";
    case Kind::kCount:
      return "a whole number, such as 16";
    case Kind::kVoltage:
      return "a voltage with its unit, such as 3.65 V";
    case Kind::kCurrent:
      return "a current with its unit, such as 140 A";
    case Kind::kCharge:
      return "a capacity with its unit, such as 280 Ah";
    case Kind::kResistance:
      return "a resistance with its unit, such as 0.25 mΩ";
    case Kind::kTemperature:
      return "a temperature with its unit, such as 55 °C";
    case Kind::kTime:
      return "a time with its unit, such as 30 s";
    case Kind::kEnergy:
      return "an energy with its unit, such as 14.3 kWh";
    case Kind::kArea:
      return "an area with its unit, such as 50 mm²";
    case Kind::kLength:
      return "a length with its unit, such as 1.5 m";
  }
  return "";
}

std::optional<double> FactorOf(std::string_view unit, QuantityKind kind) {
  for (const UnitOfQuantity& known : kUnits) {
    if (known.kind == kind && known.name == unit) return known.factor;
  }
  return std::nullopt;
}

std::optional<double> ParsePlainNumber(std::string_view text) {
  const std::string number = WithPlainMinus(TrimQuantity(text));
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (number.empty() || error != std::errc() || end != number.data() + number.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

Result<int64_t> ParseQuantity(std::string_view text, QuantityKind kind, int64_t one_c_ma) {
  const std::string trimmed = WithPlainMinus(TrimQuantity(text));
  if (trimmed.empty()) return InvalidArgument("is empty; write " + std::string(ExampleOf(kind)));
  const size_t length = NumberLength(trimmed);
  if (length == 0) {
    return InvalidArgument("is " + Quoted(trimmed) + ", which begins with no number; write " +
                           std::string(ExampleOf(kind)));
  }
  if (trimmed.size() > length && trimmed[length] == ',') {
    return InvalidArgument("is " + Quoted(trimmed) + ", with a comma in the number; write a point: " +
                           std::string(ExampleOf(kind)));
  }
  const double number = ParsePlainNumber(trimmed.substr(trimmed.starts_with('+') ? 1 : 0, length)).value_or(NAN);
  const std::string_view unit = TrimQuantity(std::string_view(trimmed).substr(length));
  double factor = 1;
  if (kind == Kind::kCount) {
    if (!unit.empty() || number != std::floor(number)) {
      return InvalidArgument("is " + Quoted(trimmed) + "; write " + std::string(ExampleOf(kind)));
    }
  } else if (kind == Kind::kCurrent && unit == "C" && one_c_ma > 0) {
    factor = static_cast<double>(one_c_ma);
  } else if (const auto known = FactorOf(unit, kind)) {
    factor = *known;
  } else {
    return BadUnit(trimmed, unit, kind);
  }
  const double value = number * factor;
  if (!std::isfinite(value) || std::fabs(value) > 1e15) {
    return InvalidArgument("is " + Quoted(trimmed) + ", which is beyond all measure");
  }
  return static_cast<int64_t>(std::llround(value));
}

std::string ShowQuantity(int64_t value, QuantityKind kind) {
  struct Shown {
    double divisor;
    std::string_view unit;
  };
  Shown shown{.divisor = 1, .unit = ""};
  switch (kind) {
    case Kind::kText:
    case Kind::kCount:
      break;
    case Kind::kVoltage:
      shown = {.divisor = 1000, .unit = " V"};
      break;
    case Kind::kCurrent:
      shown = {.divisor = 1000, .unit = " A"};
      break;
    case Kind::kCharge:
      shown = {.divisor = 1000, .unit = " Ah"};
      break;
    case Kind::kResistance:
      shown = {.divisor = 1000, .unit = " mΩ"};
      break;
    case Kind::kTemperature:
      shown = {.divisor = 10, .unit = " °C"};
      break;
    case Kind::kTime:
      shown = {.divisor = 1000, .unit = " s"};
      break;
    case Kind::kEnergy:
      shown = {.divisor = 1e6, .unit = " kWh"};
      break;
    case Kind::kArea:
      shown = {.divisor = 100, .unit = " mm²"};
      break;
    case Kind::kLength:
      shown = {.divisor = 1000, .unit = " m"};
      break;
  }
  std::array<char, 64> text{};
  const double scaled = std::round(static_cast<double>(value) / shown.divisor * 1000) / 1000;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), scaled, std::chars_format::fixed);
  return error == std::errc() ? std::string(text.data(), end) + std::string(shown.unit) : "?";
}

}  // namespace wfe::battery
