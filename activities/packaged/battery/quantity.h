// Quantities with their units, as datasheets have them: "3.65 V", "0.25 mΩ", "-20 °C", "0.5 C".  Inside they are whole
// numbers of a small unit, so that limits are compared exactly.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace wfe::battery {

enum class QuantityKind {
  kText,
  kCount,        ///< No unit.
  kVoltage,      ///< mV
  kCurrent,      ///< mA
  kCharge,       ///< mAh
  kResistance,   ///< µΩ
  kTemperature,  ///< 0.1 °C
  kTime,         ///< ms
  kEnergy,       ///< mWh
  kArea,         ///< 0.01 mm²
  kLength,       ///< mm
};

/// "a voltage with its unit, such as 3.65 V".
std::string_view ExampleOf(QuantityKind kind);

/// A text as a whole number of the kind's unit.  `one_c_ma`: the current that "1 C" stands for; 0 or less: such a rate
/// is not known here, which is FAILED_PRECONDITION.  INVALID_ARGUMENT, to follow the name of a field: "is \"3.2\", which
/// has no unit; write …".
Result<int64_t> ParseQuantity(std::string_view text, QuantityKind kind, int64_t one_c_ma = 0);

/// The unit of a column: what one of it is in the kind's unit; nullopt: it is none.
std::optional<double> FactorOf(std::string_view unit, QuantityKind kind);

/// A number without a unit, with nothing before or after it; nullopt: it is none.
std::optional<double> ParsePlainNumber(std::string_view text);

/// "3.65 V", "280 A", "−20 °C" … with as many digits as it has, at most three after the point.
std::string ShowQuantity(int64_t value, QuantityKind kind);

}  // namespace wfe::battery
