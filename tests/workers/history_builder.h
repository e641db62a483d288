// A small stand-in for the engine: keeps one run's history, hands out workflow tasks and turns their answers into
// events, in the order in which the engine does it.  Tests say what the outside world does: activities end, timers
// fire, signals arrive.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "temporal/api/history/v1/message.pb.h"
#include "workers/core/failure_codec.h"
#include "workers/core/payload_codec.h"
#include "workers/core/replayer.h"
#include "workers/core/workflow_task_handler.h"
#include "workers/sdk/workflow.h"

namespace wfe::core::testing {

namespace enums = temporal::api::enums::v1;
using temporal::api::command::v1::Command;
using temporal::api::history::v1::History;
using temporal::api::history::v1::HistoryEvent;
using json = nlohmann::json;

class FakeEngine {
 public:
  explicit FakeEngine(std::string run_id = "run-1", std::string workflow_id = "workflow-1")
      : run_id_(std::move(run_id)), workflow_id_(std::move(workflow_id)) {}

  // ---- The outside world -----------------------------------------------------------------------------------------

  HistoryEvent& Start(const std::string& type, const json& input = nullptr) {
    auto& event = Append(enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED);
    auto& a = *event.mutable_workflow_execution_started_event_attributes();
    a.mutable_workflow_type()->set_name(type);
    a.mutable_task_queue()->set_name("builds");
    *a.mutable_input() = EncodePayloads(input);
    a.set_workflow_id(workflow_id_);
    a.set_original_execution_run_id(run_id_);
    a.set_first_execution_run_id(run_id_);
    a.set_attempt(1);
    return event;
  }
  HistoryEvent& Signal(const std::string& name, const json& input) {
    HistoryEvent& event = External(enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED);
    auto& a = *event.mutable_workflow_execution_signaled_event_attributes();
    a.set_signal_name(name);
    *a.mutable_input() = EncodePayloads(input);
    return event;
  }
  void RequestCancel(const std::string& cause = "") {
    External(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED)
        .mutable_workflow_execution_cancel_requested_event_attributes()
        ->set_cause(cause);
  }
  void FireTimer(const std::string& id) {
    auto& a = *External(enums::EVENT_TYPE_TIMER_FIRED).mutable_timer_fired_event_attributes();
    a.set_timer_id(id);
    a.set_started_event_id(timers_.at(id));
  }
  void CompleteActivity(const std::string& id, const json& result) {
    const auto [scheduled, started] = StartActivity(id);
    auto& a = *External(enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED).mutable_activity_task_completed_event_attributes();
    a.set_scheduled_event_id(scheduled);
    a.set_started_event_id(started);
    *a.mutable_result() = EncodePayloads(result);
  }
  void FailActivity(const std::string& id, const sdk::ApplicationFailure& failure,
                    enums::RetryState retry_state = enums::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED) {
    const auto [scheduled, started] = StartActivity(id);
    auto& a = *External(enums::EVENT_TYPE_ACTIVITY_TASK_FAILED).mutable_activity_task_failed_event_attributes();
    a.set_scheduled_event_id(scheduled);
    a.set_started_event_id(started);
    a.set_retry_state(retry_state);
    *a.mutable_failure() = EncodeFailure(failure);
  }
  void TimeOutActivity(const std::string& id, enums::TimeoutType type, const json& heartbeat_details = nullptr) {
    const auto [scheduled, started] = StartActivity(id);
    auto& a = *External(enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT).mutable_activity_task_timed_out_event_attributes();
    a.set_scheduled_event_id(scheduled);
    a.set_started_event_id(started);
    a.set_retry_state(enums::RETRY_STATE_TIMEOUT);
    a.mutable_failure()->set_message("activity timed out");
    auto& info = *a.mutable_failure()->mutable_timeout_failure_info();
    info.set_timeout_type(type);
    if (!heartbeat_details.is_null()) *info.mutable_last_heartbeat_details() = EncodePayloads(heartbeat_details);
  }
  void CancelActivity(const std::string& id, const json& details = nullptr) {
    const auto [scheduled, started] = StartActivity(id);
    auto& a = *External(enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED).mutable_activity_task_canceled_event_attributes();
    a.set_scheduled_event_id(scheduled);
    a.set_started_event_id(started);
    if (!details.is_null()) *a.mutable_details() = EncodePayloads(details);
  }

