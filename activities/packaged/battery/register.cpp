#include "activities/packaged/battery/firmware.h"
#include "activities/packaged/battery/report.h"
#include "activities/packaged/battery/steps.h"
#include "activities/packaged/common/ending.h"

namespace wfe::battery {
namespace {

using packaged::DeliverableFile;
using packaged::PackagedConfig;
using sdk::ActivityContext;
using sdk::ActivityResult;

ActivityResult<BatterySpecs> LoadSpecsStep(const LoadBatteryInput& input) {
  const Result<BatterySpecs> specs = LoadBatteryFolder(input.project_dir);
  if (specs) return *specs;
  return packaged::ForGood(packaged::kInvalidInput, specs.error().message);
}

ActivityResult<PackDesign> DesignStep(const BatteryInput& input) {
  const Result<PackDesign> design = DesignPack(input.cell, input.pack);
  if (!design) return design.error();
  return *design;
}

ActivityResult<BatteryFiles> FirmwareStep(const PackagedConfig& config, const BatteryDesignInput& input) {
  const auto generated = GenerateFirmware(input.cell, input.pack, input.design);
  if (!generated) return generated.error();
  BatteryFiles result;
  for (const GeneratedFile& file : *generated) {
    const auto made = packaged::MakeDeliverable(*config.records, file.path, "code", file.text);
    if (!made) return made.error();
    result.files.push_back(*made);
  }
  return result;
}

ActivityResult<BatteryFiles> TestPlanStep(const PackagedConfig& config, const BatteryDesignInput& input) {
  const TestPlan plan = MakeTestPlan(input.cell, input.pack, input.design);
  BatteryFiles result{.files = {}, .count = static_cast<int64_t>(plan.cases.size())};
  const std::vector<GeneratedFile> texts = {
      {.path = "firmware/simulation/" + std::string(kPlanName), .text = PlanScript(plan)},
      {.path = "test_plan.json", .text = nlohmann::json(plan).dump(2) + "\n"},
      {.path = "test_plan.md", .text = PlanMarkdown(plan, input.design)}};
  for (const GeneratedFile& file : texts) {
    const std::string kind = file.path.ends_with(".json") ? "json" : file.path.ends_with(".md") ? "markdown" : "text";
    const auto made = packaged::MakeDeliverable(*config.records, file.path, kind, file.text);
    if (!made) return made.error();
    result.files.push_back(*made);
  }
  return result;
}

ActivityResult<SafetyReport> VerifyStep(const PackagedConfig& config, const nodes::NodeSettings& settings,
                                        ActivityContext& context, const VerifySafetyInput& input) {
  SafetyReport report;
  report.pack = CheckPackRules(input.cell, input.pack, input.design, input.pack_file);
  report.design = CheckDesignRules(input.cell, input.pack, input.design);
  report.plan.outcome = "not run";
  report.plan.reason = "there is no firmware";
  if (input.firmware.empty()) return report;
  std::vector<GeneratedFile> firmware;
  for (const DeliverableFile& file : input.firmware) {
    std::string text = file.text;
    if (!file.blob.empty()) {
      Result<std::string> kept = config.records->Get(file.blob);
      if (!kept) return kept.error();
      text = *std::move(kept);
    }
    firmware.push_back({.path = file.path, .text = std::move(text)});
  }
  const sandbox::ProcessWatch watch{.is_cancelled = [&context] { return context.IsCancelled(); },
                                    .heartbeat = [&context] { context.Heartbeat({{"doing", "test plan"}}); },
                                    .heartbeat_interval = settings.config().heartbeat_interval};
  const auto run = RunTestPlan(settings, firmware, MakeTestPlan(input.cell, input.pack, input.design), watch);
  if (!run && run.error().code == StatusCode::kCancelled) return sdk::ActivityCancelled{};
  if (!run) return run.error();
  report.plan = *run;
  return report;
}

ActivityResult<BillResult> BillStep(const BatteryDesignInput& input) {
  const Result<BillOfMaterials> bill = MakeBill(input.cell, input.pack, input.design, input.prices);
  if (!bill) return bill.error();
  return BillResult{.bill = *bill};
}

ActivityResult<WriteBatteryResult> WriteStep(const PackagedConfig& config, const WriteBatteryInput& input) {
  const BatteryReport report = MakeBatteryReport(input);
  WriteBatteryResult result{
      .files = {}, .headline = report.headline, .summary = report.summary, .findings = report.by_severity};
  std::vector<std::pair<GeneratedFile, std::string>> texts = {
      {{.path = "battery_report.md", .text = BatteryMarkdown(report)}, "markdown"},
      {{.path = "battery_report.json", .text = BatteryJson(report).dump(2) + "\n"}, "json"},
      {{.path = "battery_report.html", .text = BatteryHtml(report)}, "html"}};
  if (input.bill) texts.push_back({{.path = "bill_of_materials.csv", .text = BillCsv(*input.bill)}, "csv"});
  for (const auto& [file, kind] : texts) {
    const auto made = packaged::MakeDeliverable(*config.records, file.path, kind, file.text);
    if (!made) return made.error();
    result.files.push_back(*made);
  }
  return result;
}

}  // namespace

void RegisterBatteryActivities(sdk::ActivityRegistry& registry, const std::shared_ptr<const PackagedConfig>& config,
                               const nodes::NodeConfig& nodes) {
  const auto settings = std::make_shared<const nodes::NodeSettings>(nodes);
  registry.Register(kLoadBatterySpecs,
                    [](ActivityContext&, const LoadBatteryInput& input) { return LoadSpecsStep(input); });
  registry.Register(kExtractSafetyRequirements, [](ActivityContext&, const BatteryInput& input) {
    return ActivityResult<BatteryRequirements>(
        BatteryRequirements{.requirements = RequirementsOf(input.cell, input.pack)});
  });
  registry.Register(kDesignMonitoring, [](ActivityContext&, const BatteryInput& input) { return DesignStep(input); });
  registry.Register(kGenerateFirmware, [config](ActivityContext&, const BatteryDesignInput& input) {
    return FirmwareStep(*config, input);
  });
  registry.Register(kGenerateTestPlan, [config](ActivityContext&, const BatteryDesignInput& input) {
    return TestPlanStep(*config, input);
  });
  registry.Register(kVerifySafety, [config, settings](ActivityContext& context, const VerifySafetyInput& input) {
    return VerifyStep(*config, *settings, context, input);
  });
  registry.Register(kGenerateBill, [](ActivityContext&, const BatteryDesignInput& input) { return BillStep(input); });
  registry.Register(kWriteBattery, [config](ActivityContext&, const WriteBatteryInput& input) {
    return WriteStep(*config, input);
  });
}

}  // namespace wfe::battery
