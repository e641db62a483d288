#include "workflows/packaged/battery.h"

#include <chrono>
#include <memory>

#include "activities/packaged/battery/steps.h"
#include "workflows/packaged/debate.h"

namespace wfe::workflows {
namespace {

using sdk::Task;

/// Compiles the firmware and plays its plan; a worker that is lost meanwhile is noticed by the heartbeat.
constexpr sdk::ActivityOptions kVerifyStep{.start_to_close = std::chrono::minutes(10),
                                           .heartbeat = std::chrono::seconds(30),
                                           .retry = {.initial_interval = std::chrono::seconds(1),
                                                     .maximum_interval = std::chrono::seconds(20),
                                                     .maximum_attempts = 3}};

/// design_complete_system of the requirement: its steps, those side by side that do not need each other.
class BatteryRun {
 public:
  BatteryRun(sdk::WorkflowContext& ctx, PackagedInput input, BatteryParameters parameters)
      : ctx_(ctx), run_(ctx, std::move(input), "battery"), parameters_(parameters) {}

  Task<PackagedResult> Go() {
    std::vector<std::string> paths = {"battery_report.md", "battery_report.json", "battery_report.html",
                                      "test_plan.md", "test_plan.json", "bill_of_materials.csv"};
    co_await run_.Prepare(std::move(paths));
    co_await Load();
    co_await Design();
    co_await Generate();
    co_await Write();
    co_await run_.Deliver(std::move(files_));
    co_return run_.Finish();
  }

 private:
  /// Without a cell and a pack there is nothing to do.
  Task<void> Load() {
    battery::LoadBatteryInput ask{.project_dir = run_.input().project_dir};
    battery::BatterySpecs specs = co_await run_.Must(battery::kLoadBatterySpecs, std::move(ask));
    report_.specs = std::move(specs);
    for (const packaged::Gap& gap : report_.specs.gaps) run_.AddGap(gap.step, gap.reason);
  }

  battery::BatteryInput Pack() const { return {.cell = report_.specs.cell, .pack = report_.specs.pack}; }
  battery::BatteryDesignInput Designed() const {
    return {.cell = report_.specs.cell, .pack = report_.specs.pack, .design = *report_.design, .prices = {}};
  }

  Task<void> Design() {
    std::vector<sdk::Future<void>> parts;
    parts.push_back(ctx_.Spawn(Require()));
    parts.push_back(ctx_.Spawn(Measure()));
    const auto all = sdk::All(parts);
    co_await all;
  }
  Task<void> Require() {
    battery::BatteryInput ask = Pack();
    auto found = co_await run_.Step(battery::kExtractSafetyRequirements, std::move(ask));
    if (found) report_.requirements = std::move(found->requirements);
  }
  Task<void> Measure() {
    battery::BatteryInput ask = Pack();
    auto design = co_await run_.Step(battery::kDesignMonitoring, std::move(ask));
    report_.design = std::move(design);
  }

  Task<void> Generate() {
    std::vector<sdk::Future<void>> parts;
    if (report_.design) {
      parts.push_back(ctx_.Spawn(Firmware()));
      parts.push_back(ctx_.Spawn(Plan()));
      parts.push_back(ctx_.Spawn(Bill()));
      parts.push_back(ctx_.Spawn(Describe()));
    }
    parts.push_back(ctx_.Spawn(Suggest()));
    const auto all = sdk::All(parts);
    co_await all;
  }
  /// What is verified is the firmware that is delivered.
  Task<void> Firmware() {
    battery::VerifySafetyInput verify{.cell = report_.specs.cell,
                                      .pack = report_.specs.pack,
                                      .design = *report_.design,
                                      .pack_file = report_.specs.pack_file,
                                      .firmware = {}};
    battery::BatteryDesignInput ask = Designed();
    auto made = co_await run_.Step(battery::kGenerateFirmware, std::move(ask));
    if (made) {
      verify.firmware = made->files;
      firmware_ = std::move(made->files);
    }
    auto safety = co_await run_.Step(battery::kVerifySafety, std::move(verify), kVerifyStep);
    if (!safety) co_return;
    if (safety->plan.outcome == "not run") run_.AddGap("test plan", safety->plan.reason);
    report_.safety = std::move(safety);
  }
  Task<void> Plan() {
    battery::BatteryDesignInput ask = Designed();
    auto made = co_await run_.Step(battery::kGenerateTestPlan, std::move(ask));
    if (!made) co_return;
    report_.plan_cases = made->count;
    plan_ = std::move(made->files);
  }
  Task<void> Bill() {
    battery::BatteryDesignInput ask = Designed();
    ask.prices = report_.specs.prices;
    auto made = co_await run_.Step(battery::kGenerateBill, std::move(ask));
    if (made) report_.bill = std::move(made->bill);
  }
  Task<void> Describe() {
    agent::CallRequest request;
    request.step_name = "describe_architecture";
    request.parts = {battery::ArchitecturePrompt(report_.specs, *report_.design)};
    auto answer = co_await run_.AskSeveral(std::move(request), parameters_.candidates, 2);
    if (answer) report_.architecture = std::move(*answer);
  }
  Task<void> Suggest() {
    agent::CallRequest request;
    request.step_name = "suggest_requirements";
    request.parts = {battery::SuggestionPrompt(report_.specs, report_.requirements)};
    auto answer = co_await run_.Ask(std::move(request), 2);
    if (answer) report_.suggested = std::move(*answer);
  }

  Task<void> Write() {
    report_.gaps = run_.result().gaps;
    report_.scripted = run_.result().model_use.scripted;
    for (auto* const group : {&firmware_, &plan_}) {
      for (packaged::DeliverableFile& file : *group) files_.push_back(std::move(file));
    }
    battery::WriteBatteryInput ask = report_;
    auto written = co_await run_.Step(battery::kWriteBattery, std::move(ask));
    if (!written) co_return;
    for (packaged::DeliverableFile& file : written->files) files_.push_back(std::move(file));
    run_.result().headline = written->headline;
    run_.result().summary = written->summary;
    run_.result().findings = written->findings;
  }

  sdk::WorkflowContext& ctx_;
  PackagedRun run_;
  const BatteryParameters parameters_;
  battery::WriteBatteryInput report_;
  std::vector<packaged::DeliverableFile> firmware_;
  std::vector<packaged::DeliverableFile> plan_;
  std::vector<packaged::DeliverableFile> files_;
};

}  // namespace

void CheckRecord(const BatteryParameters& parameters) {
  RequireOfRecord(parameters.candidates >= 1 && parameters.candidates <= kMaxCandidates,
                  "input.parameters.candidates must be from 1 to 8");
}

Result<BatteryParameters> ReadBatteryParameters(const nlohmann::json& parameters) {
  return ReadParameters<BatteryParameters>(parameters);
}

Task<PackagedResult> DesignCompleteSystem(sdk::WorkflowContext& ctx, nlohmann::json from) {
  PackagedInput input = ReadPackagedInput(kBatteryDesignWorkflow, from);
  const Result<BatteryParameters> parameters = ReadBatteryParameters(input.parameters);
  if (!parameters) throw NoInputOf(kBatteryDesignWorkflow, parameters.error().message);
  BatteryRun run(ctx, std::move(input), *parameters);
  PackagedResult result = co_await run.Go();
  co_return result;
}

void RegisterBatteryDesign(sdk::WorkflowRegistry& registry) {
  registry.Register(std::string(kBatteryDesignWorkflow), &DesignCompleteSystem);
}

}  // namespace wfe::workflows
