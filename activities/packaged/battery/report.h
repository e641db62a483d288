// The report on a battery (RP-11): Markdown, JSON and one page with charts.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "activities/packaged/battery/steps.h"
#include "activities/packaged/common/report_parts.h"

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

// Tables as both renderers show them.
packaged::TextTable FindingsTable(const BatteryReport& report);
packaged::TextTable FiguresTable(const WriteBatteryInput& input);
packaged::TextTable LimitsTable(const PackDesign& design);
packaged::TextTable FailuresTable(const PlanRun& run);
packaged::TextTable RulesTable(const SafetyReport& safety);
packaged::TextTable PartsTable(const BillOfMaterials& bill);
std::string BatteryTitle(const BatteryReport& report);
inline constexpr std::string_view kBatteryDisclaimer =
    "This is a design aid. Whoever builds a battery answers for it; have it checked by somebody who knows.";
/// "passed: 106 of 106 cases", "not run: …".
std::string PlanSentence(const PlanRun& run);

}  // namespace wfe::battery