  // Children, by workflow id.

  void StartChild(const std::string& id, const std::string& run_id = "child-run") {
    HistoryEvent& event = External(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED);
    auto& a = *event.mutable_child_workflow_execution_started_event_attributes();
    AboutChild(a, id, run_id);
    a.set_initiated_event_id(children_.at(id).initiated);
    children_[id].run_id = run_id;
    children_[id].started = event.event_id();
  }
  void FailChildStart(const std::string& id, enums::StartChildWorkflowExecutionFailedCause cause) {
    auto& a = *External(enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED)
                   .mutable_start_child_workflow_execution_failed_event_attributes();
    a.set_workflow_id(id);
    a.set_cause(cause);
    a.set_initiated_event_id(children_.at(id).initiated);
  }
  void CompleteChild(const std::string& id, const json& result) {
    auto& a = *External(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED)
                   .mutable_child_workflow_execution_completed_event_attributes();
    EndOfChild(a, id);
    *a.mutable_result() = EncodePayloads(result);
  }
  void FailChild(const std::string& id, const sdk::ApplicationFailure& failure,
                 enums::RetryState retry_state = enums::RETRY_STATE_RETRY_POLICY_NOT_SET) {
    auto& a = *External(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED)
                   .mutable_child_workflow_execution_failed_event_attributes();
    EndOfChild(a, id);
    a.set_retry_state(retry_state);
    *a.mutable_failure() = EncodeFailure(failure);
  }
  void CancelChild(const std::string& id, const json& details = nullptr) {
    auto& a = *External(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED)
                   .mutable_child_workflow_execution_canceled_event_attributes();
    EndOfChild(a, id);
    if (!details.is_null()) *a.mutable_details() = EncodePayloads(details);
  }
  void TimeOutChild(const std::string& id) {
    auto& a = *External(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT)
                   .mutable_child_workflow_execution_timed_out_event_attributes();
    EndOfChild(a, id);
    a.set_retry_state(enums::RETRY_STATE_TIMEOUT);
  }
  void TerminateChild(const std::string& id) {
    EndOfChild(*External(enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED)
                    .mutable_child_workflow_execution_terminated_event_attributes(),
               id);
  }

  // The oldest open request to a workflow, by its id.

  void DeliverSignal(const std::string& id) {
    External(enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED)
        .mutable_external_workflow_execution_signaled_event_attributes()
        ->set_initiated_event_id(TakeRequest(id));
  }
  void RefuseSignal(const std::string& id, enums::SignalExternalWorkflowExecutionFailedCause cause) {
    auto& a = *External(enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED)
                   .mutable_signal_external_workflow_execution_failed_event_attributes();
    a.set_initiated_event_id(TakeRequest(id));
    a.set_cause(cause);
  }
  void DeliverCancel(const std::string& id) {
    External(enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED)
        .mutable_external_workflow_execution_cancel_requested_event_attributes()
        ->set_initiated_event_id(TakeRequest(id));
  }
  void RefuseCancel(const std::string& id, enums::CancelExternalWorkflowExecutionFailedCause cause) {
    auto& a = *External(enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED)
                   .mutable_request_cancel_external_workflow_execution_failed_event_attributes();
    a.set_initiated_event_id(TakeRequest(id));
    a.set_cause(cause);
  }

  // ---- Workflow tasks --------------------------------------------------------------------------------------------

