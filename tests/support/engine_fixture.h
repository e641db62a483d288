// A whole engine over a store in memory, on one thread, with a client and a worker written by hand.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/id_source.h"
#include "engine/base/metrics.h"
#include "engine/frontend/call_context.h"
#include "engine/frontend/engine.h"
#include "engine/storage/ledger.h"
#include "engine/storage/memory_key_value_store.h"
#include "engine/storage/store.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "tests/support/recorded_log.h"
#include "tests/support/strand_loop.h"
#include "tests/support/test_call.h"

namespace wfe::testing {

namespace ws = temporal::api::workflowservice::v1;

/// Owns disk, process and clock.  Requests go through the Dispatcher as bytes.
class EngineFixture : public ::testing::Test {
 protected:
  /// What a test looks at is not repaired behind its back.
  EngineFixture() { options_.check_derived_every = Duration::zero(); }
  static constexpr const char* kService = "temporal.api.workflowservice.v1.WorkflowService";

  void SetUp() override { Boot(); }
  void TearDown() override {
    ExpectListsToAgree();
    engine_.reset();
    store_.reset();
  }

  /// Starts a process on the disk as it is.
  void Boot();
  /// The same, up to where it serves: nothing has run yet of what the start has posted.
  void BootAndWait();
  /// Kills the process: what was not synced is gone.
  void Crash();
  /// Of every closed run the list says what Describe says (H6).
  void ExpectListsToAgree();

  /// Sends a request and lets everything happen that needs no time.
  template <class Response, class Request>
  Pending<Response> Send(const std::string& method, const Request& request,
                         Duration timeout = std::chrono::seconds(70)) {
    auto call = std::make_shared<TestCall>(loop_.Now() + timeout);
    engine_->dispatcher().Dispatch(kService, method, request.SerializeAsString(), call);
    loop_.RunReady();
    return Pending<Response>(std::move(call));
  }

  // --- The client.
  ws::StartWorkflowExecutionRequest StartRequest(const std::string& workflow_id);
  /// Starts "w" style workflows of type "T" on queue "tq"; returns the run id.
  std::string StartWorkflow(const std::string& workflow_id);
  Pending<ws::SignalWorkflowExecutionResponse> Signal(const std::string& workflow_id, const std::string& name,
                                                      const std::string& request_id = {});
  Pending<ws::QueryWorkflowResponse> Query(const std::string& workflow_id, const std::string& type);
  std::vector<temporal::api::history::v1::HistoryEvent> History(const std::string& workflow_id,
                                                                const std::string& run_id = {});
  /// "WorkflowExecutionStarted WorkflowTaskScheduled …".
  std::string EventNames(const std::string& workflow_id, const std::string& run_id = {});

  // --- The worker.
  Pending<ws::PollWorkflowTaskQueueResponse> PollWorkflow(const std::string& queue = "tq");
  Pending<ws::PollWorkflowTaskQueueResponse> PollSticky();
  Pending<ws::PollActivityTaskQueueResponse> PollActivity(const std::string& queue = "tq");
  ws::RespondWorkflowTaskCompletedRequest Completion(const ws::PollWorkflowTaskQueueResponse& task);
  Pending<ws::RespondWorkflowTaskCompletedResponse> Complete(const ws::RespondWorkflowTaskCompletedRequest& request);
  /// Polls for a workflow task that must be there and completes it with no command, keeping the run in a sticky cache.
  void IdleAfterFirstTask();
  Pending<ws::RespondActivityTaskCompletedResponse> CompleteActivity(const std::string& token,
                                                                     const std::string& result = "ok");

  static temporal::api::command::v1::Command ScheduleActivity(const std::string& id);
  static temporal::api::command::v1::Command StartTimer(const std::string& id, Duration duration);
  static temporal::api::command::v1::Command CompleteWorkflow(const std::string& result = "done");
  static temporal::api::common::v1::Payloads Payloads(const std::string& text);

  StrandLoop loop_;
  StrandLoop::Strand shard_strands_[2] = {StrandLoop::Strand(loop_), StrandLoop::Strand(loop_)};
  StrandLoop::Strand matching_strand_{loop_};
  StrandLoop::Strand blocking_strand_{loop_};
  SeededIdSource ids_{42};
  std::shared_ptr<storage::MemoryKeyValueStore> disk_ = std::make_shared<storage::MemoryKeyValueStore>();
  std::shared_ptr<storage::MemoryLedger> ledger_ = std::make_shared<storage::MemoryLedger>();
  frontend::EngineOptions options_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<frontend::Engine> engine_;
  bool check_journals_ = true;  // every checkpoint is held against the rows before it
  RecordedLog log_;         // what the engine told its operator
  MetricsRegistry metrics_;  // and counted
  const Clock* monotonic_ = nullptr;                  // a clock of their own for those who wait
  const frontend::Authorizer* authorizer_ = nullptr;  // null: everybody may do everything
};

}  // namespace wfe::testing
