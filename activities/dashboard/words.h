// Numbers as both the text and the page write them.
#pragma once

#include <cstdint>
#include <string>

#include "activities/analytics/reports/format.h"
#include "engine/base/money.h"

namespace wfe::dashboard {

inline std::string Number(int64_t value) { return analytics::reports::FormatFixed(static_cast<double>(value), 0); }
inline std::string Dollars(Money money) { return "$" + money.Rounded(4); }

}  // namespace wfe::dashboard
