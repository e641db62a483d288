// Safety rules (CW-3): a pack's wiring and the settings of its monitor against the datasheet, and the limits of a
// design against the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "activities/packaged/battery/design.h"
#include "activities/packaged/battery/findings.h"

namespace wfe::battery {

/// A requirement that follows from the datasheet: what a monitor must do, with the numbers.
struct SafetyRequirement {
  std::string id;    ///< "over-voltage"
  std::string text;  ///< One sentence.
  std::string from;  ///< "charge_cutoff_voltage of the datasheet"

  friend bool operator==(const SafetyRequirement&, const SafetyRequirement&) = default;
};
WFE_RECORD(SafetyRequirement, id, text, from);

std::vector<SafetyRequirement> RequirementsOf(const CellSpec& cell, const PackSpec& pack);

/// One rule that was looked at.
struct RuleCheck {
  std::string rule;
  std::string compares;  ///< "bms_over_voltage with charge_cutoff_voltage"
  std::string outcome;   ///< kept, broken or "not stated": the pack's description does not say.

  friend bool operator==(const RuleCheck&, const RuleCheck&) = default;
};
WFE_RECORD(RuleCheck, rule, compares, outcome);

struct SafetyVerdict {
  std::vector<RuleCheck> checks;  ///< All of them, in order.
  std::vector<Finding> findings;  ///< Of those that are broken.
};
WFE_RECORD(SafetyVerdict, checks, findings);

/// In the detail of a finding that bill and firmware do not share with the description; what they have follows.
inline constexpr std::string_view kMendedByDesign = "; the design has ";

/// `pack_file`: where the findings are.
SafetyVerdict CheckPackRules(const CellSpec& cell, const PackSpec& pack, const PackDesign& design,
                             const std::string& pack_file);

/// Every limit of the design lies within the datasheet, with room for the error of measurement; none is missing.
SafetyVerdict CheckDesignRules(const CellSpec& cell, const PackSpec& pack, const PackDesign& design);

}  // namespace wfe::battery
