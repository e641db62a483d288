// Runs activity tasks and reports their outcomes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "workers/host/activity_execution.h"
#include "workers/host/activity_executor.h"
#include "workers/host/environment.h"
#include "workers/host/result_cache.h"

namespace wfe::worker {

namespace ws = temporal::api::workflowservice::v1;

/// Lives on the worker's strand.  Owned by shared_ptr, because answers and results may come after its owner has gone.
class ActivityRunner : public std::enable_shared_from_this<ActivityRunner> {
 public:
  struct Options {
    std::string ns;
    std::string identity;
    /// Upper bound of the time between two heartbeats sent (S29, RW-D11).
    Duration max_heartbeat_interval = std::chrono::seconds(3);
    /// The same for activities without heartbeat timeout (S29).
    Duration default_heartbeat_interval = std::chrono::seconds(3);
    /// The server has the result of this activity: what it kept for a retry may go.  On the strand.
    std::function<void(const std::string& idempotency_token)> on_completion_acknowledged;
    /// Null: no result is kept.  Outlives the runner; several may share it.
    ResultCache* result_cache = nullptr;
    /// Results carry what their attempts used (PF-4).  Not in virtual time: no two runs would be the same.
    bool measures_usage = false;
    /// An activity has ended and was reported; a slot is free.
    std::function<void()> on_slot_freed;
  };

  struct Stats {
    uint64_t completed = 0;
    uint64_t failed = 0;
    uint64_t cancelled = 0;
    uint64_t refused = 0;  ///< The server did not take the outcome.
    uint64_t from_cache = 0;  ///< Of `completed`.
    uint64_t silent = 0;   ///< Promised heartbeats and kept silent for as long as their timeout.
  };

  ActivityRunner(const Environment& environment, ActivityExecutor& executor, const sdk::ActivityRegistry& registry,
                 Options options);

  /// Begins an attempt that was taken from `queue`.
  void Run(const ws::PollActivityTaskQueueResponse& task, const std::string& queue);
  /// Attempts that run or whose outcome is not reported yet.
  size_t running() const { return attempts_.size(); }
  /// Tells all to end.
  void CancelAll(CancelReason reason);
  const Stats& stats() const { return stats_; }

 private:
  struct Attempt;

  void Execute(const std::shared_ptr<Attempt>& attempt, const ws::PollActivityTaskQueueResponse& task);
  /// Answers from the cache; false: it has to be run, and what comes of it is kept when it was asked for.
  bool AnswerFromCache(const std::shared_ptr<Attempt>& attempt, const ws::PollActivityTaskQueueResponse& task,
                       const nlohmann::json& input);
  void Ended(const std::shared_ptr<Attempt>& attempt, sdk::ActivityResult<nlohmann::json> result);
  void ReportFailure(const std::shared_ptr<Attempt>& attempt, const sdk::ApplicationFailure& failure);
  void ReportCancelled(const std::shared_ptr<Attempt>& attempt, const nlohmann::json& details);
  void Report(const std::shared_ptr<Attempt>& attempt, std::string method,
              std::shared_ptr<const google::protobuf::MessageLite> request, uint64_t Stats::* counter);
  void Reported(const std::shared_ptr<Attempt>& attempt, const std::string& method, uint64_t Stats::* counter,
                const Status& status);
  void Forget(const std::shared_ptr<Attempt>& attempt);
  void SendHeartbeat(const std::shared_ptr<Attempt>& attempt);
  void HeartbeatAnswered(const std::shared_ptr<Attempt>& attempt, nlohmann::json details,
                         Result<ws::RecordActivityTaskHeartbeatResponse> answer);
  void HeartbeatAfter(const std::shared_ptr<Attempt>& attempt, Duration delay);
  Duration HeartbeatInterval(const sdk::ActivityInfo& info) const;
  void WatchHeartbeats(const std::shared_ptr<Attempt>& attempt, Duration delay);

  Environment environment_;
  ActivityExecutor& executor_;
  const sdk::ActivityRegistry& registry_;
  Options options_;
  std::map<uint64_t, std::shared_ptr<Attempt>> attempts_;
  uint64_t next_attempt_ = 1;
  Stats stats_;
};

}  // namespace wfe::worker
