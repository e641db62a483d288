// Rollouts and monitors in virtual time: engine, worker, workflows and activities are the real ones, on one thread,
// beside traffic with known truths.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "activities/delivery/steps/register.h"
#include "tests/activities/delivery/traffic.h"
#include "tools/demo/virtual_host.h"
#include "workers/core/payload_codec.h"
#include "workflows/delivery/monitor_workflow.h"
#include "workflows/delivery/rollout_workflow.h"

namespace wfe::workflows {

namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;

inline constexpr const char* kWorkflow = "report";
inline constexpr const char* kId = "rollout-1";

class DeliveryWorld {
 public:
  DeliveryWorld(uint64_t seed, const delivery::Truth& variant)
      : host_({.seed = seed, .start = *ParseIso8601("2026-03-02T00:00:00.000Z")}), traffic(seed) {
    RegisterRollout(workflows_);
    RegisterMonitor(workflows_);
    delivery::RegisterDeliveryActivities(
        activities_, {.records = traffic.records(), .hook = [this](const delivery::MonitoringEvent& event) -> Status {
                        if (hook_fails) return Unavailable("nobody is there");
                        told.push_back(event);
                        return Ok();
                      }});
    traffic.Add(kWorkflow, {}, Now());
    traffic.Add(kWorkflow, variant, Now());
    Boot();
  }

  void Boot() {
    const Status started = host_.Start(workflows_, activities_);
    ASSERT_TRUE(started.has_value()) << started.error().ToString();
  }
  void KillServer() {
    host_.Crash();
    Boot();
  }
  void KillWorker() {
    host_.KillWorker();
    host_.loop().Advance(std::chrono::minutes(1));
    const Status started = host_.StartWorker(workflows_, activities_);
    ASSERT_TRUE(started.has_value()) << started.error().ToString();
  }
  void CutPowerAfter(int syncs) { host_.CutPowerAfter(syncs); }

  void Submit(nlohmann::json input, const std::string& id = kId) {
    input.update({{"workflow_id", kWorkflow}, {"author", "ada"}, {"reason", "suggestion 7"}});
    if (!input.contains("version")) input["version"] = "report_v1";
    if (!input.contains("rollout_id")) input["rollout_id"] = id;
    Start(kRolloutWorkflow, id, input);
  }
  void Start(std::string_view type, const std::string& id, const nlohmann::json& input) {
    ws::StartWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.set_workflow_id(id);
    request.mutable_workflow_type()->set_name(std::string(type));
    request.mutable_task_queue()->set_name("demo");
    request.set_request_id(id);
    *request.mutable_input() = core::EncodePayloads(input);
    const auto started = host_.Call<ws::StartWorkflowExecutionResponse>("StartWorkflowExecution", request);
    ASSERT_TRUE(started.has_value()) << started.error().ToString();
  }

  /// Traffic for so long.
  void Live(Duration time, int runs_a_minute = 2) {
    const Instant until = Now() + time;
    while (Now() < until) {
      traffic.Run(kWorkflow, runs_a_minute, Now(), Now() + std::chrono::minutes(1));
      host_.loop().Advance(std::min<Duration>(std::chrono::minutes(1), until - Now()));
    }
  }

  void Signal(const std::string& id, std::string_view name, const nlohmann::json& argument) {
    ws::SignalWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id(id);
    request.set_signal_name(std::string(name));
    *request.mutable_input() = core::EncodePayloads(argument);
    const auto answered = host_.Call<ws::SignalWorkflowExecutionResponse>("SignalWorkflowExecution", request);
    ASSERT_TRUE(answered.has_value()) << answered.error().ToString();
    host_.loop().Advance(std::chrono::seconds(1));
  }
  void Ask(const std::string& action, const std::string& reason = "because", const std::string& id = kId) {
    const delivery::RolloutControl control{.action = action, .author = "ada", .reason = reason, .request_id = action};
    Signal(id, kRolloutControlSignal, nlohmann::json(control));
  }

  /// The answer of the query `status`.
  template <class T>
  T AskStatus(const std::string& id) {
    ws::QueryWorkflowRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(id);
    request.mutable_query()->set_query_type("status");
    const auto answer = host_.Call<ws::QueryWorkflowResponse>("QueryWorkflow", request);
    EXPECT_TRUE(answer.has_value()) << answer.error().ToString();
    return answer ? core::DecodePayloads(answer->query_result()).value().get<T>() : T();
  }
  RolloutProgress Progress(const std::string& id = kId) { return AskStatus<RolloutProgress>(id); }

  struct End {
    std::string status;
    RolloutResult result;
    std::string failure;
  };
  /// How the newest run ended; an empty status: it has not.
  End Outcome(const std::string& id = kId) {
    ws::GetWorkflowExecutionHistoryRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(id);
    request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
    const auto history = host_.Call<ws::GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", request);
    if (!history || history->history().events().empty()) return {};
    const auto& event = *history->history().events().rbegin();
    if (event.has_workflow_execution_completed_event_attributes()) {
      const auto& payloads = event.workflow_execution_completed_event_attributes().result();
      raw_ = core::DecodePayloads(payloads).value();
      return {"completed", id == kId ? raw_.get<RolloutResult>() : RolloutResult(), ""};
    }
    if (event.has_workflow_execution_failed_event_attributes()) {
      return {"failed", {}, event.workflow_execution_failed_event_attributes().failure().message()};
    }
    if (event.has_workflow_execution_canceled_event_attributes()) return {"canceled", {}, ""};
    return {};
  }

  /// The result of any workflow that has completed.
  nlohmann::json RawOutcome(const std::string& id) {
    EXPECT_EQ(Outcome(id).status, "completed");
    return raw_;
  }

  void Cancel() {
    ws::RequestCancelWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id(kId);
    ASSERT_TRUE(host_.Call<ws::RequestCancelWorkflowExecutionResponse>("RequestCancelWorkflowExecution", request));
    host_.loop().Advance(std::chrono::seconds(1));
  }

  delivery::StoredRollout Log(const std::string& id = kId) {
    const auto log = delivery::RolloutLog(*traffic.records()).Get(id);
    EXPECT_TRUE(log.has_value()) << (log ? "" : log.error().ToString());
    return log ? *log : delivery::StoredRollout();
  }
  double Share() {
    const delivery::VersionState state = traffic.State(kWorkflow);
    return state.split ? state.split->share : 0;
  }
  Instant Now() { return host_.loop().Now(); }

 private:
  sdk::WorkflowRegistry workflows_;
  sdk::ActivityRegistry activities_;
  demo::VirtualHost host_;
  nlohmann::json raw_;

 public:
  delivery::Traffic traffic;
  std::vector<delivery::MonitoringEvent> told;
  bool hook_fails = false;
};

}  // namespace wfe::workflows
