// Runs graphs in GraphWorkflow over an engine in memory whose activities are a function of the test.
#pragma once

#include <functional>
#include <optional>
#include <set>

#include "activities/graph/graph.h"
#include "tests/workers/history_builder.h"
#include "workflows/graph/graph_workflow.h"

namespace wfe::workflows {

using core::testing::Command;
using core::testing::FakeEngine;
using nlohmann::json;

/// An activity that is to be answered.
struct Asked {
  std::string id;
  std::string type;
  json input;
};

class GraphRunner {
 public:
  GraphRunner() { RegisterGraphWorkflow(registry_); }

  /// Gives a result, or a failure: json with "fails" in it.
  std::function<json(const Asked&)> answer = [](const Asked& one) { return one.input; };
  std::function<json(const std::string& id, const json& input)> answer_child;
  /// Activities that never end, by id.
  std::set<std::string> hang;

  /// The result; a failed run's {"failure", "type", "details"}; {"cancelled": true}; null: it waits.
  json Run(const json& input) {
    engine_ = std::make_unique<FakeEngine>("run-1");
    handler_ = std::make_unique<core::WorkflowTaskHandler>(registry_, core::testing::Options());
    engine_->Start(std::string(kGraphWorkflow), input);
    return Continue();
  }
  json RunGraph(const json& graph, const json& state = json::object()) {
    return Run({{"graph", graph}, {"state", state}});
  }

  json Continue() {
    json end;
    bool more = true;
    for (int task = 0; task < 10'000 && end.is_null() && more; ++task) {
      more = false;
      const auto completed = engine_->RunTask(*handler_);
      for (const Command& command : completed.commands()) {
        if (command.has_schedule_activity_task_command_attributes()) {
          more = Serve(command.schedule_activity_task_command_attributes()) || more;
        } else if (command.has_start_child_workflow_execution_command_attributes()) {
          ServeChild(command.start_child_workflow_execution_command_attributes());
          more = true;
        } else if (command.has_request_cancel_activity_task_command_attributes()) {
          ++cancel_requests;
        } else {
          end = EndOf(command, end);
        }
      }
    }
    if (check_replay) core::testing::ExpectEveryPrefixReplays(*engine_, registry_);
    return end;
  }

  json Query() {
    const auto answered = handler_->Handle(engine_->QueryTask("progress", /*sticky=*/false));
    const auto* told = std::get_if<core::ws::RespondQueryTaskCompletedRequest>(&answered);
    if (told == nullptr) return nullptr;
    return core::DecodePayloads(told->query_result()).value();
  }

  FakeEngine& engine() { return *engine_; }

  std::vector<Asked> asked;
  std::vector<temporal::api::command::v1::ScheduleActivityTaskCommandAttributes> scheduled;
  std::vector<std::string> Ids() const {
    std::vector<std::string> ids;
    for (const Asked& one : asked) ids.push_back(one.id);
    return ids;
  }
  int cancel_requests = 0;
  bool check_replay = true;  ///< Every prefix of the history: time grows with its square.

 private:
  template <class Scheduled>
  bool Serve(const Scheduled& activity) {
    Asked one{activity.activity_id(), activity.activity_type().name(), core::DecodePayloads(activity.input()).value()};
    asked.push_back(one);
    scheduled.push_back(activity);
    if (hang.contains(one.id)) return false;
    const json result = answer(one);
    if (result.is_object() && result.contains("fails")) {
      engine_->FailActivity(
          one.id, {.message = result["fails"], .type = result.value("type", "BROKEN"), .non_retryable = true});
    } else {
      engine_->CompleteActivity(one.id, result);
    }
    return true;
  }
  template <class Started>
  void ServeChild(const Started& child) {
    engine_->StartChild(child.workflow_id());
    const json result = answer_child(child.workflow_id(), core::DecodePayloads(child.input()).value());
    if (result.is_object() && result.contains("fails")) {
      engine_->FailChild(child.workflow_id(),
                         {.message = result["fails"], .type = "CHILD_BROKEN", .non_retryable = true});
    } else {
      engine_->CompleteChild(child.workflow_id(), result);
    }
  }
  static json EndOf(const Command& command, json end) {
    if (command.has_complete_workflow_execution_command_attributes()) {
      return core::DecodePayloads(command.complete_workflow_execution_command_attributes().result()).value();
    }
    if (command.has_fail_workflow_execution_command_attributes()) {
      const auto& failure = command.fail_workflow_execution_command_attributes().failure();
      const auto& info = failure.application_failure_info();
      return {{"failure", failure.message()},
              {"type", info.type()},
              {"details", core::DecodePayloads(info.details()).value()}};
    }
    if (command.has_cancel_workflow_execution_command_attributes()) return {{"cancelled", true}};
    return end;
  }

  sdk::WorkflowRegistry registry_;
  std::unique_ptr<FakeEngine> engine_;
  std::unique_ptr<core::WorkflowTaskHandler> handler_;
};

}  // namespace wfe::workflows