  /// Starts a workflow task; what happens until its answer is buffered, as the engine does.
  ws::PollWorkflowTaskQueueResponse BeginTask(bool sticky) {
    Append(enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED);
    auto& started = Append(enums::EVENT_TYPE_WORKFLOW_TASK_STARTED);
    started.mutable_workflow_task_started_event_attributes()->set_scheduled_event_id(started.event_id() - 1);
    started_ = started.event_id();
    task_open_ = true;
    ws::PollWorkflowTaskQueueResponse task = Envelope();
    task.set_started_event_id(started_);
    for (const HistoryEvent& event : history_.events()) {
      if (!sticky || event.event_id() > previous_started_) *task.mutable_history()->add_events() = event;
    }
    return task;
  }
  /// A query task outside workflow tasks.
  ws::PollWorkflowTaskQueueResponse QueryTask(const std::string& name, bool sticky, const json& input = nullptr) {
    ws::PollWorkflowTaskQueueResponse task = Envelope();
    task.mutable_query()->set_query_type(name);
    *task.mutable_query()->mutable_query_args() = EncodePayloads(input);
    if (!sticky) *task.mutable_history() = history_;
    return task;
  }
  void EndTask(const ws::RespondWorkflowTaskCompletedRequest& answer) {
    auto& completed = Append(enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED);
    completed.mutable_workflow_task_completed_event_attributes()->set_started_event_id(started_);
    const int64_t completed_id = completed.event_id();
    for (const Command& command : answer.commands()) Record(command, completed_id);
    CloseTask();
    previous_started_ = started_;
  }
  void TimeOutTask() {
    Append(enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT);
    CloseTask();
  }
  void FailTask(const ws::RespondWorkflowTaskFailedRequest& answer) {
    auto& a = *Append(enums::EVENT_TYPE_WORKFLOW_TASK_FAILED).mutable_workflow_task_failed_event_attributes();
    a.set_cause(answer.cause());
    *a.mutable_failure() = answer.failure();
    CloseTask();
  }

  /// One workflow task from start to end; the answer must be commands.
  ws::RespondWorkflowTaskCompletedRequest RunTask(WorkflowTaskHandler& handler, bool sticky = true) {
    const auto answered = std::make_shared<Acknowledgement>();
    const TaskAnswer answer = handler.Handle(BeginTask(sticky && previous_started_ > 0), answered);
    if (const auto* failed = std::get_if<ws::RespondWorkflowTaskFailedRequest>(&answer)) {
      ADD_FAILURE() << "the task failed: " << failed->failure().message();
      return {};
    }
    if (!std::holds_alternative<ws::RespondWorkflowTaskCompletedRequest>(answer)) {
      ADD_FAILURE() << "the handler wants the whole history";
      return {};
    }
    const auto& completed = std::get<ws::RespondWorkflowTaskCompletedRequest>(answer);
    EndTask(completed);
    answered->Give();
    return completed;
  }
  /// One workflow task whose answer must be a failure.
  ws::RespondWorkflowTaskFailedRequest RunFailingTask(WorkflowTaskHandler& handler, bool sticky = true) {
    const TaskAnswer answer = handler.Handle(BeginTask(sticky && previous_started_ > 0));
    const auto* failed = std::get_if<ws::RespondWorkflowTaskFailedRequest>(&answer);
    if (failed == nullptr) {
      ADD_FAILURE() << "the task did not fail";
      return {};
    }
    FailTask(*failed);
    return *failed;
  }

  const History& history() const { return history_; }
  History& mutable_history() { return history_; }
  History Prefix(int events) const {
    History prefix;
    for (int i = 0; i < events; ++i) *prefix.add_events() = history_.events(i);
    return prefix;
  }
  const std::string& run_id() const { return run_id_; }
  HistoryEvent& Append(enums::EventType type) { return Stamp(*history_.add_events(), type); }

