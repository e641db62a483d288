// PermitReviewWorkflow in virtual time: engine, worker, workflow and activities are the real ones, the model is played.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "activities/packaged/common/register.h"
#include "activities/packaged/permits/example.h"
#include "activities/packaged/permits/register.h"
#include "activities/packaged/permits/steps.h"
#include "tools/demo/memory_records.h"
#include "tools/demo/virtual_host.h"
#include "workers/core/payload_codec.h"
#include "workflows/packaged/permits.h"

namespace wfe::workflows {
namespace {

namespace fs = std::filesystem;
namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PermitWorld : public ::testing::Test {
 protected:
  PermitWorld() : host_({.seed = 7, .start = *ParseIso8601("2026-06-01T08:00:00.000Z")}) {
    std::string pattern = (fs::temp_directory_path() / "wfe-permits-XXXXXX").string();
    dir_ = ::mkdtemp(pattern.data());
    fs::create_directories(dir_ / "in");
    RegisterPermitReview(workflows_);
    activities_.Register(agent::kCallModel, [this](sdk::ActivityContext&, const agent::CallRequest& request) {
      ++calls_;
      return answer_ ? answer_(request) : sdk::ActivityResult<agent::CallReply>(Says("{\"findings\": []}"));
    });
    const auto config = std::make_shared<const packaged::PackagedConfig>(packaged::PackagedConfig{
        .records = records_, .step = [this](const std::string& name) { return activities_.Find(name); }});
    packaged::RegisterDeliverableActivities(activities_, *config);
    packaged::RegisterPermitActivities(activities_, config);
  }
  ~PermitWorld() override { fs::remove_all(dir_); }

  static agent::CallReply Says(const std::string& text) {
    agent::CallReply reply;
    reply.text = text;
    reply.finish_reason = "STOP";
    reply.model = "played";
    reply.prompt_token_count = 10;
    reply.completion_token_count = 5;
    return reply;
  }
  static sdk::ApplicationFailure Fails() {
    return {.message = "it does not work",
            .type = "AGENT_ERROR",
            .non_retryable = true,
            .next_retry_delay = std::nullopt,
            .details = nullptr};
  }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_ / "in" / name, std::ios::binary) << text;
  }
  void WriteExample() const {
    for (const packaged::ExampleFile& file : packaged::PermitExample()) Write(std::string(file.name), std::string(file.text));
  }
  std::string Text(const std::string& name) const {
    std::ifstream in(dir_ / "out" / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  /// Runs to its end; `failure_` says why it failed.
  PackagedResult Run(const json& more = json::object()) {
    EXPECT_TRUE(host_.Start(workflows_, activities_).has_value());
    json input = {{"project_dir", (dir_ / "in").string()}, {"output_dir", (dir_ / "out").string()}};
    input.update(more);
    ws::StartWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.set_workflow_id("permits");
    request.mutable_workflow_type()->set_name(std::string(kPermitReviewWorkflow));
    request.mutable_task_queue()->set_name("demo");
    request.set_request_id("start");
    *request.mutable_input() = core::EncodePayloads(input);
    EXPECT_TRUE(host_.Call<ws::StartWorkflowExecutionResponse>("StartWorkflowExecution", request).has_value());
    for (int i = 0; i < 1000; ++i) {
      ws::GetWorkflowExecutionHistoryRequest close;
      close.set_namespace_("default");
      close.mutable_execution()->set_workflow_id("permits");
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
  std::function<sdk::ActivityResult<agent::CallReply>(const agent::CallRequest&)> answer_;
  std::atomic<int> calls_ = 0;
  std::string failure_;
  demo::VirtualHost host_;
};

TEST_F(PermitWorld, DeliversThreeFilesOutOfTwelveDocuments) {  // CW-2
  WriteExample();
  const PackagedResult result = Run();
  EXPECT_EQ(failure_, "");
  EXPECT_EQ(result.state, "done");
  EXPECT_THAT(result.gaps, IsEmpty());
  EXPECT_THAT(result.deliverables, SizeIs(3));
  EXPECT_EQ(calls_, 13);
  EXPECT_EQ(result.model_use.calls, 13);
  EXPECT_EQ(result.findings.at("high"), 12);
  EXPECT_THAT(result.headline, HasSubstr("as of 2026-06-01"));
  EXPECT_THAT(Text("permits_report.md"), HasSubstr("214/2 in 04-nature-conservation-decision.txt"));
  EXPECT_EQ(json::parse(Text("permits_report.json")).at("findings").size(), 31U);
  EXPECT_THAT(Text("permits_report.html"), HasSubstr("<svg"));
}

TEST_F(PermitWorld, TakesFromAModelOnlyWhatItCanQuote) {
  Write("a.md", "# Permit\n\nThe holder shall keep the yard tidy.\n");
  answer_ = [](const agent::CallRequest& request) {
    if (request.step_name != "review_permit") return Says("{\"findings\": []}");
    return Says(
        R"({"findings": [{"kind": "ambiguity", "severity": "high", "statement": "What is tidy?", "quote": "keep the   yard tidy"},
                         {"kind": "risk", "severity": "high", "statement": "Made up.", "quote": "the plant may explode"}]})");
  };
  const PackagedResult result = Run();
  EXPECT_EQ(result.state, "done");
  const json report = json::parse(Text("permits_report.json"));
  EXPECT_THAT(Text("permits_report.md"), HasSubstr("What is tidy?"));
  EXPECT_EQ(Text("permits_report.md").find("Made up."), std::string::npos);
  EXPECT_THAT(report.at("model_sentence").get<std::string>(), HasSubstr("1 finding that quoted what is not there was left out"));
}

TEST_F(PermitWorld, DeliversTheRestWhereAStepOrADocumentFailsForGood) {  // CW-5
  Write("a.md", "Parcel: 1/1\n\nThe holder shall report by 2026-06-10.\n");
  Write("b.md", "Parcel: 1/2\n");
  Write("scan.bin", std::string("\x89PNG\r\n\x1a\n\0\0", 10));
  Write("holidays.txt", "Christmas is a holiday\n");
  answer_ = [](const agent::CallRequest& request) -> sdk::ActivityResult<agent::CallReply> {
    if (request.step_name == "review_permit_consistency") return Fails();
    return Says("I would rather not.");
  };
  const PackagedResult result = Run();
  EXPECT_EQ(failure_, "");
  EXPECT_EQ(result.state, "incomplete");
  std::vector<std::string> gaps;
  for (const packaged::Gap& gap : result.gaps) gaps.push_back(gap.step);
  EXPECT_THAT(gaps, ::testing::ElementsAre("document scan.bin", "holidays.txt", "review_permit a.md", "review_permit b.md",
                                           "review_permit_consistency"));
  EXPECT_THAT(result.deliverables, SizeIs(3));
  const std::string report = Text("permits_report.md");
  EXPECT_THAT(report, HasSubstr("Missing in this report"));
  EXPECT_THAT(report, HasSubstr("its text needs OCR first"));
  EXPECT_THAT(report, HasSubstr("parcel: 1/1 in a.md; 1/2 in b.md"));
}

TEST_F(PermitWorld, AsksNoModelWhereItIsToldSo) {
  Write("a.md", "The holder shall report by 2026-06-10.\n");
  const PackagedResult result = Run({{"without_model", true}, {"parameters", {{"as_of", "2026-06-11"}}}});
  EXPECT_EQ(calls_, 0);
  EXPECT_EQ(result.state, "done");
  EXPECT_THAT(Text("permits_report.md"), HasSubstr("1 day before 2026-06-11"));
}

TEST_F(PermitWorld, RefusesWhatItCannotDoBeforeItSpendsAnything) {  // CW-5
  Run();
  EXPECT_THAT(failure_, HasSubstr("there are no documents in "));
  EXPECT_EQ(calls_, 0);
}

TEST_F(PermitWorld, WritesOverNobodysFiles) {
  Write("a.md", "Parcel: 1/1\n");
  fs::create_directories(dir_ / "out");
  std::ofstream(dir_ / "out" / "permits_report.md") << "mine";
  Run();
  EXPECT_THAT(failure_, HasSubstr("permits_report.md was there before and is not ours"));
  EXPECT_EQ(calls_, 0);
  EXPECT_EQ(Text("permits_report.md"), "mine");
}

TEST_F(PermitWorld, NamesTheWrongMemberOfItsInput) {
  Run({{"parameters", {{"as_of", "tomorrow"}}}});
  EXPECT_THAT(failure_, HasSubstr("input.parameters.as_of must be a day such as 2026-06-01"));
}

}  // namespace
}  // namespace wfe::workflows
