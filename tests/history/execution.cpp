#include "tests/history/execution.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "engine/base/proto_time.h"
#include "engine/history/framed_size.h"
#include "engine/history/names.h"
#include "engine/history/state_codec.h"

namespace wfe::history {
namespace {

const Instant kStart{std::chrono::seconds(1'700'000'000)};

std::string EventBytes(const std::vector<HistoryEvent>& events) {
  std::string bytes;
  for (const HistoryEvent& event : events) bytes += Bytes(event);
  return bytes;
}

std::string Stored(const MutableState& state) { return Bytes(ToCheckpoint(state)); }

}  // namespace

std::string Bytes(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

std::string TypeName(const HistoryEvent& event) {
  // EVENT_TYPE_TIMER_FIRED -> TimerFired
  std::string name;
  bool upper = true;
  for (const char c : enums::EventType_Name(event.event_type()).substr(sizeof("EVENT_TYPE_") - 1)) {
    if (c == '_') {
      upper = true;
    } else {
      name += upper ? c : static_cast<char>(std::tolower(c));
      upper = false;
    }
  }
  return name;
}

Execution::Execution() : now(kStart) {
  start_input.key = {Namespace("default"), WorkflowId("w1"), RunId("run-1")};
  auto& request = start_input.request;
  request.set_namespace_("default");
  request.set_workflow_id("w1");
  request.mutable_workflow_type()->set_name("Greet");
  request.mutable_task_queue()->set_name("tq");
  request.set_identity("client");
  *request.mutable_input() = Text("hello");
}

bool Execution::Start() { return Take(DecideStart(start_input, now, limits), DecideStart(start_input, now, limits)); }

Result<Transition> Execution::DecideOnCopy(const Input& input, std::string* refusal) const {
  MutableState copy = state_;
  Result<Transition> result = Decide(std::move(copy), input, now, limits);
  if (!result.has_value()) {
    // NOLINTNEXTLINE(bugprone-use-after-move): a refusal leaves it alone.
    EXPECT_EQ(Stored(copy), Stored(state_)) << "a refusal changed the state";
    return result;
  }
  if (!result->refused.has_value()) return result;
  *refusal = result->refused->failure.message();
  copy = state_;
  return Decide(std::move(copy), *std::move(result->refused), now, limits);
}

bool Execution::Do(const Input& asked) {
  refusal_.clear();
  Input input = asked;
  if (NeedsFirstEvent(state_, input, now)) {
    const auto first_event = std::make_shared<const HistoryEvent>(Event(1));
    if (auto* tick = std::get_if<history::Tick>(&input)) tick->first_event = first_event;
    if (auto* completed = std::get_if<WorkflowTaskCompleted>(&input)) completed->first_event = first_event;
  }
  Result<Transition> result = DecideOnCopy(input, &refusal_);
  return Take(std::move(result), DecideOnCopy(input, &refusal_));
}

bool Execution::Take(Result<Transition> result, Result<Transition> again) {
  EXPECT_EQ(result.has_value(), again.has_value());
  error_.reset();
  if (!result.has_value()) {
    error_ = result.error();
    last_ = Transition();
    return false;
  }
  EXPECT_EQ(Stored(result->next), Stored(again->next)) << "Decide is not deterministic";
  EXPECT_EQ(EventBytes(result->events), EventBytes(again->events)) << "Decide is not deterministic";
  EXPECT_EQ(result->owed.size(), again->owed.size()) << "Decide is not deterministic";
  for (size_t i = 0; i < std::min(result->owed.size(), again->owed.size()); ++i) {
    EXPECT_EQ(Bytes(result->owed[i]), Bytes(again->owed[i])) << "Decide is not deterministic";
  }
  const MutableState before = std::exchange(state_, result->next);
  last_ = *std::move(result);
  if (!last_.needs_commit) {
    EXPECT_EQ(Stored(before), Stored(state_)) << "a transition without a commit changed what is stored";
    EXPECT_TRUE(last_.events.empty());
  }
  history_.insert(history_.end(), last_.events.begin(), last_.events.end());
  for (const Obligation& owed : last_.owed) owed_.push_back(std::make_shared<const Obligation>(owed));
  CheckInvariants();
  return true;
}

void Execution::CheckInvariants() {
  Instant last{};
  for (size_t i = 0; i < history_.size(); ++i) {
    EXPECT_EQ(history_[i].event_id(), static_cast<EventId>(i + 1)) << "H1";
    if (history_[i].event_type() == enums::EVENT_TYPE_ACTIVITY_TASK_STARTED) continue;
    const Instant time = FromProto(history_[i].event_time());
    EXPECT_GE(time, last) << "H2, event " << i + 1;
    last = time;
  }
  const engine::v1::MutableState stored = ToCheckpoint(state_);
  EXPECT_EQ(Bytes(Fold(start_input.key, history_)), Bytes(stored.folded())) << "H5";
  int64_t size = 0;
  for (const HistoryEvent& event : history_) size += FramedSize(event);
  EXPECT_EQ(state_.bookkeeping().history_size_bytes(), size) << "H6";
  CheckIndexes(stored);
  if (const auto deadline = NextDeadline(state_)) {
    const history::Tick input{.new_run_id = {}, .first_event = std::make_shared<const HistoryEvent>(Event(1))};
    const auto tick = Decide(MutableState(state_), input, std::max(now, *deadline), limits);
    ASSERT_TRUE(tick.has_value());
    EXPECT_TRUE(tick->needs_commit) << "a deadline at which nothing happens";
    const auto after = NextDeadline(tick->next);
    EXPECT_TRUE(!after.has_value() || *after > std::max(now, *deadline)) << "a deadline that stays due";
  }
}

/// What is kept beside the items is what they say: whoever reads the stored state gets the same indexes.
void Execution::CheckIndexes(const engine::v1::MutableState& stored) {
  const Result<MutableState> read = FromCheckpoint(stored);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(Stored(*read), Bytes(stored));
  EXPECT_EQ(read->deadlines(), state_.deadlines());
  EXPECT_EQ(read->buffer().bytes, state_.buffer().bytes);
  EXPECT_EQ(read->buffer().signals, state_.buffer().signals);
  EXPECT_EQ(read->buffer().cancel_requested, state_.buffer().cancel_requested);
  // Of the run's own fields only those that may be large are counted anew (S58).
  EXPECT_NEAR(static_cast<double>(state_.SizeBytes()), static_cast<double>(stored.ByteSizeLong()), 400);
}

bool Execution::StartTask(const std::string& request_id) {
  return Do(WorkflowTaskStarted{.scheduled_event_id = state_.workflow_task().scheduled_event_id,
                                .attempt = state_.workflow_task().attempt,
                                .identity = "worker",
                                .request_id = request_id});
}

WorkflowTaskCompleted Execution::Completion() const {
  WorkflowTaskCompleted completed;
  if (state_.workflow_task().started.has_value()) {
    completed.started_event_id = state_.workflow_task().started->started_event_id;
    completed.attempt = state_.workflow_task().started->attempt;
  }
  completed.request.set_identity("worker");
  completed.new_run_id = "run-2";
  return completed;
}

WorkflowTaskFailed Execution::TaskFailure() const {
  const WorkflowTaskCompleted completed = Completion();
  WorkflowTaskFailed failed;
  failed.started_event_id = completed.started_event_id;
  failed.attempt = completed.attempt;
  failed.cause = enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE;
  failed.failure.set_message("broken code");
  failed.identity = "worker";
  return failed;
}

ActivityRef Execution::Activity(EventId scheduled_event_id) const {
  ActivityRef ref;
  ref.scheduled_event_id = scheduled_event_id;
  const auto* attempt = FindAttempt(state_, scheduled_event_id);
  ref.attempt = attempt == nullptr ? 1 : attempt->attempt();
  return ref;
}

bool Execution::StartActivity(EventId scheduled_event_id) {
  return Do(ActivityTaskStarted{.scheduled_event_id = scheduled_event_id,
                                .attempt = Activity(scheduled_event_id).attempt,
                                .identity = "worker",
                                .request_id = "poll"});
}

bool Execution::Answer(size_t place, Refusal refusal) {
  return Do(ObligationAnswered{.obligation = owed_.at(place), .refusal = refusal});
}

bool Execution::EndChild(size_t place, enums::WorkflowExecutionStatus status) {
  const Obligation::StartChild& start = owed_.at(place)->start_child();
  Obligation obligation;
  auto& told = *obligation.mutable_child_closed();
  told.mutable_parent()->set_run_id(start_input.key.run_id.value());
  told.mutable_parent()->set_initiated_event_id(start.initiated_event_id());
  told.set_run_id("last-run-of-child");
  told.set_first_run_id(start.run_id());
  *told.mutable_workflow_type() = start.initiated().workflow_type();
  told.set_status(status);
  if (status == enums::WORKFLOW_EXECUTION_STATUS_COMPLETED) *told.mutable_result() = Text("of the child");
  if (status == enums::WORKFLOW_EXECUTION_STATUS_FAILED) {
    told.mutable_failure()->set_message("the child failed");
    told.set_retry_state(enums::RETRY_STATE_RETRY_POLICY_NOT_SET);
  }
  return Do(ChildEnded{.obligation = std::make_shared<const Obligation>(std::move(obligation))});
}

bool Execution::Tick(Duration advance) {
  now += advance;
  return Do(history::Tick{.new_run_id = "run-2"});
}

bool Execution::TickNext() {
  const auto deadline = NextDeadline(state_);
  EXPECT_TRUE(deadline.has_value()) << "nothing will ever be due";
  if (deadline.has_value()) now = std::max(now, *deadline);
  return Do(history::Tick{.new_run_id = "run-2"});
}

std::string Execution::LastTypes() const {
  std::string types;
  for (const HistoryEvent& event : last_.events) types += (types.empty() ? "" : " ") + TypeName(event);
  return types;
}

const HistoryEvent& Execution::LastOfType(enums::EventType type) const {
  const auto found = std::find_if(history_.rbegin(), history_.rend(),
                                  [&](const HistoryEvent& event) { return event.event_type() == type; });
  WFE_CHECK(found != history_.rend(), "no such event in the history: " + enums::EventType_Name(type));
  return *found;
}

common::Payloads Text(const std::string& text) {
  common::Payloads payloads;
  auto* payload = payloads.add_payloads();
  (*payload->mutable_metadata())["encoding"] = "json/plain";
  payload->set_data("\"" + text + "\"");
  return payloads;
}

command::Command Schedule(const std::string& activity_id, Duration start_to_close) {
  command::Command made;
  made.set_command_type(enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK);
  auto& attributes = *made.mutable_schedule_activity_task_command_attributes();
  attributes.set_activity_id(activity_id);
  attributes.mutable_activity_type()->set_name("Say");
  attributes.mutable_task_queue()->set_name("tq");
  if (start_to_close > Duration::zero()) *attributes.mutable_start_to_close_timeout() = ToProto(start_to_close);
  return made;
}

command::Command CancelActivity(EventId scheduled_event_id) {
  command::Command made;
  made.set_command_type(enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK);
  made.mutable_request_cancel_activity_task_command_attributes()->set_scheduled_event_id(scheduled_event_id);
  return made;
}

command::Command Timer(const std::string& timer_id, Duration duration) {
  command::Command made;
  made.set_command_type(enums::COMMAND_TYPE_START_TIMER);
  made.mutable_start_timer_command_attributes()->set_timer_id(timer_id);
  *made.mutable_start_timer_command_attributes()->mutable_start_to_fire_timeout() = ToProto(duration);
  return made;
}

command::Command CancelTimer(const std::string& timer_id) {
  command::Command made;
  made.set_command_type(enums::COMMAND_TYPE_CANCEL_TIMER);
  made.mutable_cancel_timer_command_attributes()->set_timer_id(timer_id);
  return made;
}

command::Command Complete(const std::string& result) {
  command::Command made;
  made.set_command_type(enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION);
  *made.mutable_complete_workflow_execution_command_attributes()->mutable_result() = Text(result);
  return made;
}

command::Command Fail(const std::string& message) {
  command::Command made;
  made.set_command_type(enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION);
  auto& failure = *made.mutable_fail_workflow_execution_command_attributes()->mutable_failure();
  failure.set_message(message);
  failure.mutable_application_failure_info()->set_type("Broken");
  return made;
}

command::Command CancelRun() {
  command::Command made;
  made.set_command_type(enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION);
  made.mutable_cancel_workflow_execution_command_attributes();
  return made;
}

command::Command ContinueAsNew() {
  command::Command made;
  made.set_command_type(enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION);
  *made.mutable_continue_as_new_workflow_execution_command_attributes()->mutable_input() = Text("again");
  return made;
}

command::Command Marker(const std::string& name) {
  command::Command made;
  made.set_command_type(enums::COMMAND_TYPE_RECORD_MARKER);
  made.mutable_record_marker_command_attributes()->set_marker_name(name);
  return made;
}

command::Command StartChild(const std::string& workflow_id) {
  command::Command made;
  made.set_command_type(enums::COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION);
  auto& attributes = *made.mutable_start_child_workflow_execution_command_attributes();
  attributes.set_workflow_id(workflow_id);
  attributes.mutable_workflow_type()->set_name("Child");
  return made;
}

command::Command SignalWorkflow(const std::string& workflow_id, const std::string& signal) {
  command::Command made;
  made.set_command_type(enums::COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION);
  auto& attributes = *made.mutable_signal_external_workflow_execution_command_attributes();
  attributes.mutable_execution()->set_workflow_id(workflow_id);
  attributes.set_signal_name(signal);
  return made;
}

command::Command CancelWorkflow(const std::string& workflow_id) {
  command::Command made;
  made.set_command_type(enums::COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION);
  made.mutable_request_cancel_external_workflow_execution_command_attributes()->set_workflow_id(workflow_id);
  return made;
}

}  // namespace wfe::history
