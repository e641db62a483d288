// The report on a battery (RP-11): Markdown, JSON and one page with charts.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "activities/packaged/battery/steps.h"

namespace wfe::battery {

struct BatteryReport {
  WriteBatteryInput input;
  std::string headline;
  std::vector<std::string> summary;
  std::vector<Finding> findings;  ///< Of pack, log, design and firmware, the worst first.
  std::map<std::string, int64_t> by_severity;
  std::vector<SafetyRequirement> suggested;  ///< Of the model, as far as its answer could be read.
  std::string suggested_fault;               ///< Why it could not.
};

BatteryReport MakeBatteryReport(const WriteBatteryInput& input);

std::string BatteryMarkdown(const BatteryReport& report);
nlohmann::ordered_json BatteryJson(const BatteryReport& report);
std::string BatteryHtml(const BatteryReport& report);

/// Figures of the design by name, as both renderers show them.
std::vector<std::pair<std::string, std::string>> DesignFigures(const WriteBatteryInput& input);
/// "passed: 106 of 106 cases", "not run: …".
std::string PlanSentence(const PlanRun& run);

}  // namespace wfe::battery
