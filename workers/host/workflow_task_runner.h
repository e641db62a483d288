// Handles workflow tasks one at a time and gets their answers to the server.  Workflow code runs where the environment
// says; everything else is on the worker's strand, which never waits for that code.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "workers/core/workflow_task_handler.h"
#include "workers/host/code_watch.h"
#include "workers/host/environment.h"
#include "workers/host/turns.h"

namespace wfe::worker {

namespace ws = temporal::api::workflowservice::v1;

/// What the runner needs of core::WorkflowTaskHandler.  Called from one thread at a time: where workflow code runs.
class TaskHandler {
 public:
  virtual ~TaskHandler() = default;
  /// `answered` is given when the server has taken the answer, possibly on another thread.
  virtual core::TaskAnswer Handle(const ws::PollWorkflowTaskQueueResponse& task,
                                  std::shared_ptr<const core::Acknowledgement> answered) = 0;
  virtual void Evict(const std::string& run_id) = 0;
};

/// A task of a run waits so long for the server's word on the run's last answer before the history is asked instead.
inline constexpr Duration kAnswerPatience = std::chrono::seconds(1);

/// Lives on the worker's strand.  One task of a run at a time: the next one begins when the server has taken or refused
/// the answer to the last, so that it meets a live instance only if that instance's own answer counted (WIRE-F27).
class WorkflowTaskRunner : public std::enable_shared_from_this<WorkflowTaskRunner> {
 public:
  struct Options {
    std::string ns;
    std::string identity;
    /// How many activities may be started together with an answer (R2): free slots.  Those beyond are not asked for.
    std::function<size_t()> free_activity_slots;
    /// Activities that came back with an answer, already started.
    std::function<void(const ws::PollActivityTaskQueueResponse&)> on_eager_activity;
    /// Slots set aside for eager activities (positive) or given back (negative).
    std::function<void(int)> reserve_activity_slots;
    /// A task is done with.
    std::function<void()> on_slot_freed;
    /// False while draining: do not ask for the next task with the answer.
    std::function<bool()> wants_more;
    /// Workflow code that runs longer than this in one task is named in the log.
    Duration slow_after = std::chrono::seconds(2);
  };

  struct Stats {
    uint64_t completed = 0;
    uint64_t failed = 0;
    uint64_t queries = 0;
    uint64_t refused = 0;  ///< The server did not take the answer; the run was evicted.
    uint64_t history_fetches = 0;
    uint64_t eager_activities = 0;
    uint64_t slow = 0;        ///< Tasks whose code did not yield in time.
    uint64_t overtaken = 0;   ///< Tasks that were not run, since a later answer had been accepted or their time was up.
    uint64_t superseded = 0;  ///< Answers that the next task of their run did not wait for any longer.
  };

  /// `handler` is shared with tasks that may still run, on their thread, when the runner goes.
  WorkflowTaskRunner(const Environment& environment, std::shared_ptr<TaskHandler> handler, Options options);

  void Run(ws::PollWorkflowTaskQueueResponse task);
  /// Tasks whose answer is not accepted yet.
  size_t running() const { return running_; }
  const Stats& stats() const { return stats_; }

 private:
  struct Work;

  std::shared_ptr<Work> MakeWork(ws::PollWorkflowTaskQueueResponse task);
  bool Holds(const std::shared_ptr<Work>& work) const;
  void Begin(const std::shared_ptr<Work>& work);
  void PassOn(const std::string& run_id);
  void Hurry(const std::string& run_id);
  void Supersede(const std::shared_ptr<Work>& work);
  void Handle(const std::shared_ptr<Work>& work);
  void Handled(const std::shared_ptr<Work>& work, core::TaskAnswer answer);
  void Evict(const Work& work);
  void WatchCode();
  void FetchPage(const std::shared_ptr<Work>& work);
  void PageCame(const std::shared_ptr<Work>& work, Result<ws::GetWorkflowExecutionHistoryResponse> page);
  void Answer(const std::shared_ptr<Work>& work, ws::RespondWorkflowTaskCompletedRequest request);
  void Answer(const std::shared_ptr<Work>& work, ws::RespondWorkflowTaskFailedRequest request);
  void Answer(const std::shared_ptr<Work>& work, ws::RespondQueryTaskCompletedRequest request);
  int LimitEagerActivities(ws::RespondWorkflowTaskCompletedRequest& request);
  void FailTooLarge(const std::shared_ptr<Work>& work, const Error& error);
  void Accepted(const std::shared_ptr<Work>& work, ws::RespondWorkflowTaskCompletedResponse response);
  void DropOvertaken(const Work& work);
  void Refused(const std::shared_ptr<Work>& work, const std::string& method, const Error& error);
  void Finish(const std::shared_ptr<Work>& work);

  Environment environment_;
  std::shared_ptr<TaskHandler> handler_;
  Options options_;
  std::shared_ptr<CodeWatch> code_ = std::make_shared<CodeWatch>();
  bool watching_ = false;  // WatchCode has a timer.
  Turns<Work> turns_;
  size_t running_ = 0;
  Stats stats_;
};

}  // namespace wfe::worker
