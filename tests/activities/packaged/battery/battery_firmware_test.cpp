// CW-3: the generated monitor compiles with this machine's compiler and passes its test plan against the simulated
// pack; a monitor with anything wrong in it does not.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "activities/packaged/battery/run_plan.h"
#include "activities/sandbox/process_runner.h"
#include "tests/activities/packaged/battery/example_pack.h"
#include "tests/activities/packaged/battery/firmware_mutants.h"

namespace wfe::battery {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

/// A directory that is gone with the object.
class Workshop {
 public:
  Workshop() {
    std::string name = (fs::temp_directory_path() / "battery-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  ~Workshop() { fs::remove_all(directory_); }
  const std::string& directory() const { return directory_; }

  void Put(const std::string& name, const std::string& text) const { std::ofstream(directory_ + "/" + name) << text; }
  /// What the command ended with.
  sandbox::ProcessOutcome Run(const std::vector<std::string>& argv) const {
    sandbox::ProcessSpec spec;
    spec.argv = argv;
    spec.working_dir = directory_;
    spec.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"LC_ALL", "C"}, {"TMPDIR", directory_}};
    spec.limits.wall_clock = std::chrono::minutes(5);
    return sandbox::RunProcess(spec);
  }

 private:
  std::string directory_;
};

nodes::NodeSettings SettingsFor(const Workshop& workshop, const std::string& cxx = "g++") {
  return nodes::NodeSettings({.work_root = workshop.directory(), .cxx = cxx});
}

PlanRun RunFor(const nodes::NodeSettings& settings, const ExamplePack& example, const PackDesign& design) {
  const auto firmware = GenerateFirmware(example.cell, example.pack, design);
  EXPECT_TRUE(firmware.has_value());
  const TestPlan plan = MakeTestPlan(example.cell, example.pack, example.design);
  const auto run = RunTestPlan(settings, *firmware, plan, {});
  EXPECT_TRUE(run.has_value());
  return *run;
}

TEST(BatteryFirmware, CompilesAndPassesItsWholeTestPlanOnTheSimulatedPack) {
  const Workshop workshop;
  const ExamplePack example;
  const PlanRun run = RunFor(SettingsFor(workshop), example, example.design);
  EXPECT_EQ(run.outcome, "passed") << run.reason;
  EXPECT_EQ(run.cases, 106);
  EXPECT_EQ(run.passed, 106);
  for (const PlanFailure& failure : run.failures) ADD_FAILURE() << failure.id << ": " << failure.why;
}

TEST(BatteryFirmware, OfOtherPacksPassesItsPlansToo) {
  const Workshop workshop;
  ExamplePack example;
  // Of one cell, and of as many as there is room for, in parallel.
  for (const auto& [series, parallel, thermistors] : {std::tuple(1, 1, 1), std::tuple(4, 1, 2), std::tuple(32, 2, 8)}) {
    example.pack.series = series;
    example.pack.parallel = parallel;
    example.pack.thermistors = thermistors;
    const auto design = DesignPack(example.cell, example.pack);
    ASSERT_TRUE(design.has_value());
    example.design = *design;
    const PlanRun run = RunFor(SettingsFor(workshop), example, example.design);
    EXPECT_EQ(run.outcome, "passed") << series << " cells: " << run.reason;
    for (const PlanFailure& failure : run.failures)
      ADD_FAILURE() << series << " cells: " << failure.id << ": " << failure.why;
  }
}

TEST(BatteryFirmware, WithALimitThatIsNotItsDesignsFailsThePlan) {
  const Workshop workshop;
  const ExamplePack example;
  PackDesign wrong = example.design;
  for (ProtectionLimit& limit : wrong.limits) {
    if (limit.name == "CELL_OV") limit.trip += 20;
  }
  const PlanRun run = RunFor(SettingsFor(workshop), example, wrong);
  EXPECT_EQ(run.outcome, "failed");
  ASSERT_FALSE(run.failures.empty());
  EXPECT_EQ(run.failures[0].id, "CELL_OV.trip");
  EXPECT_THAT(run.failures[0].why, HasSubstr("\"expect reason CELL_OV\" does not hold"));
}

TEST(BatteryFirmware, IsNotRunWhereThereIsNoCompiler) {
  const Workshop workshop;
  const ExamplePack example;
  const PlanRun run = RunFor(SettingsFor(workshop, "no-such-compiler"), example, example.design);
  EXPECT_EQ(run.outcome, "not run");
  EXPECT_EQ(run.reason, "no compiler: this machine has no no-such-compiler");
}

TEST(BatteryFirmware, ThatIsNoCodeDoesNotCompile) {
  const Workshop workshop;
  const ExamplePack example;
  auto firmware = GenerateFirmware(example.cell, example.pack, example.design);
  ASSERT_TRUE(firmware.has_value());
  firmware->front().text += "\nthis is no code\n";
  const auto run = RunTestPlan(SettingsFor(workshop), *firmware,
                               MakeTestPlan(example.cell, example.pack, example.design), {});
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->outcome, "does not compile");
  EXPECT_THAT(run->reason, HasSubstr("battery_monitor.ino"));
}

