#include "tests/history/random_run.h"

#include <gtest/gtest.h>

#include <array>

#include "engine/base/proto_time.h"
#include "engine/history/names.h"

namespace wfe::history {

using namespace std::chrono_literals;

RandomRun::RandomRun(uint64_t seed) : random_(seed) {
  auto& request = execution_.start_input.request;
  if (Chance(3)) *request.mutable_workflow_run_timeout() = ToProto(std::chrono::seconds(30 + Pick(300)));
  if (Chance(4)) *request.mutable_workflow_execution_timeout() = ToProto(std::chrono::seconds(30 + Pick(600)));
  if (Chance(4)) *request.mutable_workflow_start_delay() = ToProto(std::chrono::seconds(Pick(20)));
  if (Chance(3)) request.mutable_retry_policy()->set_maximum_attempts(3);
  execution_.limits.max_buffered_events = 5;
  execution_.limits.max_history_events = 300;
  EXPECT_TRUE(execution_.Start());
}

bool RandomRun::Step() {
  const int64_t before = execution_.state().bookkeeping().state_transition_count();
  Move();
  return execution_.state().bookkeeping().state_transition_count() > before;
}

void RandomRun::Move() {
  execution_.now += std::chrono::milliseconds(Pick(4) == 0 ? Pick(3000) : 0);
  switch (Pick(14)) {
    case 12:
    case 13:
      return AnswerObligation();
    case 0:
    case 1:
    case 2:
      return void(execution_.StartTask("poll-" + std::to_string(random_.NextRandom())));
    case 3:
    case 4:
      return CompleteTask();
    case 5:
      return Chance(3) ? void(execution_.Do(execution_.TaskFailure())) : Signal();
    case 6:
      return Signal();
    case 7:
    case 8:
    case 9:
      return AnswerActivity();
    case 10:
      if (NextDeadline(execution_.state()).has_value()) execution_.TickNext();
      return;
    default:
      return Rare();
  }
}

void RandomRun::Signal() {
  SignalReceived signal;
  signal.signal_name = "s" + std::to_string(Pick(3));
  execution_.Do(signal);
}

EventId RandomRun::AnyActivity() {
  const auto& activities = execution_.state().activities();
  if (activities.empty() || Chance(20)) return static_cast<EventId>(Pick(50));
  return std::next(activities.begin(), static_cast<ptrdiff_t>(Pick(activities.size())))->first;
}

void RandomRun::AnswerActivity() {
  const EventId id = AnyActivity();
  ActivityRef ref = execution_.Activity(id);
  if (const auto* activity = FindActivity(execution_.state(), id); activity != nullptr && Chance(4)) {
    ref = {.scheduled_event_id = 0, .attempt = 0, .activity_id = activity->activity_id()};
  }
  switch (Pick(6)) {
    case 0:
    case 1:
      return void(execution_.StartActivity(id));
    case 2:
      return void(execution_.Do(ActivityTaskCompleted{.activity = ref, .result = Text("ok"), .identity = "worker"}));
    case 3: {
      ActivityTaskFailed failed;
      failed.activity = ref;
      failed.failure.mutable_application_failure_info()->set_non_retryable(Chance(2));
      return void(execution_.Do(failed));
    }
    case 4:
      return void(execution_.Do(ActivityTaskCanceled{.activity = ref, .details = {}, .identity = "worker"}));
    default:
      return void(execution_.Do(ActivityHeartbeat{.activity = ref, .details = Text("hb"), .identity = "worker"}));
  }
}

/// In any order, and more than once.
void RandomRun::AnswerObligation() {
  const auto& owed = execution_.owed();
  if (owed.empty()) return;
  const size_t place = Pick(owed.size());
  if (!IsAnswered(*owed[place])) return;
  if (owed[place]->has_start_child() && Chance(2)) {
    constexpr std::array kEnds{
        enums::WORKFLOW_EXECUTION_STATUS_COMPLETED, enums::WORKFLOW_EXECUTION_STATUS_FAILED,
        enums::WORKFLOW_EXECUTION_STATUS_CANCELED, enums::WORKFLOW_EXECUTION_STATUS_TIMED_OUT,
        enums::WORKFLOW_EXECUTION_STATUS_TERMINATED};
    return void(execution_.EndChild(place, kEnds[Pick(kEnds.size())]));
  }
  execution_.Answer(place, Chance(4) ? Refusal::kNotFound : Refusal::kNone);
}

command::Command RandomRun::AnyCommand() {
  switch (Pick(12)) {
    case 9:
      return StartChild("c" + std::to_string(next_id_++));
    case 10:
      return SignalWorkflow("other", "go");
    case 11:
      return CancelWorkflow("other");
    case 0:
    case 1:
    case 2: {
      auto scheduled = Schedule("a" + std::to_string(next_id_++), std::chrono::seconds(1 + Pick(20)));
      auto& attributes = *scheduled.mutable_schedule_activity_task_command_attributes();
      attributes.set_request_eager_execution(Chance(2));
      if (Chance(3)) *attributes.mutable_heartbeat_timeout() = ToProto(2s);
      if (Chance(3)) *attributes.mutable_schedule_to_close_timeout() = ToProto(15s);
      if (Chance(3)) attributes.mutable_retry_policy()->set_maximum_attempts(2);
      return scheduled;
    }
    case 3:
    case 4:
      return Timer("t" + std::to_string(next_id_++), std::chrono::seconds(Pick(10)));
    case 5: {
      const auto& timers = execution_.state().timers();
      if (timers.empty()) return Marker("m");
      const auto timer = std::next(timers.begin(), static_cast<ptrdiff_t>(Pick(timers.size())));
      return CancelTimer(timer->second.started.timer_id());
    }
    case 6:
      return execution_.state().activities().empty() ? Marker("m") : CancelActivity(AnyActivity());
    case 7:
      return Chance(10) ? Schedule("bad", Duration::zero()) : Marker("m");
    default:
      return Marker("m");
  }
}

command::Command RandomRun::AnyClose() {
  const std::array<command::Command, 4> closes{Complete(), Fail("no"), CancelRun(), ContinueAsNew()};
  return closes[Pick(closes.size())];
}

void RandomRun::CompleteTask() {
  WorkflowTaskCompleted completed = execution_.Completion();
  for (uint64_t i = Pick(4); i > 0; --i) *completed.request.add_commands() = AnyCommand();
  if (Chance(15)) *completed.request.add_commands() = AnyClose();
  if (Chance(2)) completed.request.mutable_sticky_attributes()->mutable_worker_task_queue()->set_name("sticky");
  completed.request.set_force_create_new_workflow_task(Chance(10));
  execution_.Do(completed);
}

void RandomRun::Rare() {
  switch (Pick(10)) {
    case 0:
      return void(execution_.Do(CancelRequested{"enough", "client", ""}));
    case 1:
      if (Chance(5)) execution_.Do(TerminateRequested{"stop", {}, "client"});
      return;
    case 2:
    case 3:
      return void(execution_.Do(StickyCleared{}));
    case 4:
    case 5:
      return void(execution_.Do(Recovered{}));
    default:
      return void(execution_.Tick(std::chrono::seconds(Pick(15))));
  }
}

}  // namespace wfe::history
