#include "tests/support/engine_fixture.h"

#include "engine/base/proto_time.h"
#include "temporal/api/enums/v1/event_type.pb.h"
#include "temporal/api/enums/v1/task_queue.pb.h"

namespace wfe::testing {

namespace enums = temporal::api::enums::v1;
namespace cmd = temporal::api::command::v1;

void EngineFixture::Boot() {
  BootAndWait();
  loop_.RunReady();
}

void EngineFixture::BootAndWait() {
  storage::StoreOptions store_options;
  store_options.clock = &loop_;
  store_options.ids = &ids_;
  auto opened = storage::Store::Open(disk_, ledger_, store_options);
  ASSERT_TRUE(opened.has_value()) << opened.error().ToString();
  store_ = *std::move(opened);
  if (check_journals_) store_->executions().CheckJournals();
  loop_.when_idle = [this] { return store_ && store_->stage().RunOnce() > 0; };
  engine_ = std::make_unique<frontend::Engine>(
      options_, frontend::EngineHost{.clock = loop_,
                                     .ids = ids_,
                                     .timers = loop_,
                                     .shard_executors = {&shard_strands_[0], &shard_strands_[1]},
                                     .matching_executor = matching_strand_,
                                     .blocking_executor = blocking_strand_,
                                     .store = *store_,
                                     .monotonic = monotonic_,
                                     .log = &log_,
                                     .metrics = &metrics_},
      authorizer_);
  const Status started = engine_->Start();
  ASSERT_TRUE(started.has_value()) << started.error().ToString();
}

void EngineFixture::Crash() {
  loop_.DropEverything();
  engine_.reset();
  store_.reset();
  loop_.DropEverything();  // a process that is gone answers nobody
  disk_->Crash();
}

void EngineFixture::ExpectListsToAgree() {
  if (!store_) return;
  const storage::ExecutionReader reader(*disk_);
  auto cursor = disk_->Scan(storage::Family::kVisibility, "", "");
  for (; cursor->Valid(); cursor->Next()) {
    engine::v1::VisibilityRecord listed;
    ASSERT_TRUE(listed.ParseFromString(std::string(cursor->value())));
    if (listed.status() == enums::WORKFLOW_EXECUTION_STATUS_RUNNING) continue;
    const auto state = reader.Load({Namespace("default"), WorkflowId(listed.workflow_id()), RunId(listed.run_id())});
    if (!state || !*state) continue;  // of another namespace
    const auto& bookkeeping = (*state)->bookkeeping();
    EXPECT_EQ(listed.history_length(), (*state)->folded().next_event_id() - 1) << listed.workflow_id();
    EXPECT_EQ(listed.history_size_bytes(), bookkeeping.history_size_bytes()) << listed.workflow_id();
    EXPECT_EQ(listed.state_transition_count(), bookkeeping.state_transition_count()) << listed.workflow_id();
  }
  EXPECT_TRUE(cursor->Finish().has_value());
}

// --- The client.

ws::StartWorkflowExecutionRequest EngineFixture::StartRequest(const std::string& workflow_id) {
  ws::StartWorkflowExecutionRequest request;
  request.set_namespace_("default");
  request.set_workflow_id(workflow_id);
  request.mutable_workflow_type()->set_name("T");
  request.mutable_task_queue()->set_name("tq");
  *request.mutable_input() = Payloads("input");
  request.set_identity("client");
  request.set_request_id(ids_.NewUuid());
  return request;
}

std::string EngineFixture::StartWorkflow(const std::string& workflow_id) {
  return Send<ws::StartWorkflowExecutionResponse>("StartWorkflowExecution", StartRequest(workflow_id)).Value().run_id();
}

Pending<ws::SignalWorkflowExecutionResponse> EngineFixture::Signal(const std::string& workflow_id,
                                                                   const std::string& name,
                                                                   const std::string& request_id) {
  ws::SignalWorkflowExecutionRequest request;
  request.set_namespace_("default");
  request.mutable_workflow_execution()->set_workflow_id(workflow_id);
  request.set_signal_name(name);
  request.set_request_id(request_id);
  return Send<ws::SignalWorkflowExecutionResponse>("SignalWorkflowExecution", request);
}

Pending<ws::QueryWorkflowResponse> EngineFixture::Query(const std::string& workflow_id, const std::string& type) {
  ws::QueryWorkflowRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id(workflow_id);
  request.mutable_query()->set_query_type(type);
  return Send<ws::QueryWorkflowResponse>("QueryWorkflow", request, std::chrono::seconds(30));
}

std::vector<temporal::api::history::v1::HistoryEvent> EngineFixture::History(const std::string& workflow_id,
                                                                             const std::string& run_id) {
  ws::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id(workflow_id);
  request.mutable_execution()->set_run_id(run_id);
  std::vector<temporal::api::history::v1::HistoryEvent> events;
  do {
    const auto page = Send<ws::GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", request).Value();
    events.insert(events.end(), page.history().events().begin(), page.history().events().end());
    request.set_next_page_token(page.next_page_token());
  } while (!request.next_page_token().empty());
  return events;
}

std::string EngineFixture::EventNames(const std::string& workflow_id, const std::string& run_id) {
  std::string names;
  for (const auto& event : History(workflow_id, run_id)) {
    // EVENT_TYPE_WORKFLOW_TASK_STARTED -> WorkflowTaskStarted
    const std::string name = enums::EventType_Name(event.event_type()).substr(sizeof "EVENT_TYPE_" - 1);
    if (!names.empty()) names += ' ';
    bool capital = true;
    for (const char c : name) {
      if (c == '_') {
        capital = true;
        continue;
      }
      names += capital ? c : static_cast<char>(c - 'A' + 'a');
      capital = false;
    }
  }
  return names;
}

// --- The worker.

Pending<ws::PollWorkflowTaskQueueResponse> EngineFixture::PollWorkflow(const std::string& queue) {
  ws::PollWorkflowTaskQueueRequest request;
  request.set_namespace_("default");
  request.mutable_task_queue()->set_name(queue);
  request.mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  request.set_identity("worker");
  return Send<ws::PollWorkflowTaskQueueResponse>("PollWorkflowTaskQueue", request);
}

Pending<ws::PollWorkflowTaskQueueResponse> EngineFixture::PollSticky() {
  ws::PollWorkflowTaskQueueRequest request;
  request.set_namespace_("default");
  request.mutable_task_queue()->set_name("sticky");
  request.mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_STICKY);
  request.mutable_task_queue()->set_normal_name("tq");
  request.set_identity("worker");
  return Send<ws::PollWorkflowTaskQueueResponse>("PollWorkflowTaskQueue", request);
}

