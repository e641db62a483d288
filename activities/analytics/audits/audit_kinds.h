// The audits there are.
#pragma once

#include <string_view>

namespace wfe::analytics {

/// In the order of a report (OP-6 to OP-9).
inline constexpr std::string_view kAuditKinds[] = {"token_efficiency", "constraint_effectiveness", "prompt_refinement",
                                                   "context_volatility"};

}  // namespace wfe::analytics
