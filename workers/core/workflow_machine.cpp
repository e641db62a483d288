#include "workers/core/workflow_machine.h"

#include "engine/base/hash.h"
#include "engine/base/proto_time.h"
#include "workers/core/failure_codec.h"
#include "workers/core/patch_machine.h"
#include "workers/core/payload_codec.h"
#include "workers/core/result_caching.h"
#include "workers/core/side_effect_machine.h"
#include "workers/core/terminal_machine.h"

namespace wfe::core {

namespace {

uint64_t SeedOf(const std::string& run_id) {
  const Sha256Digest digest = Sha256(run_id);
  uint64_t seed = 0;
  for (int i = 0; i < 8; ++i) seed = (seed << 8) | digest[static_cast<size_t>(i)];
  return seed;
}

std::string ListNames(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

}  // namespace

WorkflowMachine::WorkflowMachine(const sdk::WorkflowRegistry& registry, MachineOptions options)
    : registry_(registry), options_(std::move(options)) {}

WorkflowMachine::~WorkflowMachine() = default;

Result<std::vector<command_pb::Command>> WorkflowMachine::Commands() const {
  std::vector<command_pb::Command> commands;
  commands.reserve(commands_.size());
  for (const auto& machine : commands_) {
    try {
      commands.push_back(machine->ToCommand());
    } catch (const nlohmann::json::exception& e) {
      return InvalidArgument(machine->Describe() + " holds a value that is not JSON: " + e.what());
    }
  }
  return commands;
}

Result<nlohmann::json> WorkflowMachine::Query(const std::string& name, const nlohmann::json& input) {
  if (instance_ == nullptr) return FailedPrecondition("the workflow has not started yet, so it cannot answer " + name);
  return instance_->Query(name, input);
}

Result<std::string> WorkflowMachine::StackTrace() const {
  if (instance_ == nullptr) return FailedPrecondition("the workflow has not started yet, so it has no stack trace");
  std::string text = instance_->StackTrace();
  if (ended() || (activities_.empty() && timers_.empty() && neighbours_.empty())) return text;
  text += "\nopen\n";
  for (const auto& [seq, activity] : activities_) {
    text += "    activity " + activity->type() + " (id " + activity->id() + ")\n";
  }
  for (const auto& [seq, timer] : timers_) text += "    timer " + timer->id() + "\n";
  return text + neighbours_.ToString();
}

// ---- History in ---------------------------------------------------------------------------------------------------

std::optional<Stop> WorkflowMachine::Feed(const Events& events, int first, bool run_last_task) {
  for (int i = first; i < events.size(); ++i) {
    const Event& event = events[i];
    if (event.event_id() != last_event_id_ + 1) {
      return Broken(event, "does not follow event " + std::to_string(last_event_id_));
    }
    last_event_id_ = event.event_id();
    if (event.event_type() != enums::EVENT_TYPE_WORKFLOW_TASK_STARTED) {
      if (auto stop = Apply(event)) return stop;
    } else if (IsRun(events, i, run_last_task)) {
      if (auto stop = RunTask(events, i)) return stop;
    }
  }
  return std::nullopt;
}

std::optional<Stop> WorkflowMachine::Apply(const Event& event) {
  if (instance_ == nullptr && event.event_type() != enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED) {
    return Broken(event, "comes before the start of the workflow");
  }
  if (IsCommandEvent(event)) return MatchCommand(event);
  switch (event.event_type()) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
      return Start(event);
    case enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
      task_completed_id_ = event.event_id();
      command_index_ = 0;
      return std::nullopt;
    case enums::EVENT_TYPE_WORKFLOW_TASK_FAILED:
      ApplyTaskFailed(event);
      return std::nullopt;
    case enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
    case enums::EVENT_TYPE_ACTIVITY_TASK_FAILED:
    case enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED:
      return ApplyActivityEnd(event);
    case enums::EVENT_TYPE_TIMER_FIRED:
      ApplyTimerFired(event.timer_fired_event_attributes().timer_id());
      return std::nullopt;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
      return ApplySignal(event);
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
      instance_->CancelRequested(event.workflow_execution_cancel_requested_event_attributes().cause());
      return std::nullopt;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
      closed_ = true;
      return std::nullopt;
    case enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
    case enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
    case enums::EVENT_TYPE_ACTIVITY_TASK_STARTED:
    // Nothing that code can see.
    case enums::EVENT_TYPE_ACTIVITY_PROPERTIES_MODIFIED_EXTERNALLY:
    case enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED_EXTERNALLY:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_PAUSED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_UNPAUSED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ADMITTED:
      return std::nullopt;
    default:
      if (Neighbours::IsAnswer(event.event_type())) {
        if (const auto wrong = neighbours_.Answer(event, info_.ns, *instance_)) return Broken(event, *wrong);
        return std::nullopt;
      }
      if (event.worker_may_ignore()) return std::nullopt;  // S53
      return TaskFailure{.type = "UnsupportedEvent",
                         .message = "event " + std::to_string(event.event_id()) + " is a " +
                                    EventTypeName(event.event_type()) + ", which this SDK does not know how to replay"};
  }
}

std::optional<Stop> WorkflowMachine::Start(const Event& event) {
  if (instance_ != nullptr) return Broken(event, "starts the workflow a second time");
  const auto& a = event.workflow_execution_started_event_attributes();
  info_.ns = options_.ns;
  info_.workflow_id = options_.workflow_id.empty() ? a.workflow_id() : options_.workflow_id;
  const std::string& original = a.original_execution_run_id();
  info_.run_id = options_.run_id.empty() ? original : options_.run_id;
  info_.first_run_id = a.first_execution_run_id().empty() ? info_.run_id : a.first_execution_run_id();
  info_.continued_run_id = a.continued_execution_run_id();
  info_.workflow_type = a.workflow_type().name();
  info_.task_queue = a.task_queue().name();
  info_.attempt = std::max(1, a.attempt());
  info_.started_time = FromProto(event.event_time());
  now_ = info_.started_time;
  // The original run's id survives a reset, and a replay without knowledge of the run's own id.
  child_id_root_ = original.empty() ? info_.run_id : original;
  seed_ = SeedOf(child_id_root_);

  const sdk::WorkflowFunction* function = registry_.Find(info_.workflow_type);
  if (function == nullptr) {
    return TaskFailure{.type = "UnknownWorkflowType",
                       .message = "this worker does not know the workflow type " + info_.workflow_type +
                                  "; registered types: " + ListNames(registry_.Names())};
  }
  const Result<nlohmann::json> input = DecodePayloads(a.input());
  started_ = a;
  started_.clear_input();
  instance_ = std::make_unique<sdk::WorkflowInstance>(*function, *this);
  if (input.has_value()) {
    instance_->Start(input.value());
  } else {
    // The run ends with a sentence; failing its task would only repeat it for ever (SEC-M10).
    instance_->Refuse(sdk::WorkflowFailure(
        "the input of " + info_.workflow_type + " cannot be read: " + input.error().message, "INVALID_INPUT", true));
  }
  return std::nullopt;
}

std::optional<Stop> WorkflowMachine::MatchCommand(const Event& event) {
  const bool ignorable = [&] {
    if (event.worker_may_ignore() || IsChangeVersionUpsert(event)) return true;
    const std::optional<PatchMarker> patch = ReadPatchMarker(event);
    return patch.has_value() && patch->deprecated;
  }();
  while (true) {
    if (commands_.empty()) {
      if (ignorable) return std::nullopt;
      return MakeDivergence(event.event_id(), DescribeEvent(event), "no further command",
                            {"command type", EventTypeName(event.event_type()), "none"});
    }
    const std::shared_ptr<CommandMachine> machine = commands_.front();
    std::optional<Difference> difference;
    if (!machine->MayBecome(event)) {
      difference = Difference{"command type", EventTypeName(event.event_type()), EventTypeName(machine->event_type())};
    } else if (event.event_type() == machine->event_type()) {
      difference = machine->Compare(event);
      if (!difference.has_value() && machine->sent()) difference = machine->CompareValues(event);
    }
    if (!difference.has_value()) {
      commands_.pop_front();
      ++command_index_;
      machine->Recorded(event);
      if (machine->terminal()) closed_ = true;
      if (event.event_type() == enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) {  // which only that machine becomes
        activities_by_event_.emplace(event.event_id(), std::static_pointer_cast<ActivityMachine>(machine));
      }
      neighbours_.Recorded(machine, event);
      return std::nullopt;
    }
    if (ignorable) return std::nullopt;
    if (!machine->optional()) {
      return MakeDivergence(event.event_id(), DescribeEvent(event), machine->Describe(), std::move(*difference));
    }
    commands_.pop_front();
  }
}

std::optional<Stop> WorkflowMachine::ApplyActivityEnd(const Event& event) {
  int64_t scheduled = 0;
  switch (event.event_type()) {
    case enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
      scheduled = event.activity_task_completed_event_attributes().scheduled_event_id();
      break;
    case enums::EVENT_TYPE_ACTIVITY_TASK_FAILED:
      scheduled = event.activity_task_failed_event_attributes().scheduled_event_id();
      break;
    case enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
      scheduled = event.activity_task_timed_out_event_attributes().scheduled_event_id();
      break;
    default:
      scheduled = event.activity_task_canceled_event_attributes().scheduled_event_id();
  }
  const auto found = activities_by_event_.find(scheduled);
  if (found == activities_by_event_.end()) {
    return Broken(event, "ends an activity that event " + std::to_string(scheduled) + " did not schedule");
  }
  const std::shared_ptr<ActivityMachine> activity = found->second;
  activities_by_event_.erase(found);
  activities_.erase(activity->seq());
  activity->On(ActivityInput::kClose);
  // An engine may drop a cancel request for an activity that has ended meanwhile.
  std::erase_if(commands_, [&](const auto& machine) {
    const auto* cancel = dynamic_cast<const CancelActivityMachine*>(machine.get());
    return cancel != nullptr && &cancel->activity() == activity.get();
  });

  switch (event.event_type()) {
    case enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED: {
      const auto& payloads = event.activity_task_completed_event_attributes().result();
      const auto result = DecodePayloads(payloads);
      if (result.has_value()) {
        instance_->ActivityResolved(activity->seq(), sdk::ActivityCompleted{result.value(), IsFromCache(payloads)});
      } else {
        // As if the activity had failed with it: the workflow's code decides, and its task does not fail for ever.
        sdk::FailureInfo cause;
        cause.kind = sdk::FailureInfo::Kind::kApplication;
        cause.message = "the result of " + activity->type() + " cannot be read: " + result.error().message;
        cause.type = "INVALID_RESULT";
        cause.non_retryable = true;
        const auto& a = event.activity_task_completed_event_attributes();
        instance_->ActivityResolved(activity->seq(),
                                    sdk::ActivityFailure({.activity_id = activity->id(),
                                                          .activity_type = activity->type(),
                                                          .scheduled_event_id = scheduled,
                                                          .started_event_id = a.started_event_id(),
                                                          .identity = a.identity(),
                                                          .retry_state = sdk::RetryState::kNonRetryableFailure,
                                                          .cause = std::move(cause)}));
      }
      break;
    }
    case enums::EVENT_TYPE_ACTIVITY_TASK_FAILED: {
      const auto& a = event.activity_task_failed_event_attributes();
      instance_->ActivityResolved(
          activity->seq(), DecodeActivityFailure(activity->id(), activity->type(), scheduled, a.started_event_id(),
                                                 a.identity(), a.retry_state(), a.failure()));
      break;
    }
    case enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: {
      const auto& a = event.activity_task_timed_out_event_attributes();
      instance_->ActivityResolved(
          activity->seq(), DecodeActivityFailure(activity->id(), activity->type(), scheduled, a.started_event_id(), "",
                                                 a.retry_state(), a.failure()));
      break;
    }
    default: {
      const auto& a = event.activity_task_canceled_event_attributes();
      instance_->ActivityResolved(activity->seq(), sdk::CancelledFailure("activity " + activity->type() + " (id " +
                                                                             activity->id() + ") was cancelled",
                                                                         DecodeDetails(a.details())));
    }
  }
  return std::nullopt;
}

std::optional<Stop> WorkflowMachine::ApplySignal(const Event& event) {
  const auto& a = event.workflow_execution_signaled_event_attributes();
  const Result<nlohmann::json> input = DecodePayloads(a.input());
  if (!input.has_value()) {
    // Its sender has its answer already; one that cannot be read must not hold the run up (SEC-M10).
    Log(sdk::LogLevel::kWarning, "signal " + a.signal_name() + " of event " + std::to_string(event.event_id()) +
                                     " is ignored: " + input.error().message);
    return std::nullopt;
  }
  instance_->Signal(a.signal_name(), input.value());
  return std::nullopt;
}

void WorkflowMachine::ApplyTimerFired(const std::string& timer_id) {
  // The engine may let a timer fire that was cancelled in the same moment; it then has no event for the cancel.
  std::erase_if(commands_, [&](const auto& machine) {
    const auto* cancel = dynamic_cast<const CancelTimerMachine*>(machine.get());
    return cancel != nullptr && cancel->timer_id() == timer_id;
  });
  const auto seq = timer_seq_by_id_.find(timer_id);
  if (seq == timer_seq_by_id_.end()) return;
  const auto timer = timers_.find(seq->second);
  if (timer->second->On(TimerInput::kFire)) instance_->TimerFired(seq->second);
  timers_.erase(timer);
  timer_seq_by_id_.erase(seq);
}

void WorkflowMachine::ApplyTaskFailed(const Event& event) {
  const auto& a = event.workflow_task_failed_event_attributes();
  if (a.cause() != enums::WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW || a.new_run_id().empty()) return;
  child_id_root_ = a.new_run_id();  // S85: from here on the run goes its own way
  seed_ = SeedOf(child_id_root_);
  instance_->Reseed(seed_);
}

// ---- Code run -----------------------------------------------------------------------------------------------------

bool WorkflowMachine::IsRun(const Events& events, int index, bool run_last_task) const {
  if (instance_ == nullptr) return false;
  if (index + 1 == events.size()) return run_last_task;
  for (int i = index + 1; i < events.size(); ++i) {
    switch (events[i].event_type()) {
      case enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
        return true;
      case enums::EVENT_TYPE_WORKFLOW_TASK_FAILED:
      case enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
      case enums::EVENT_TYPE_WORKFLOW_TASK_STARTED:
        return false;
      default:
        break;
    }
  }
  return false;
}

void WorkflowMachine::LookAhead(const Events& events, int started) {
  for (int i = started + 1; i < events.size(); ++i) {
    if (events[i].event_type() == enums::EVENT_TYPE_WORKFLOW_TASK_STARTED) return;
    if (events[i].event_type() != enums::EVENT_TYPE_MARKER_RECORDED) continue;
    if (auto side_effect = ReadSideEffect(events[i])) {
      side_effects_.insert_or_assign(side_effect->first, std::move(side_effect->second));
    } else if (auto patch = ReadPatchMarker(events[i])) {
      patches_in_history_.insert(std::move(patch->id));
    }
  }
}

std::optional<Stop> WorkflowMachine::RunTask(const Events& events, int started) {
  const Event& event = events[started];
  std::erase_if(commands_, [](const auto& machine) { return machine->optional(); });
  if (!commands_.empty()) {
    const CommandMachine& extra = *commands_.front();
    return MakeDivergence(task_completed_id_, "no further command", extra.Describe(),
                          {"command type", "none", EventTypeName(extra.event_type())});
  }
  const auto& a = event.workflow_task_started_event_attributes();
  now_ = FromProto(event.event_time());
  info_.history_length = event.event_id();
  info_.history_size_bytes = a.history_size_bytes();
  info_.suggest_continue_as_new = a.suggest_continue_as_new();
  replaying_ = started + 1 < events.size();
  ++task_number_;
  last_run_task_ = event.event_id();
  last_run_request_ = a.request_id();
  if (replaying_) LookAhead(events, started);

  const bool ended = instance_->outcome().has_value();
  instance_->Run();
  side_effects_.clear();
  if (instance_->poison().has_value()) {
    return TaskFailure{.type = "UnhandledException",
                       .message = "the code of workflow " + info_.workflow_type +
                                  " threw something that does not end a run: " + instance_->poison()->message};
  }
  if (!ended && instance_->outcome().has_value()) {
    commands_.push_back(std::make_shared<TerminalMachine>(*instance_->outcome(), info_, started_));
  }
  if (!replaying_) {
    for (const auto& machine : commands_) machine->MarkSent();
  }
  return std::nullopt;
}

Divergence WorkflowMachine::MakeDivergence(int64_t event_id, std::string expected, std::string produced,
                                           Difference difference) const {
  return {.event_id = event_id,
          .expected = std::move(expected),
          .produced = std::move(produced),
          .field = std::move(difference.field),
          .expected_value = std::move(difference.expected),
          .produced_value = std::move(difference.produced),
          .workflow_type = info_.workflow_type,
          .workflow_id = info_.workflow_id,
          .run_id = info_.run_id,
          .task_completed_event_id = task_completed_id_,
          .command_index = command_index_};
}

TaskFailure WorkflowMachine::Broken(const Event& event, const std::string& what) const {
  return {
      .type = "BrokenHistory",
      .message = "event " + std::to_string(event.event_id()) + " (" + EventTypeName(event.event_type()) + ") " + what};
}

}  // namespace wfe::core
