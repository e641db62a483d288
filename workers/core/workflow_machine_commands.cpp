// What the code of a run asks of its machine: each becomes a command of the workflow task that is running.
#include "workers/core/patch_machine.h"
#include "workers/core/properties_machine.h"
#include "workers/core/side_effect_machine.h"
#include "workers/core/workflow_machine.h"

namespace wfe::core {

void WorkflowMachine::ScheduleActivity(sdk::ActivityCommand command) {
  const uint64_t seq = command.seq;
  const bool eager = !options_.eager_activity_queue.empty() && command.task_queue == options_.eager_activity_queue;
  auto machine = std::make_shared<ActivityMachine>(std::move(command), task_number_, eager);
  activities_.emplace(seq, machine);
  commands_.push_back(std::move(machine));
}

void WorkflowMachine::CancelActivity(uint64_t seq) {
  const auto found = activities_.find(seq);
  if (found == activities_.end()) return;
  const std::shared_ptr<ActivityMachine> activity = found->second;
  if (activity->Unsent(task_number_)) {
    std::erase(commands_, std::static_pointer_cast<CommandMachine>(activity));
    activities_.erase(found);
    instance_->WithdrawActivity(seq);
  } else if (activity->On(ActivityInput::kRequestCancel)) {
    commands_.push_back(std::make_shared<CancelActivityMachine>(activity));
  }
}

void WorkflowMachine::StartTimer(uint64_t seq, Duration duration) {
  auto machine = std::make_shared<TimerMachine>(seq, duration, task_number_);
  timers_.emplace(seq, machine);
  timer_seq_by_id_.emplace(machine->id(), seq);
  commands_.push_back(std::move(machine));
}

void WorkflowMachine::CancelTimer(uint64_t seq) {
  const auto found = timers_.find(seq);
  if (found == timers_.end()) return;  // it has fired, and the code will learn of it in this task
  const std::shared_ptr<TimerMachine> timer = found->second;
  timers_.erase(found);
  timer_seq_by_id_.erase(timer->id());
  if (timer->Unsent(task_number_)) {
    std::erase(commands_, std::static_pointer_cast<CommandMachine>(timer));
  } else if (timer->On(TimerInput::kCancel)) {
    commands_.push_back(std::make_shared<CancelTimerMachine>(timer->id()));
  }
}

void WorkflowMachine::StartChild(sdk::ChildCommand command) {
  commands_.push_back(neighbours_.StartChild(std::move(command), task_number_));
}

bool WorkflowMachine::TakeBack(const std::shared_ptr<CommandMachine>& machine) {
  if (machine == nullptr) return false;
  std::erase(commands_, machine);
  return true;
}

bool WorkflowMachine::WithdrawChild(uint64_t seq) { return TakeBack(neighbours_.WithdrawChild(seq, task_number_)); }

void WorkflowMachine::RequestCancelChild(uint64_t seq, const std::string& reason) {
  auto request = neighbours_.RequestCancelChild(seq, reason, task_number_);
  if (request != nullptr) commands_.push_back(std::move(request));
}

void WorkflowMachine::SignalExternal(sdk::ExternalSignalCommand command) {
  commands_.push_back(neighbours_.Signal(std::move(command), task_number_));
}

void WorkflowMachine::CancelExternal(sdk::ExternalCancelCommand command) {
  commands_.push_back(neighbours_.Cancel(std::move(command), task_number_));
}

bool WorkflowMachine::WithdrawExternal(uint64_t seq) {
  return TakeBack(neighbours_.WithdrawRequest(seq, task_number_));
}

std::optional<nlohmann::json> WorkflowMachine::RecordedSideEffect(uint64_t seq) {
  const auto found = side_effects_.find(seq);
  if (found == side_effects_.end()) return std::nullopt;
  nlohmann::json value = found->second;
  commands_.push_back(std::make_shared<SideEffectMachine>(seq, value));
  return value;
}

void WorkflowMachine::RecordSideEffect(uint64_t seq, const nlohmann::json& value) {
  commands_.push_back(std::make_shared<SideEffectMachine>(seq, value));
}

bool WorkflowMachine::Patched(std::string_view id, bool deprecated) {
  const auto known = patch_answers_.find(id);
  if (known != patch_answers_.end()) return known->second;
  const bool answer = !replaying_ || patches_in_history_.contains(id);
  patch_answers_.emplace(id, answer);
  if (!answer) return false;
  commands_.push_back(std::make_shared<PatchMachine>(std::string(id), deprecated));
  patches_written_.emplace(id);
  auto versions = std::make_shared<ChangeVersionMachine>(patches_written_);
  if (!versions->TooLarge()) commands_.push_back(std::move(versions));
  return true;
}

void WorkflowMachine::UpsertMemo(const nlohmann::json& fields) {
  commands_.push_back(std::make_shared<PropertiesMachine>(fields));
}

void WorkflowMachine::Log(sdk::LogLevel level, std::string_view text) {
  if (options_.log) options_.log(level, info_, text);
}

}  // namespace wfe::core
