// Where polls park and offers arrive: matching's decisions, carried out on one strand.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/executor.h"
#include "engine/base/time.h"
#include "engine/matching/matcher.h"
#include "engine/shard/deadline_timer.h"
#include "engine/shard/options.h"
#include "engine/shard/task_sink.h"

namespace wfe::runtime {

/// A poll that waits for a task.  Small: a server may hold thousands.
struct ParkedPoll {
  matching::QueueKey queue;
  bool sticky = false;
  Instant deadline;
  std::string identity;
  std::string worker;     ///< Of its worker, unique among all processes; may be empty.
  Function<bool()> gone;  ///< True when the caller has left.
  /// Exactly one of these two runs last.  A task that turns out void or whose caller is gone comes back through
  /// PollBroker::Again or PutBack.  They run on the broker's strand and hand over to others.
  Function<void(matching::TaskRef)> on_task;
  Function<void(Status)> on_nothing;  ///< The time is up (OK), or the poll was refused.

  matching::PollerId id = 0;  ///< Set by the broker.
};

/// Thread-safe: every method posts to the strand given to the constructor.  Shared, because a caller that goes away
/// says so at any time (pitfall 19).
class PollBroker final : public shard::TaskSink, public std::enable_shared_from_this<PollBroker> {
 public:
  /// `clock` is that of those who wait; descriptions tell times on `told`, if it is another one.
  PollBroker(const shard::Options& options, const Clock& clock, TimerService& timers, Executor& executor,
             const Clock* told = nullptr);

  /// Waits for a task, longest-waiting first.  Returns the poll's id, for Forget.
  matching::PollerId Poll(std::shared_ptr<ParkedPoll> poll);
  /// The task it got was void: it waits on, ahead of others.
  void Again(std::shared_ptr<ParkedPoll> poll);
  /// The caller that got the task is gone; the task goes to the head of its queue.
  void PutBack(matching::TaskRef task, matching::QueueKey queue);
  /// The caller has gone.
  void Forget(matching::PollerId poller);
  /// A worker says goodbye: its sticky queue is forgotten (pitfall 7).
  void DrainSticky(matching::QueueKey sticky);

  /// All polls of this worker are answered with nothing, now and from now on, so that none of them ends with a task on
  /// its way (WIRE-F22).
  void ShutDownWorker(std::string worker);

  struct QueueDescription {
    int64_t backlog = 0;
    std::vector<matching::TaskQueue::SeenPoller> pollers;
  };
  /// `done` runs on the broker's strand.
  void Describe(matching::QueueKey queue, Function<void(QueueDescription)> done);

  /// Runs when queues that had refused tasks have room again: what is pending for them must be offered anew.  Set
  /// before use.
  void OnRoomAgain(Function<void(std::vector<matching::QueueKey>)> callback) { on_room_ = std::move(callback); }

  /// Answers every poll with nothing, then and from then on.
  void Stop();

  void Offer(std::vector<Offered> offers) override;
  void OfferIfPolled(matching::TaskRef task, matching::QueueKey queue, std::optional<std::string> normal_queue,
                     Function<void()> nobody) override;
  void Withdraw(matching::TaskIdentity identity) override;
  void WithdrawExecution(ExecutionKey key) override;

 private:
  void Deliver(std::optional<matching::Match> match);
  void Park(std::shared_ptr<ParkedPoll> poll, bool again);
  void AnswerNothing(const std::vector<matching::PollerId>& pollers);
  bool IsShutDown(const std::string& worker) const { return !worker.empty() && shut_down_.contains(worker); }

  const shard::Options& options_;
  const Clock& clock_;
  const Clock& told_;
  Executor& executor_;
  std::atomic<matching::PollerId> next_id_{0};
  Function<void(std::vector<matching::QueueKey>)> on_room_;

  // Touched on the strand alone.
  matching::Matcher matcher_;
  std::unordered_map<matching::PollerId, std::shared_ptr<ParkedPoll>> parked_;
  std::map<std::string, Instant> shut_down_;  // workers, and until when a poll of theirs may still be on its way
  shard::DeadlineTimer timer_;
  bool stopped_ = false;
};

}  // namespace wfe::runtime
