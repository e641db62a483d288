// BatteryDesignWorkflow in virtual time: engine, worker, workflow and activities are the real ones, the model is played,
// and the firmware is compiled and run (CW-3, CW-5).
#include <gmock/gmock.h>

#include "activities/packaged/battery/example.h"
#include "activities/packaged/battery/steps.h"
#include "tests/workflows/packaged_world.h"
#include "workflows/packaged/battery.h"
#include "workflows/packaged/debate.h"

namespace wfe::workflows {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr test::PackageUnderTest kBattery{.workflow_type = kBatteryDesignWorkflow,
                                          .register_workflow = &RegisterBatteryDesign,
                                          .example = &battery::BatteryExample,
                                          .start = "2026-06-01T08:00:00.000Z"};

class BatteryWorld : public test::PackagedWorld {
 protected:
  BatteryWorld() : PackagedWorld(kBattery) {
    WriteExample();
    answer_ = [](const agent::CallRequest& request) {
      return Says(request.step_name == "suggest_requirements"
                      ? R"([{"id": "compression", "text": "The cells are pressed.", "from": "swelling"}])"
                      : "Two contactors.");
    };
  }

  void Serve(const std::string& compiler) {
    battery::RegisterBatteryActivities(activities_, config(), {.work_root = work(), .cxx = compiler});
  }
};

TEST_F(BatteryWorld, TheExampleIsDesignedTestedAndDelivered) {
  Serve("g++");
  const PackagedResult result = Run();
  EXPECT_EQ(failure_, "");
  EXPECT_EQ(result.state, "done");
  EXPECT_THAT(result.gaps, IsEmpty());
  // Six rules of the pack and the fuse before its cable; nine of the log.
  EXPECT_EQ(result.findings.at("high"), 16);
  EXPECT_THAT(Text("battery_report.md"), HasSubstr("Firmware against its test plan: passed: 106 of 106 cases."));
  EXPECT_THAT(Text("battery_report.md"), HasSubstr("The cells are pressed."));
  EXPECT_THAT(Text("battery_report.html"), HasSubstr("<svg"));
  EXPECT_THAT(Text("firmware/battery_monitor/battery_monitor.ino"), HasSubstr("\"CELL_OV\", HIGHEST_CELL"));
  EXPECT_THAT(Text("bill_of_materials.csv"), HasSubstr("1254.40"));
}

TEST_F(BatteryWorld, AStepThatFailsForGoodLeavesAGapAndTheOthersDeliver) {
  Serve("g++");
  Break(battery::kGenerateBill);
  const PackagedResult result = Run();
  EXPECT_EQ(result.state, "incomplete");
  EXPECT_THAT(Gaps(result), ElementsAre("generate_bill_of_materials: it is broken"));
  EXPECT_THAT(Text("battery_report.md"), HasSubstr("it is broken"));
  EXPECT_FALSE(Text("test_plan.md").empty());
}

TEST_F(BatteryWorld, WithoutACompilerThePlanIsNotRunAndThatIsSaid) {
  Serve("no-such-compiler");
  const PackagedResult result = Run();
  EXPECT_EQ(result.state, "incomplete");
  EXPECT_THAT(result.gaps, Contains(Field(&packaged::Gap::step, "test plan")));
  EXPECT_THAT(Text("battery_report.md"), HasSubstr("not run: no compiler"));
}

TEST_F(BatteryWorld, ADatasheetThatCannotBeUsedEndsTheRunWithEveryLine) {
  Serve("g++");
  Write("cell.txt", "name: x\ncapacity: -1 Ah\n");
  Run();
  EXPECT_THAT(failure_, HasSubstr("cell.txt:2: capacity is -1 Ah, which cannot be"));
  EXPECT_THAT(failure_, HasSubstr("cell.txt: nominal_voltage is missing"));
}

TEST_F(BatteryWorld, ALogThatCannotBeUsedIsAGap) {
  Serve("no-such-compiler");
  Write("bms_log.csv", "time,current\n");
  const PackagedResult result = Run();
  EXPECT_THAT(result.gaps, Contains(Field(&packaged::Gap::step, "document bms_log.csv")));
  EXPECT_FALSE(Text("battery_report.html").empty());
}

/// CW-5: a list of prices that is there is not left for others without a word.
TEST_F(BatteryWorld, PricesThatHoldNoneAreAGap) {
  Serve("no-such-compiler");
  Write("prices.csv", "");
  const PackagedResult result = Run();
  EXPECT_EQ(result.state, "incomplete");
  EXPECT_THAT(result.gaps, Contains(Field(&packaged::Gap::step, "document prices.csv")));
}

TEST_F(BatteryWorld, AModelThatIsAwayIsNoModelThatWasNotAsked) {
  Serve("no-such-compiler");
  answer_ = [](const agent::CallRequest&) { return sdk::ActivityResult<agent::CallReply>(Fails()); };
  const PackagedResult result = Run();
  EXPECT_EQ(result.model_use.calls, 0);
  EXPECT_EQ(result.model_use.unanswered, 2);
}

TEST_F(BatteryWorld, NamesTheWrongMemberOfItsParameters) {
  Serve("no-such-compiler");
  Run({{"parameters", {{"candidates", 9}}}});
  EXPECT_THAT(failure_, HasSubstr("input.parameters.candidates must be from 1 to 8"));
}

/// CW-7: the block that others reuse, here as a child.
TEST_F(BatteryWorld, KeepsTheBestOfSeveralDescriptions) {
  Serve("no-such-compiler");
  RegisterDebate(workflows_);
  answer_ = [](const agent::CallRequest& request) {
    if (request.step_name == "suggest_requirements") return Says("[]");
    if (request.step_name == "judge_candidates") {
      return Says(R"({"scores": [{"candidate": 1, "score": 40}, {"candidate": 2, "score": 90}]})");
    }
    return Says(request.parts.back().starts_with("First consider") ? "Two contactors and a fuse." : "Wires.");
  };
  const PackagedResult result = Run({{"parameters", {{"candidates", 2}}}});
  EXPECT_EQ(result.model_use.calls, 4);
  EXPECT_THAT(Text("battery_report.md"), HasSubstr("Two contactors and a fuse."));
  EXPECT_THAT(Text("battery_report.md"), ::testing::Not(HasSubstr("Wires.")));
}

}  // namespace
}  // namespace wfe::workflows
