// TradingVerificationWorkflow in virtual time (CW-4, CW-5): engine, worker, workflow and steps are the real ones, the
// model is played, and single steps fail for good.
#include "workflows/packaged/trading.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "activities/agent/call/model_call.h"
#include "activities/packaged/common/register.h"
#include "activities/packaged/trading/example.h"
#include "activities/packaged/trading/steps.h"
#include "engine/base/parse_json.h"
#include "tests/activities/build/compliance_test_support.h"
#include "tools/demo/memory_records.h"
#include "tools/demo/virtual_host.h"
#include "workers/client/records_client.h"
#include "workers/core/payload_codec.h"

namespace wfe::workflows {
namespace {

namespace fs = std::filesystem;
namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kReview =
    "{\"summary\": \"It buys strength.\", \"findings\": [{\"file\": \"momentum.py\", \"line\": 104, \"severity\": "
    "\"high\", \"title\": \"Doubled exposure\", \"message\": \"Strength is used twice.\"}], \"recommendations\": [\"Rank "
    "first.\"]}";

class TradingWorld : public testing::Test {
 protected:
  TradingWorld() : host_({.seed = 7, .start = *ParseIso8601("2026-03-02T00:00:00.000Z")}) {
    for (const packaged::ExampleFile& file : trading::TradingExample()) {
      Put(std::string(file.name), std::string(file.text));
    }
    const auto config = std::make_shared<const packaged::PackagedConfig>(packaged::PackagedConfig{
        .records = client_, .step = [this](const std::string& name) { return activities_.Find(name); }});
    nodes::NodeConfig node;
    node.work_root = root_ / "work";
    trading::RegisterTradingActivities(activities_, {.packaged = config, .node = node});
    packaged::RegisterDeliverableActivities(activities_, *config);
    activities_.Register(agent::kCallModel, [this](sdk::ActivityContext&, const agent::CallRequest& request) {
      asked_ = request;
      agent::CallReply reply;
      reply.text = answer_;
      reply.finish_reason = "STOP";
      reply.model = "played";
      return sdk::ActivityResult<agent::CallReply>(reply);
    });
    RegisterTradingVerification(workflows_);
  }
  void SetUp() override {
    if (const auto python = nodes::NodeSettings({.work_root = root_ / "work"}).Python(); !python) {
      GTEST_SKIP() << python.error().message;
    }
  }