 private:
  ws::PollWorkflowTaskQueueResponse Envelope() const {
    ws::PollWorkflowTaskQueueResponse task;
    task.set_task_token("token");
    task.mutable_workflow_execution()->set_workflow_id(workflow_id_);
    task.mutable_workflow_execution()->set_run_id(run_id_);
    task.set_previous_started_event_id(previous_started_);
    task.set_attempt(1);
    return task;
  }
  /// From outside: into the history, or behind the open task's answer.
  HistoryEvent& External(enums::EventType type) {
    if (!task_open_) return Append(type);
    HistoryEvent& event = *buffered_.add_events();
    event.set_event_type(type);
    return event;
  }
  HistoryEvent& Stamp(HistoryEvent& event, enums::EventType type) {
    event.set_event_type(type);
    event.set_event_id(history_.events().size());
    event.mutable_event_time()->set_seconds(1'700'000'000 + event.event_id());
    return event;
  }
  void CloseTask() {
    task_open_ = false;
    for (HistoryEvent& event : *buffered_.mutable_events()) {
      auto& appended = *history_.add_events();
      appended = event;
      Stamp(appended, event.event_type());
    }
    buffered_.clear_events();
  }
  std::pair<int64_t, int64_t> StartActivity(const std::string& id) {
    const int64_t scheduled = activities_.at(id);
    auto& event = External(enums::EVENT_TYPE_ACTIVITY_TASK_STARTED);
    event.mutable_activity_task_started_event_attributes()->set_scheduled_event_id(scheduled);
    return {scheduled, event.event_id()};
  }
  struct Child {
    int64_t initiated = 0;
    int64_t started = 0;
    std::string type;
    std::string run_id;
  };
  template <class Attributes>
  void AboutChild(Attributes& a, const std::string& id, const std::string& run_id) {
    a.set_namespace_("default");
    a.mutable_workflow_execution()->set_workflow_id(id);
    a.mutable_workflow_execution()->set_run_id(run_id);
    a.mutable_workflow_type()->set_name(children_.at(id).type);
  }
  template <class Attributes>
  void EndOfChild(Attributes& a, const std::string& id) {
    const Child& child = children_.at(id);
    AboutChild(a, id, child.run_id);
    a.set_initiated_event_id(child.initiated);
    a.set_started_event_id(child.started);
  }
  int64_t TakeRequest(const std::string& id) {
    auto& open = requests_.at(id);
    const int64_t initiated = open.front();
    open.erase(open.begin());
    return initiated;
  }
  void Record(const Command& command, int64_t completed_id);
  void RecordOther(const Command& command, int64_t completed_id);

  std::string run_id_;
  std::string workflow_id_;
  History history_;
  History buffered_;
  bool task_open_ = false;
  int64_t started_ = 0;
  int64_t previous_started_ = 0;
  std::map<std::string, int64_t> activities_;  // scheduled event id by activity id
  std::map<std::string, int64_t> timers_;
  std::map<std::string, Child> children_;                  // by workflow id
  std::map<std::string, std::vector<int64_t>> requests_;  // initiated event ids by workflow id
};

/// Commands about other workflows.
inline void FakeEngine::RecordOther(const Command& command, int64_t completed_id) {
  switch (command.command_type()) {
    case enums::COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION: {
      const auto& c = command.start_child_workflow_execution_command_attributes();
      auto& event = Append(enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED);
      auto& a = *event.mutable_start_child_workflow_execution_initiated_event_attributes();
      a.set_workflow_id(c.workflow_id());
      *a.mutable_workflow_type() = c.workflow_type();
      *a.mutable_input() = c.input();
      a.set_parent_close_policy(c.parent_close_policy());
      a.set_workflow_task_completed_event_id(completed_id);
      children_[c.workflow_id()] = {event.event_id(), 0, c.workflow_type().name(), ""};
      return;
    }
    case enums::COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION: {
      const auto& c = command.signal_external_workflow_execution_command_attributes();
      auto& event = Append(enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED);
      auto& a = *event.mutable_signal_external_workflow_execution_initiated_event_attributes();
      *a.mutable_workflow_execution() = c.execution();
      a.set_signal_name(c.signal_name());
      *a.mutable_input() = c.input();
      a.set_child_workflow_only(c.child_workflow_only());
      requests_[c.execution().workflow_id()].push_back(event.event_id());
      return;
    }
    case enums::COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION: {
      const auto& c = command.request_cancel_external_workflow_execution_command_attributes();
      auto& event = Append(enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED);
      auto& a = *event.mutable_request_cancel_external_workflow_execution_initiated_event_attributes();
      a.mutable_workflow_execution()->set_workflow_id(c.workflow_id());
      a.mutable_workflow_execution()->set_run_id(c.run_id());
      a.set_child_workflow_only(c.child_workflow_only());
      a.set_reason(c.reason());
      requests_[c.workflow_id()].push_back(event.event_id());
      return;
    }
    default:
      FAIL() << "a command the fake engine does not know: " << command.ShortDebugString();
  }
}

inline void FakeEngine::Record(const Command& command, int64_t completed_id) {
  switch (command.command_type()) {
    case enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK: {
      const auto& c = command.schedule_activity_task_command_attributes();
      auto& event = Append(enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED);
      auto& a = *event.mutable_activity_task_scheduled_event_attributes();
      a.set_activity_id(c.activity_id());
      *a.mutable_activity_type() = c.activity_type();
      *a.mutable_input() = c.input();
      a.set_workflow_task_completed_event_id(completed_id);
      activities_[c.activity_id()] = event.event_id();
      return;
    }
    case enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK: {
      const int64_t scheduled = command.request_cancel_activity_task_command_attributes().scheduled_event_id();
      Append(enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED)
          .mutable_activity_task_cancel_requested_event_attributes()
          ->set_scheduled_event_id(scheduled);
      return;
    }
    case enums::COMMAND_TYPE_START_TIMER: {
      const auto& c = command.start_timer_command_attributes();
      auto& event = Append(enums::EVENT_TYPE_TIMER_STARTED);
      event.mutable_timer_started_event_attributes()->set_timer_id(c.timer_id());
      *event.mutable_timer_started_event_attributes()->mutable_start_to_fire_timeout() = c.start_to_fire_timeout();
      timers_[c.timer_id()] = event.event_id();
      return;
    }
    case enums::COMMAND_TYPE_CANCEL_TIMER: {
      const std::string& id = command.cancel_timer_command_attributes().timer_id();
      auto& event = Append(enums::EVENT_TYPE_TIMER_CANCELED);
      event.mutable_timer_canceled_event_attributes()->set_timer_id(id);
      // The worker did not see it fire, so it did not fire.
      auto& events = *buffered_.mutable_events();
      for (int i = events.size() - 1; i >= 0; --i) {
        if (events[i].has_timer_fired_event_attributes() && events[i].timer_fired_event_attributes().timer_id() == id) {
          events.DeleteSubrange(i, 1);
        }
      }
      return;
    }
    case enums::COMMAND_TYPE_RECORD_MARKER: {
      const auto& c = command.record_marker_command_attributes();
      auto& a = *Append(enums::EVENT_TYPE_MARKER_RECORDED).mutable_marker_recorded_event_attributes();
      a.set_marker_name(c.marker_name());
      *a.mutable_details() = c.details();
      a.set_workflow_task_completed_event_id(completed_id);
      return;
    }
    case enums::COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
      *Append(enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES)
           .mutable_upsert_workflow_search_attributes_event_attributes()
           ->mutable_search_attributes() =
          command.upsert_workflow_search_attributes_command_attributes().search_attributes();
      return;
    case enums::COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES:
      *Append(enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED)
           .mutable_workflow_properties_modified_event_attributes()
           ->mutable_upserted_memo() = command.modify_workflow_properties_command_attributes().upserted_memo();
      return;
    case enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION:
      *Append(enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)
           .mutable_workflow_execution_completed_event_attributes()
           ->mutable_result() = command.complete_workflow_execution_command_attributes().result();
      return;
    case enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION:
      *Append(enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED)
           .mutable_workflow_execution_failed_event_attributes()
           ->mutable_failure() = command.fail_workflow_execution_command_attributes().failure();
      return;
    case enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION:
      Append(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED).mutable_workflow_execution_canceled_event_attributes();
      return;
    case enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION:
      Append(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW)
          .mutable_workflow_execution_continued_as_new_event_attributes()
          ->set_initiator(enums::CONTINUE_AS_NEW_INITIATOR_WORKFLOW);
      return;
    default:
      RecordOther(command, completed_id);
  }
}

/// "ScheduleActivityTask build #1", "StartTimer 1", "CompleteWorkflowExecution \"ok\"": commands as a list to compare.
inline std::string Describe(const Command& command) {
  switch (command.command_type()) {
    case enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK: {
      const auto& a = command.schedule_activity_task_command_attributes();
      return "ScheduleActivityTask " + a.activity_type().name() + " #" + a.activity_id();
    }
    case enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK:
      return "RequestCancelActivityTask " +
             std::to_string(command.request_cancel_activity_task_command_attributes().scheduled_event_id());
    case enums::COMMAND_TYPE_START_TIMER:
      return "StartTimer " + command.start_timer_command_attributes().timer_id();
    case enums::COMMAND_TYPE_CANCEL_TIMER:
      return "CancelTimer " + command.cancel_timer_command_attributes().timer_id();
    case enums::COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION: {
      const auto& a = command.start_child_workflow_execution_command_attributes();
      return "StartChildWorkflowExecution " + a.workflow_type().name() + " #" + a.workflow_id();
    }
    case enums::COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION: {
      const auto& a = command.signal_external_workflow_execution_command_attributes();
      return std::string(a.child_workflow_only() ? "SignalChild " : "SignalExternal ") + a.signal_name() + " #" +
             a.execution().workflow_id() + " " + a.input().payloads(0).data();
    }
    case enums::COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION: {
      const auto& a = command.request_cancel_external_workflow_execution_command_attributes();
      return std::string(a.child_workflow_only() ? "RequestCancelChild #" : "RequestCancelExternal #") +
             a.workflow_id();
    }
    case enums::COMMAND_TYPE_RECORD_MARKER:
      return "RecordMarker " + command.record_marker_command_attributes().marker_name();
    case enums::COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
      return "UpsertWorkflowSearchAttributes";
    case enums::COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES:
      return "ModifyWorkflowProperties";
    case enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION:
      return "CompleteWorkflowExecution " +
             command.complete_workflow_execution_command_attributes().result().payloads(0).data();
    case enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION:
      return "FailWorkflowExecution " + command.fail_workflow_execution_command_attributes().failure().message();
    case enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION:
      return "CancelWorkflowExecution";
    case enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION:
      return "ContinueAsNewWorkflowExecution " +
             command.continue_as_new_workflow_execution_command_attributes().input().payloads(0).data();
    default:
      return command.ShortDebugString();
  }
}

inline std::vector<std::string> Commands(const ws::RespondWorkflowTaskCompletedRequest& answer) {
  std::vector<std::string> list;
  for (const Command& command : answer.commands()) list.push_back(Describe(command));
  return list;
}

/// For an answer that the engine takes.
inline std::shared_ptr<Acknowledgement> Taken() {
  auto answered = std::make_shared<Acknowledgement>();
  answered->Give();
  return answered;
}

inline HandlerOptions Options(size_t cached = 10) {
  return {.identity = "worker-1", .build_id = "build-1", .max_cached_workflows = cached, .sticky_queue = "sticky-1"};
}

/// Every prefix of the history replays, wherever it ends (replay_every_prefix).
inline void ExpectEveryPrefixReplays(const FakeEngine& engine, const sdk::WorkflowRegistry& registry) {
  for (int n = 1; n <= engine.history().events().size(); ++n) {
    const ReplayReport report = Replay(engine.Prefix(n), registry);
    EXPECT_TRUE(report.deterministic()) << "the first " << n << " events: " << report.ToString();
  }
}

/// Where the code and the history part.  Fails the test when they do not.
inline Divergence DivergenceOf(const FakeEngine& engine, const sdk::WorkflowRegistry& registry) {
  const ReplayReport report = Replay(engine.history(), registry);
  if (!std::holds_alternative<Divergence>(report.outcome)) {
    ADD_FAILURE() << "no divergence: " << report.ToString();
    return {};
  }
  return std::get<Divergence>(report.outcome);
}

}  // namespace wfe::core::testing
