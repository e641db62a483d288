// A worker on a virtual-time loop, against a service in memory, with activities and a workflow handler that the test
// scripts.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "engine/base/id_source.h"
#include "tests/support/event_loop.h"
#include "tests/workers/fake_service.h"
#include "workers/host/worker.h"
#include "workers/sdk/workflow_registry.h"

namespace wfe::worker {

using namespace std::chrono_literals;

/// Runs nothing by itself: the test decides when the code runs and when its result comes.
class ScriptedExecutor final : public ActivityExecutor {
 public:
  struct Item {
    std::shared_ptr<sdk::ActivityContext> context;
    Work work;
    Done done;
  };
  void Execute(std::shared_ptr<sdk::ActivityContext> context, Work work, Done done) override {
    items.push_back({std::move(context), std::move(work), std::move(done)});
  }
  void FinishFirst() {
    Item item = std::move(items.front());
    items.pop_front();
    item.done(item.work());
  }
  std::deque<Item> items;
};

/// Answers with what the test put in, else completes the task without commands.
class ScriptedHandler final : public TaskHandler {
 public:
  core::TaskAnswer Handle(const ws::PollWorkflowTaskQueueResponse& task,
                          std::shared_ptr<const core::Acknowledgement> answered) override {
    tasks.push_back(task);
    acknowledgements.push_back(std::move(answered));
    if (answers.empty()) return ws::RespondWorkflowTaskCompletedRequest();
    core::TaskAnswer answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }
  void Evict(const std::string& run_id) override { evicted.push_back(run_id); }

  std::vector<ws::PollWorkflowTaskQueueResponse> tasks;
  std::vector<std::shared_ptr<const core::Acknowledgement>> acknowledgements;  // of each task
  std::deque<core::TaskAnswer> answers;
  std::vector<std::string> evicted;
};

class WorkerTest : public testing::Test {
 protected:
  WorkerTest() {
    ws::GetSystemInfoResponse info;
    info.set_server_version("1.2.3");
    service_.Always("GetSystemInfo", info);
    service_.Always("DescribeNamespace", ws::DescribeNamespaceResponse());
    service_.Always("ShutdownWorker", ws::ShutdownWorkerResponse());
    options_.task_queue = "queue";
    options_.identity = "1@host";
    options_.workflow_pollers = 1;
    options_.sticky_pollers = 1;
    options_.activity_pollers = 1;
    options_.on_completion_acknowledged = [this](const std::string& token) { acknowledged_.push_back(token); };
    activities_.RegisterErased("echo", [](sdk::ActivityContext&, const nlohmann::json& input) {
      return sdk::ActivityResult<nlohmann::json>(input);
    });
  }

  ~WorkerTest() override {
    loop_.OnLoop([this] { worker_.reset(); });
  }

  /// Makes the worker; `handler_` is null when it serves no workflows.
  void Make(bool workflows = true) {
    auto handler = workflows ? std::make_unique<ScriptedHandler>() : nullptr;
    handler_ = handler.get();
    Environment environment{service_,
                            loop_,
                            loop_,
                            loop_,
                            ids_,
                            [this](LogLevel, std::string_view message) { log_.emplace_back(message); },
                            workflow_code_};
    worker_ = std::make_unique<Worker>(environment, executor_, workflows_, activities_, options_, std::move(handler));
  }
  void MakeAndStart(bool workflows = true) {
    Make(workflows);
    loop_.OnLoop([this] { worker_->Start(); });
  }

  static ws::PollActivityTaskQueueResponse ActivityTask(const std::string& type = "echo",
                                                        const std::string& input = "\"hello\"") {
    ws::PollActivityTaskQueueResponse task;
    task.set_task_token("token-" + type);
    task.mutable_workflow_execution()->set_workflow_id("w");
    task.mutable_workflow_execution()->set_run_id("run-1");
    task.mutable_activity_type()->set_name(type);
    task.set_activity_id("a1");
    task.set_attempt(1);
    task.mutable_start_to_close_timeout()->set_seconds(100);
    task.mutable_heartbeat_timeout()->set_seconds(10);
    auto& payload = *task.mutable_input()->add_payloads();
    (*payload.mutable_metadata())["encoding"] = "json/plain";
    payload.set_data(input);
    return task;
  }

  static ws::PollWorkflowTaskQueueResponse WorkflowTask(int64_t first_event_id = 1) {
    ws::PollWorkflowTaskQueueResponse task;
    task.set_task_token("workflow-token");
    task.mutable_workflow_execution()->set_workflow_id("w");
    task.mutable_workflow_execution()->set_run_id("run-1");
    for (int64_t id = first_event_id; id < first_event_id + 3; ++id) {
      task.mutable_history()->add_events()->set_event_id(id);
    }
    return task;
  }

  static ws::PollWorkflowTaskQueueResponse OfRun(const std::string& run_id) {
    ws::PollWorkflowTaskQueueResponse task = WorkflowTask();
    task.mutable_workflow_execution()->set_run_id(run_id);
    return task;
  }

  void GiveActivity(const ws::PollActivityTaskQueueResponse& task) {
    ASSERT_TRUE(service_.Answer("PollActivityTaskQueue", task));
    loop_.RunReady();
  }
  void GiveWorkflowTask(const ws::PollWorkflowTaskQueueResponse& task) {
    ASSERT_TRUE(service_.Answer("PollWorkflowTaskQueue", task));
    loop_.RunReady();
  }
  void FinishActivity() {
    executor_.FinishFirst();
    loop_.RunReady();
  }

  FakeService service_;
  support::EventLoop loop_;
  SeededIdSource ids_{7};
  Executor* workflow_code_ = nullptr;  // before Make
  ScriptedExecutor executor_;
  ScriptedHandler* handler_ = nullptr;
  sdk::WorkflowRegistry workflows_;
  sdk::ActivityRegistry activities_;
  WorkerOptions options_;
  std::vector<std::string> log_;
  std::vector<std::string> acknowledged_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace wfe::worker
