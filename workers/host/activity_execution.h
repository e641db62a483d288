// One attempt of an activity: the context its code sees, and the side of it that the worker's strand drives.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

#include "workers/sdk/activity.h"

namespace wfe::worker {

/// Why an activity was told to end.
enum class CancelReason {
  kNone,
  kRequested,       ///< Its workflow asked (S34).
  kGone,            ///< The server does not know the attempt any more: timed out, closed, or another one runs.
  kTimedOut,        ///< Its start-to-close time is over.
  kWorkerStopping,  ///< The worker drains, and the time for that is over.
};

/// Shared by the activity's thread and the worker's strand; everything is thread-safe.
class ActivityExecution final : public sdk::ActivityContext {
 public:
  /// `on_heartbeat` is called, from the activity's thread, when there are details and none were waiting.
  ActivityExecution(sdk::ActivityInfo info, std::optional<nlohmann::json> last_heartbeat_details,
                    std::function<void()> on_heartbeat);

  const sdk::ActivityInfo& info() const override { return info_; }
  void Heartbeat(const nlohmann::json& details) override;
  std::optional<nlohmann::json> LastHeartbeatDetails() const override { return last_heartbeat_details_; }
  bool IsCancelled() const override;
  bool WaitForCancel(Duration timeout) override;

  /// The first reason counts.
  void Cancel(CancelReason reason);
  CancelReason cancel_reason() const;
  /// The latest details that nobody has taken yet.
  std::optional<nlohmann::json> TakeHeartbeat();
  /// Puts back what could not be sent, unless newer details have come.
  void ReturnHeartbeat(nlohmann::json details);

 private:
  const sdk::ActivityInfo info_;
  const std::optional<nlohmann::json> last_heartbeat_details_;
  const std::function<void()> on_heartbeat_;

  mutable std::mutex mutex_;
  std::condition_variable cancelled_;  // guards with mutex_:
  CancelReason cancel_reason_ = CancelReason::kNone;
  std::optional<nlohmann::json> heartbeat_;
};

}  // namespace wfe::worker