  void Put(const std::string& name, const std::string& text) {
    fs::create_directories(root_ / "algorithm");
    std::ofstream(root_ / ("algorithm/" + name), std::ios::binary) << text;
  }
  std::string Delivered(const std::string& name) const {
    std::ifstream in(root_ / ("out/" + name), std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  template <class Input, class Output>
  void Break(sdk::ActivityType<Input, Output> type) {
    activities_.Register(type, [](sdk::ActivityContext&, const Input&) {
      return sdk::ActivityResult<Output>(sdk::ApplicationFailure{.message = "it is broken",
                                                                 .type = "BROKEN",
                                                                 .non_retryable = true,
                                                                 .next_retry_delay = std::nullopt,
                                                                 .details = nullptr});
    });
  }

  /// The result, or how it failed.
  PackagedResult Run(nlohmann::json more = nlohmann::json::object()) {
    nlohmann::json input = {{"project_dir", root_ / "algorithm"}, {"output_dir", root_ / "out"}};
    input.update(more);
    const Status started = host_.Start(workflows_, activities_);
    EXPECT_TRUE(started.has_value());
    ws::StartWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.set_workflow_id("job");
    request.mutable_workflow_type()->set_name(std::string(kTradingVerificationWorkflow));
    request.mutable_task_queue()->set_name("demo");
    request.set_request_id("start");
    *request.mutable_input() = core::EncodePayloads(input);
    EXPECT_TRUE(host_.Call<ws::StartWorkflowExecutionResponse>("StartWorkflowExecution", request).has_value());
    for (int i = 0; i < 500; ++i) {
      if (Over()) break;
      host_.loop().Advance(std::chrono::seconds(10));
    }
    return result_;
  }
  bool Over() {
    ws::GetWorkflowExecutionHistoryRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id("job");
    request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
    const auto history = host_.Call<ws::GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", request);
    if (!history || history->history().events().empty()) return false;
    const auto& event = *history->history().events().rbegin();
    if (event.has_workflow_execution_completed_event_attributes()) {
      const auto& payloads = event.workflow_execution_completed_event_attributes().result();
      result_ = core::DecodePayloads(payloads).value().get<PackagedResult>();
      return true;
    }
    if (event.has_workflow_execution_failed_event_attributes()) {
      failure_ = event.workflow_execution_failed_event_attributes().failure().message();
      return true;
    }
    return false;
  }
  static std::vector<std::string> Steps(const PackagedResult& result) {
    std::vector<std::string> steps;
    for (const packaged::Gap& gap : result.gaps) steps.push_back(gap.step + ": " + gap.reason);
    return steps;
  }
  static std::vector<std::string> Files(const PackagedResult& result) {
    std::vector<std::string> files;
    for (const packaged::Deliverable& one : result.deliverables) files.push_back(one.path);
    return files;
  }

  const wfe::test::TempDir root_;
  demo::MemoryRecords records_;
  std::shared_ptr<client::RecordsClient> client_ = std::make_shared<client::RecordsClient>(records_);
  sdk::ActivityRegistry activities_;
  sdk::WorkflowRegistry workflows_;
  demo::VirtualHost host_;
  std::string answer_ = kReview;
  agent::CallRequest asked_;
  PackagedResult result_;
  std::string failure_;
};

TEST_F(TradingWorld, DeliversReportPageDataAndTestCases) {
  const PackagedResult result = Run();
  ASSERT_EQ(failure_, "");
  EXPECT_EQ(result.state, "done");
  EXPECT_THAT(Files(result), testing::UnorderedElementsAre("trading_report.md", "trading_report.json",
                                                           "trading_report.html",
                                                           "test_trading_algorithm.py"));
  EXPECT_EQ(result.findings.at("critical"), 6) << "two secrets, eval, a shell, look-ahead measured and tested";
  EXPECT_THAT(result.headline, HasSubstr("(extreme)"));
  EXPECT_EQ(result.model_use.calls, 1);
  const nlohmann::json report = ParseJson(Delivered("trading_report.json"));
  EXPECT_EQ(report.at("review").at("findings").size(), 1u);
  EXPECT_FALSE(report.at("tests").contains("text"));
  EXPECT_EQ(report.at("recommendations").at(0).at("rank"), 1);
  for (const char* name : {"trading_report.md", "trading_report.json", "trading_report.html"}) {
    EXPECT_THAT(Delivered(name), Not(HasSubstr("q7Xv2LmN9t"))) << name;
    EXPECT_THAT(Delivered(name), HasSubstr("Doubled exposure")) << name;
  }
  for (const std::string& part : asked_.parts) EXPECT_THAT(part, Not(HasSubstr("q7Xv2LmN9t")));
}

TEST_F(TradingWorld, GoesWithoutAModel) {
  const PackagedResult result = Run({{"without_model", true}});
  EXPECT_EQ(result.state, "done");
  EXPECT_EQ(result.model_use.calls, 0);
  EXPECT_TRUE(asked_.parts.empty());
}

TEST_F(TradingWorld, DeliversTheOthersWhenAStepFailsForGood) {
  Break(trading::kBacktestAlgorithm);
  Break(trading::kSecurityAudit);
  const PackagedResult result = Run();
  EXPECT_EQ(result.state, "incomplete");
  EXPECT_THAT(Steps(result), ElementsAre("backtest_algorithm: it is broken", "security_audit: it is broken"));
  EXPECT_THAT(Files(result), Contains("trading_report.md"));
  EXPECT_THAT(Delivered("trading_report.md"), HasSubstr("## Missing\n\n- `backtest_algorithm`: it is broken"));
  EXPECT_THAT(Delivered("trading_report.md"), HasSubstr("## Edge cases"));
  EXPECT_THAT(Delivered("trading_report.html"), HasSubstr("it is broken"));
}

TEST_F(TradingWorld, DeliversWithoutTheAssessment) {
  Break(trading::kAssessRisks);
  const PackagedResult result = Run();
  EXPECT_THAT(Steps(result), ElementsAre("assess_risks: it is broken"));
  EXPECT_THAT(result.headline, HasSubstr("the risk was not assessed"));
}

TEST_F(TradingWorld, TakesAnAnswerThatIsNoneForAGap) {
  answer_ = "I would rather not.";
  const PackagedResult result = Run();
  EXPECT_THAT(Steps(result), ElementsAre("review_algorithm: the model's answer has no JSON in it"));
  EXPECT_THAT(Delivered("trading_report.md"), HasSubstr("## Risk"));
}

TEST_F(TradingWorld, NamesTheLineOfPricesThatAreNone) {
  Put("prices.csv", "date,close\n2024-01-02,100\n2024-01-03,-4\n");
  const PackagedResult result = Run();
  EXPECT_THAT(Steps(result), ElementsAre("backtest_algorithm: prices.csv:3: the close \"-4\" must be above 0"));
}

TEST_F(TradingWorld, RefusesAFolderWithoutAnAlgorithm) {
  fs::remove_all(root_ / "algorithm");
  fs::create_directories(root_ / "algorithm");
  Run();
  EXPECT_THAT(failure_, HasSubstr("there is no algorithm in " + root_.path() + "/algorithm"));
}

TEST_F(TradingWorld, WritesOverNobodysFiles) {
  fs::create_directories(root_ / "out");
  std::ofstream(root_ / "out/trading_report.md") << "mine";
  Run();
  EXPECT_THAT(failure_, HasSubstr("trading_report.md"));
  EXPECT_EQ(Delivered("trading_report.md"), "mine");
}

}  // namespace
}  // namespace wfe::workflows
