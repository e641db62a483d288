// GraphWorkflow in the real engine and worker, in virtual time, with power cuts and killed workers.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "temporal/api/history/v1/message.pb.h"
#include "tests/simulation/random.h"
#include "tools/demo/virtual_host.h"
#include "workers/core/payload_codec.h"
#include "workflows/graph/graph_workflow.h"

namespace wfe::workflows {

using namespace std::chrono_literals;
using nlohmann::json;
namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;

/// One run, "g".
class GraphWorld {
 public:
  explicit GraphWorld(uint64_t seed)
      : host_(std::make_unique<demo::VirtualHost>(
            demo::VirtualHostOptions{.seed = seed, .start = *ParseIso8601("2026-11-26T09:00:00Z")})) {
    RegisterGraphWorkflow(workflows_);
  }

  /// Filled before Boot().
  sdk::ActivityRegistry& activities() { return activities_; }
  const sdk::WorkflowRegistry& workflows() const { return workflows_; }

  void Boot() {
    const Status started = host_->Start(workflows_, activities_);
    ASSERT_TRUE(started.has_value()) << started.error().ToString();
  }
  void Submit(const json& input) {
    ws::StartWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.set_workflow_id("g");
    request.set_request_id("g");
    request.mutable_workflow_type()->set_name(std::string(kGraphWorkflow));
    request.mutable_task_queue()->set_name("demo");
    *request.mutable_input() = core::EncodePayloads(input);
    const auto started = host_->Call<ws::StartWorkflowExecutionResponse>("StartWorkflowExecution", request);
    ASSERT_TRUE(started.has_value()) << started.error().ToString();
  }
  bool IsOpen() {
    ws::DescribeWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id("g");
    const auto described = host_->Call<ws::DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", request);
    return described && described->workflow_execution_info().status() == enums::WORKFLOW_EXECUTION_STATUS_RUNNING;
  }
  /// Lets up to three seconds pass, and then kills something unless the run has ended.
  void Disturb(simulation::Random& random) {
    host_->loop().Advance(std::chrono::milliseconds(random.Below(3'000)));
    if (!IsOpen()) return;
    ++disturbed;
    if (random.Chance(0.4)) {
      host_->KillWorker();
      host_->loop().Advance(std::chrono::milliseconds(random.Below(2'000)));
      const Status started = host_->StartWorker(workflows_, activities_);
      ASSERT_TRUE(started.has_value()) << started.error().ToString();
    } else {
      host_->CutPowerAfter(static_cast<int>(1 + random.Below(6)));
      host_->loop().Advance(10s);
      host_->Crash();
      Boot();
    }
  }
  void Advance(Duration by) { host_->loop().Advance(by); }
  /// The history of the run, which has ended.
  temporal::api::history::v1::History End() {
    for (int i = 0; i < 5'000 && IsOpen(); ++i) host_->loop().Advance(10s);
    EXPECT_EQ(host_->workflow_tasks_failed(), 0U);
    auto history = History();
    EXPECT_TRUE(history.has_value()) << (history ? "" : history.error().ToString());
    return history ? *std::move(history) : temporal::api::history::v1::History();
  }
  /// As far as it goes now; without power there is no answer.
  Result<temporal::api::history::v1::History> History() {
    temporal::api::history::v1::History history;
    ws::GetWorkflowExecutionHistoryRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id("g");
    do {
      WFE_ASSIGN_OR_RETURN(const auto page, host_->Call<ws::GetWorkflowExecutionHistoryResponse>(
                                                "GetWorkflowExecutionHistory", request));
      for (const auto& event : page.history().events()) *history.add_events() = event;
      request.set_next_page_token(page.next_page_token());
    } while (!request.next_page_token().empty());
    return history;
  }
  int disturbed = 0;

 private:
  std::unique_ptr<demo::VirtualHost> host_;
  sdk::WorkflowRegistry workflows_;
  sdk::ActivityRegistry activities_;
};

}  // namespace wfe::workflows
