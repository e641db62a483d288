#include "workers/host/activity_execution.h"

namespace wfe::worker {

ActivityExecution::ActivityExecution(sdk::ActivityInfo info, std::optional<nlohmann::json> last_heartbeat_details,
                                     std::function<void()> on_heartbeat)
    : info_(std::move(info)),
      last_heartbeat_details_(std::move(last_heartbeat_details)),
      on_heartbeat_(std::move(on_heartbeat)) {}

void ActivityExecution::Heartbeat(const nlohmann::json& details) {
  {
    const std::lock_guard lock(mutex_);
    const bool was_waiting = heartbeat_.has_value();
    heartbeat_ = details;
    if (was_waiting) return;
  }
  on_heartbeat_();
}

bool ActivityExecution::IsCancelled() const { return cancel_reason() != CancelReason::kNone; }

bool ActivityExecution::WaitForCancel(Duration timeout) {
  std::unique_lock lock(mutex_);
  return cancelled_.wait_for(lock, timeout, [this] { return cancel_reason_ != CancelReason::kNone; });
}

void ActivityExecution::Cancel(CancelReason reason) {
  {
    const std::lock_guard lock(mutex_);
    if (cancel_reason_ == CancelReason::kNone) cancel_reason_ = reason;
  }
  cancelled_.notify_all();
}

CancelReason ActivityExecution::cancel_reason() const {
  const std::lock_guard lock(mutex_);
  return cancel_reason_;
}

std::optional<nlohmann::json> ActivityExecution::TakeHeartbeat() {
  const std::lock_guard lock(mutex_);
  return std::exchange(heartbeat_, std::nullopt);
}

void ActivityExecution::ReturnHeartbeat(nlohmann::json details) {
  const std::lock_guard lock(mutex_);
  if (!heartbeat_) heartbeat_ = std::move(details);
}

}  // namespace wfe::worker
