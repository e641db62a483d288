// What is not as it should be: in a pack's settings, in a log of measurements, in the generated monitor.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"

namespace wfe::battery {

inline constexpr std::string_view kHigh = "high";      ///< A cell may be damaged or somebody hurt.
inline constexpr std::string_view kMedium = "medium";  ///< Something that would protect does not.
inline constexpr std::string_view kLow = "low";
inline constexpr std::string_view kInfo = "info";

struct Finding {
  std::string rule;      ///< Stable: "set-over-voltage", "log-charge-cold" (docs/workflows/battery.md lists them).
  std::string severity;  ///< One of the words above.
  std::string subject;   ///< "cell 7", "fuse".
  std::string detail;    ///< What is, against what may be.
  std::string why;       ///< What follows from it.
  std::string where;     ///< File, line and time; empty: it is of no file.

  friend bool operator==(const Finding&, const Finding&) = default;
};
WFE_RECORD(Finding, rule, severity, subject, detail, why, where);
constexpr RecordRules RulesOf(const Finding*) { return {.seldom = "where"}; }

}  // namespace wfe::battery
