// The activities of BatteryDesignWorkflow (CW-3), by the names that the requirement gives them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "activities/nodes/settings.h"
#include "activities/packaged/battery/bms_log.h"
#include "activities/packaged/battery/design.h"
#include "activities/packaged/battery/parts.h"
#include "activities/packaged/battery/run_plan.h"
#include "activities/packaged/battery/safety_rules.h"
#include "activities/packaged/common/deliverables.h"
#include "activities/packaged/common/model_step.h"
#include "workers/sdk/activity.h"

namespace wfe::battery {

/// What the folder holds.
struct BatterySpecs {
  CellSpec cell;
  PackSpec pack;
  std::string cell_file;
  std::string pack_file;
  std::vector<PartPrice> prices;
  std::optional<LogReport> log;
  std::vector<packaged::Gap> gaps;  ///< Files that are there and cannot be used, or that are missing and would help.
};
WFE_RECORD(BatterySpecs, cell, pack, cell_file, pack_file, prices, log, gaps);
constexpr RecordRules RulesOf(const BatterySpecs*) { return {.required = "cell pack"}; }

struct LoadBatteryInput {
  std::string project_dir;
};
WFE_RECORD(LoadBatteryInput, project_dir);

struct BatteryInput {
  CellSpec cell;
  PackSpec pack;
};
WFE_RECORD(BatteryInput, cell, pack);

struct BatteryRequirements {
  std::vector<SafetyRequirement> requirements;
};
WFE_RECORD(BatteryRequirements, requirements);

struct BatteryDesignInput {
  CellSpec cell;
  PackSpec pack;
  PackDesign design;
  std::vector<PartPrice> prices;  ///< generate_bill_of_materials only.
};
WFE_RECORD(BatteryDesignInput, cell, pack, design, prices);
constexpr RecordRules RulesOf(const BatteryDesignInput*) { return {.seldom = "prices"}; }

/// Files to be delivered.
struct BatteryFiles {
  std::vector<packaged::DeliverableFile> files;
  int64_t count = 0;  ///< Of a test plan: its cases.
};
WFE_RECORD(BatteryFiles, files, count);
constexpr RecordRules RulesOf(const BatteryFiles*) { return {.seldom = "count"}; }

struct VerifySafetyInput {
  CellSpec cell;
  PackSpec pack;
  PackDesign design;
  std::string pack_file;
  std::vector<packaged::DeliverableFile> firmware;  ///< Empty: there is none, and no plan is played.
};
WFE_RECORD(VerifySafetyInput, cell, pack, design, pack_file, firmware);

struct SafetyReport {
  SafetyVerdict pack;
  SafetyVerdict design;
  PlanRun plan;
};
WFE_RECORD(SafetyReport, pack, design, plan);

struct BillResult {
  BillOfMaterials bill;
};
WFE_RECORD(BillResult, bill);

/// All that there is; a step that failed is absent.
struct WriteBatteryInput {
  BatterySpecs specs;
  std::vector<SafetyRequirement> requirements;
  std::optional<PackDesign> design;
  std::optional<SafetyReport> safety;
  std::optional<BillOfMaterials> bill;
  int64_t plan_cases = 0;
  std::string suggested;     ///< The model's further requirements, as it gave them; empty: none.
  std::string architecture;  ///< The model's prose on the monitor; empty: none.
  bool scripted = false;     ///< Canned answers.
  std::vector<packaged::Gap> gaps;
};
WFE_RECORD(WriteBatteryInput, specs, requirements, design, safety, bill, plan_cases, suggested, architecture, scripted,
           gaps);
constexpr RecordRules RulesOf(const WriteBatteryInput*) { return {.required = "specs"}; }

struct WriteBatteryResult {
  std::vector<packaged::DeliverableFile> files;
  std::string headline;
  std::vector<std::string> summary;
  std::map<std::string, int64_t> findings;  ///< By severity.
};
WFE_RECORD(WriteBatteryResult, files, headline, summary, findings);

/// Reads cell.txt or cell.json, pack.txt or pack.json, bms_log.csv and prices.csv.  INVALID_INPUT, not retried, with
/// all that is wrong by file and line, where datasheet or pack cannot be used; log and prices become gaps.
inline constexpr sdk::ActivityType<LoadBatteryInput, BatterySpecs> kLoadBatterySpecs{"load_battery_specs"};
inline constexpr sdk::ActivityType<BatteryInput, BatteryRequirements> kExtractSafetyRequirements{
    "extract_safety_requirements"};
/// INVALID_ARGUMENT, not retried: no board of this kind fits the pack.
inline constexpr sdk::ActivityType<BatteryInput, PackDesign> kDesignMonitoring{"design_monitoring_architecture"};
inline constexpr sdk::ActivityType<BatteryDesignInput, BatteryFiles> kGenerateFirmware{"generate_firmware"};
inline constexpr sdk::ActivityType<BatteryDesignInput, BatteryFiles> kGenerateTestPlan{"generate_test_plan"};
/// The rules, and the test plan on the compiled firmware where this machine has a compiler.
inline constexpr sdk::ActivityType<VerifySafetyInput, SafetyReport> kVerifySafety{"verify_safety_compliance"};
inline constexpr sdk::ActivityType<BatteryDesignInput, BillResult> kGenerateBill{"generate_bill_of_materials"};
inline constexpr sdk::ActivityType<WriteBatteryInput, WriteBatteryResult> kWriteBattery{"write_battery_report"};

/// What the model is asked, for calls that the workflow makes.
std::string SuggestionPrompt(const BatterySpecs& specs, const std::vector<SafetyRequirement>& requirements);
std::string ArchitecturePrompt(const BatterySpecs& specs, const PackDesign& design);

/// Reads a folder; an Error is INVALID_ARGUMENT with all that is wrong.
Result<BatterySpecs> LoadBatteryFolder(const std::string& folder);

/// Registers the eight.
void RegisterBatteryActivities(sdk::ActivityRegistry& registry,
                               const std::shared_ptr<const packaged::PackagedConfig>& config,
                               const nodes::NodeConfig& nodes);

}  // namespace wfe::battery