Pending<ws::PollActivityTaskQueueResponse> EngineFixture::PollActivity(const std::string& queue) {
  ws::PollActivityTaskQueueRequest request;
  request.set_namespace_("default");
  request.mutable_task_queue()->set_name(queue);
  request.set_identity("worker");
  return Send<ws::PollActivityTaskQueueResponse>("PollActivityTaskQueue", request);
}

ws::RespondWorkflowTaskCompletedRequest EngineFixture::Completion(const ws::PollWorkflowTaskQueueResponse& task) {
  EXPECT_FALSE(task.task_token().empty()) << "there is no task to complete";
  ws::RespondWorkflowTaskCompletedRequest request;
  request.set_namespace_("default");
  request.set_task_token(task.task_token());
  request.set_identity("worker");
  request.mutable_sticky_attributes()->mutable_worker_task_queue()->set_name("sticky");
  request.mutable_sticky_attributes()->mutable_worker_task_queue()->set_kind(enums::TASK_QUEUE_KIND_STICKY);
  request.mutable_sticky_attributes()->mutable_worker_task_queue()->set_normal_name("tq");
  request.mutable_sticky_attributes()->mutable_schedule_to_start_timeout()->set_seconds(10);
  return request;
}

Pending<ws::RespondWorkflowTaskCompletedResponse> EngineFixture::Complete(
    const ws::RespondWorkflowTaskCompletedRequest& request) {
  return Send<ws::RespondWorkflowTaskCompletedResponse>("RespondWorkflowTaskCompleted", request);
}

void EngineFixture::IdleAfterFirstTask() { Complete(Completion(PollWorkflow().Value())).Value(); }

Pending<ws::RespondActivityTaskCompletedResponse> EngineFixture::CompleteActivity(const std::string& token,
                                                                                  const std::string& result) {
  ws::RespondActivityTaskCompletedRequest request;
  request.set_namespace_("default");
  request.set_task_token(token);
  *request.mutable_result() = Payloads(result);
  request.set_identity("worker");
  return Send<ws::RespondActivityTaskCompletedResponse>("RespondActivityTaskCompleted", request);
}

cmd::Command EngineFixture::ScheduleActivity(const std::string& id) {
  cmd::Command command;
  command.set_command_type(enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK);
  auto& attributes = *command.mutable_schedule_activity_task_command_attributes();
  attributes.set_activity_id(id);
  attributes.mutable_activity_type()->set_name("A");
  attributes.mutable_task_queue()->set_name("tq");
  *attributes.mutable_input() = Payloads("activity input");
  attributes.mutable_start_to_close_timeout()->set_seconds(10);
  return command;
}

cmd::Command EngineFixture::StartTimer(const std::string& id, Duration duration) {
  cmd::Command command;
  command.set_command_type(enums::COMMAND_TYPE_START_TIMER);
  command.mutable_start_timer_command_attributes()->set_timer_id(id);
  *command.mutable_start_timer_command_attributes()->mutable_start_to_fire_timeout() = ToProto(duration);
  return command;
}

cmd::Command EngineFixture::CompleteWorkflow(const std::string& result) {
  cmd::Command command;
  command.set_command_type(enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION);
  *command.mutable_complete_workflow_execution_command_attributes()->mutable_result() = Payloads(result);
  return command;
}

temporal::api::common::v1::Payloads EngineFixture::Payloads(const std::string& text) {
  temporal::api::common::v1::Payloads payloads;
  auto* payload = payloads.add_payloads();
  (*payload->mutable_metadata())["encoding"] = "binary/plain";
  payload->set_data(text);
  return payloads;
}

}  // namespace wfe::testing
