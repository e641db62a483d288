// prices.json as text, compiled in by the build.
#pragma once

#include <string_view>

namespace wfe::agent {

extern const std::string_view kBuiltinPrices;

}  // namespace wfe::agent
