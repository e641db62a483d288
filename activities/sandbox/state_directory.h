// The folder in a working directory that belongs to wfe.
#pragma once

#include <string_view>

namespace wfe::sandbox {

/// Claim, baseline, check output, what checks left.
inline constexpr std::string_view kStateDirectory = ".wfe";

}  // namespace wfe::sandbox
