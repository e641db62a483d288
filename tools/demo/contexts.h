// The GEMINI.md of the simulated team: three versions of one template, and the values that fill it.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace wfe::demo {

inline constexpr std::string_view kTemplateId = "typescript-package";

inline constexpr int kFirstVersion = 1;
/// Version 1 with one more rule under STRICT CONSTRAINTS: no `any`.
inline constexpr int kRuleVersion = 2;
/// Version 2 with another Implementation Prompt.
inline constexpr int kTrialVersion = 3;

/// The template's text, with placeholders.  `version` is one of the above.
std::string TemplateText(int version);

/// What fills it.  `period` selects the text under Core Package Specifics.
std::map<std::string, std::string> TemplateValues(int period);
inline constexpr int kSpecificsPeriods = 7;

}  // namespace wfe::demo
