// BatteryDesignWorkflow in virtual time: engine, worker, workflow and activities are the real ones, the model is played,
// and the firmware is compiled and run (CW-3, CW-5).
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "activities/packaged/battery/example.h"
#include "activities/packaged/battery/steps.h"
#include "activities/packaged/common/register.h"
#include "tools/demo/memory_records.h"
#include "tools/demo/virtual_host.h"
#include "workers/core/payload_codec.h"
#include "workflows/packaged/battery.h"

namespace wfe::workflows {
namespace {

namespace fs = std::filesystem;
namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;
using nlohmann::json;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BatteryWorld : public ::testing::Test {
 protected:
  BatteryWorld() : host_({.seed = 7, .start = *ParseIso8601("2026-06-01T08:00:00.000Z")}) {
    std::string pattern = (fs::temp_directory_path() / "wfe-battery-XXXXXX").string();
    dir_ = ::mkdtemp(pattern.data());
    fs::create_directories(dir_ / "in");
    for (const packaged::ExampleFile& file : battery::BatteryExample()) {
      Write(std::string(file.name), std::string(file.text));
    }
  }
  ~BatteryWorld() override { fs::remove_all(dir_); }

  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_ / "in" / name, std::ios::binary) << text;
  }
  std::string Text(const std::string& name) const {
    std::ifstream in(dir_ / "out" / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void Serve(const std::string& compiler) {
    RegisterBatteryDesign(workflows_);
    activities_.Register(agent::kCallModel, [](sdk::ActivityContext&, const agent::CallRequest& request) {
      agent::CallReply reply;
      reply.text = request.step_name == "suggest_requirements"
                       ? R"([{"id": "compression", "text": "The cells are pressed.", "from": "swelling"}])"
                       : "Two contactors.";
      reply.finish_reason = "STOP";
      reply.model = "played";
      return sdk::ActivityResult<agent::CallReply>(reply);
    });
    const auto config = std::make_shared<const packaged::PackagedConfig>(packaged::PackagedConfig{
        .records = records_, .step = [this](const std::string& name) { return activities_.Find(name); }});
    packaged::RegisterDeliverableActivities(activities_, *config);
    battery::RegisterBatteryActivities(activities_, config,
                                       {.work_root = (dir_ / "work").string(), .cxx = compiler});
  }

  /// Runs to its end; `failure_` says why it failed.
  PackagedResult Run() {
    EXPECT_TRUE(host_.Start(workflows_, activities_).has_value());
    const json input = {{"project_dir", (dir_ / "in").string()}, {"output_dir", (dir_ / "out").string()}};
    ws::StartWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.set_workflow_id("battery");
    request.mutable_workflow_type()->set_name(std::string(kBatteryDesignWorkflow));
    request.mutable_task_queue()->set_name("demo");
    request.set_request_id("start");
    *request.mutable_input() = core::EncodePayloads(input);
    EXPECT_TRUE(host_.Call<ws::StartWorkflowExecutionResponse>("StartWorkflowExecution", request).has_value());
    for (int i = 0; i < 1000; ++i) {
      ws::GetWorkflowExecutionHistoryRequest close;
      close.set_namespace_("default");
      close.mutable_execution()->set_workflow_id("battery");
      close.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
      const auto history = host_.Call<ws::GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", close);
      if (history && !history->history().events().empty()) {
        const auto& event = *history->history().events().rbegin();
        if (event.has_workflow_execution_completed_event_attributes()) {
          const auto& payloads = event.workflow_execution_completed_event_attributes().result();
          return core::DecodePayloads(payloads).value().get<PackagedResult>();
        }
        if (event.has_workflow_execution_failed_event_attributes()) {
          failure_ = event.workflow_execution_failed_event_attributes().failure().message();
          return {};
        }
      }
      host_.loop().Advance(std::chrono::seconds(10));
    }
    ADD_FAILURE() << "it does not end";
    return {};
  }

  fs::path dir_;
  demo::MemoryRecords memory_;
  std::shared_ptr<client::RecordsClient> records_ = std::make_shared<client::RecordsClient>(memory_);
  sdk::WorkflowRegistry workflows_;
  sdk::ActivityRegistry activities_;
  demo::VirtualHost host_;
  std::string failure_;
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
  activities_.Register(battery::kGenerateBill, [](sdk::ActivityContext&, const battery::BatteryDesignInput&) {
    return sdk::ActivityResult<battery::BillResult>(sdk::ApplicationFailure{.message = "it does not work",
                                                                            .type = "BROKEN",
                                                                            .non_retryable = true,
                                                                            .next_retry_delay = std::nullopt,
                                                                            .details = nullptr});
  });
  const PackagedResult result = Run();
  EXPECT_EQ(result.state, "incomplete");
  ASSERT_EQ(result.gaps.size(), 1U);
  EXPECT_EQ(result.gaps[0].step, "generate_bill_of_materials");
  EXPECT_THAT(Text("battery_report.md"), HasSubstr("it does not work"));
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

}  // namespace
}  // namespace wfe::workflows