TEST(BatteryPlan, CountsACaseThatNobodyToldOfAsFailed) {
  TestPlan plan;
  plan.cases = {{.id = "a", .kind = "", .limit = "", .title = "", .steps = {}},
                {.id = "b", .kind = "", .limit = "", .title = "", .steps = {}}};
  PlanRun run;
  JudgePlan(plan, "ok a\nok c\n", run);
  EXPECT_EQ(run.outcome, "failed");
  EXPECT_EQ(run.passed, 1);
  ASSERT_EQ(run.failures.size(), 1U);
  EXPECT_EQ(run.failures[0].why, "it was not played");
}

/// WFE_MUTANTS=all takes every mutant, else every tenth: each costs a compilation.
TEST(BatteryPlan, NoticesEveryMutantOfTheFirmware) {
  const char* const wanted = std::getenv("WFE_MUTANTS");
  const size_t stride = wanted != nullptr && std::string(wanted) == "all" ? 1 : 10;
  const Workshop workshop;
  const ExamplePack example;
  const auto firmware = GenerateFirmware(example.cell, example.pack, example.design);
  ASSERT_TRUE(firmware.has_value());
  for (const GeneratedFile& file : *firmware) {
    workshop.Put(file.path.substr(file.path.rfind('/') + 1), file.text);
  }
  workshop.Put(std::string(kPlanName), PlanScript(MakeTestPlan(example.cell, example.pack, example.design)));
  ASSERT_EQ(workshop.Run({"g++", "-std=c++17", "-O1", "-I.", "-c", "simulated_pack.cpp", "-o", "pack.o"}).exit_code, 0);
  const std::string& sketch = firmware->front().text;
  const std::vector<FirmwareMutant> mutants = MutantsOf(example.design);
  EXPECT_EQ(mutants.size(), 195U);
  for (size_t i = 0; i < mutants.size(); i += stride) {
    const FirmwareMutant& mutant = mutants[i];
    const size_t at = sketch.find(mutant.from);
    ASSERT_NE(at, std::string::npos) << mutant.name;
    ASSERT_EQ(sketch.find(mutant.from, at + 1), std::string::npos) << mutant.name;
    std::string wrong = sketch;
    wrong.replace(at, mutant.from.size(), mutant.to);
    workshop.Put("mutant.cpp", wrong);
    const auto compiled = workshop.Run({"g++", "-std=c++17", "-w", "-I.", "mutant.cpp", "pack.o", "-o", "mutant"});
    ASSERT_EQ(compiled.exit_code, 0) << mutant.name << ": " << compiled.err.text;
    const auto played = workshop.Run({"./mutant", std::string(kPlanName), "--to-first-failure"});
    EXPECT_EQ(played.kind, sandbox::ProcessOutcome::Kind::kExited) << mutant.name;
    EXPECT_EQ(played.exit_code, 1) << mutant.name << " passes the plan";
  }
}

}  // namespace
}  // namespace wfe::battery
