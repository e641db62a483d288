// All task queues of a process.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/result.h"
#include "engine/matching/task_queue.h"

namespace wfe::matching {

/// Names a queue.  A sticky queue is a workflow queue that belongs to one worker.
struct QueueKey {
  Namespace ns;
  QueueType type = QueueType::kWorkflow;
  std::string name;
  friend auto operator<=>(const QueueKey&, const QueueKey&) = default;
};

struct QueueKeyHash {
  size_t operator()(const QueueKey& key) const noexcept;
};

struct MatcherLimits {
  int max_pollers = 20'000;
  int max_pollers_per_queue = 2'000;
  int64_t max_backlog_per_queue = 1'000'000;
  int64_t max_queues = 100'000;  ///< A poll opens no more; offers do, since they are bounded by what is open.
  Duration sticky_poller_window = std::chrono::seconds(10);
  Duration queue_idle_lifetime = std::chrono::minutes(5);
};

/// Decides which task goes to which poller, over all queues.
/// Plain data and decisions: no threads, no clock; its owner calls it from one strand.
class Matcher {
 public:
  explicit Matcher(MatcherLimits limits) : limits_(limits) {}

  struct OfferOutcome {
    std::optional<Match> match;
    /// The backlog is full: the task is not kept here and must be offered again when TakeDrained says so.
    bool refused = false;
  };
  /// Offers a task on `queue`; a task of the same identity in another queue is withdrawn there, since one replaces the
  /// other.  When `normal_queue` is set, `queue` is sticky, and if nobody polled it lately the task goes to the normal
  /// queue at once instead of waiting out the sticky timeout.
  OfferOutcome Offer(TaskRef task, const QueueKey& queue, const std::optional<std::string>& normal_queue, Instant now);

  /// To the head of `queue`.
  std::optional<Match> PutBack(TaskRef task, const QueueKey& queue);

  /// Takes a task or waits.  RESOURCE_EXHAUSTED when too many wait already.
  Result<std::optional<Match>> Poll(PollerId poller, const QueueKey& queue, Instant deadline, Instant now,
                                    const std::string& identity);
  /// The poller got a stale task and goes on waiting, ahead of others.
  std::optional<Match> PollAgain(PollerId poller, const QueueKey& queue, Instant deadline, Instant now,
                                 const std::string& identity);
  void Forget(PollerId poller);
  /// Pollers whose time is up, in order of their deadlines; forgets long idle queues on the way.
  std::vector<PollerId> Expire(Instant now);
  std::optional<Instant> NextExpiry() const;

  /// The task is void: closed, timed out, answered.
  void Withdraw(const TaskIdentity& identity);
  /// All tasks of a closed run but queries, which closed runs still answer.
  void WithdrawExecution(const ExecutionKey& execution);

  struct Drained {
    std::vector<Match> matches;     ///< Tasks that met a poller of the normal queue.
    std::vector<PollerId> pollers;  ///< Waited at the sticky queue; they get an empty answer.
  };
  /// A worker says goodbye: its sticky queue is forgotten, what waits there goes to the normal queue.
  Drained DrainSticky(const QueueKey& sticky);

  /// Queues that refused a task and have room again.  Names them once.
  std::vector<QueueKey> TakeDrained();

  /// Whether someone polled `queue` within `window`.
  bool HasPoller(const QueueKey& queue, Instant now, Duration window) const;
  int64_t Backlog(const QueueKey& queue) const;
  std::vector<TaskQueue::SeenPoller> SeenPollers(const QueueKey& queue) const;
  /// Every waiting poller, by deadline; none waits afterwards.  For shutdown.
  std::vector<PollerId> TakeAllPollers();

  size_t waiting() const { return pollers_.size(); }
  size_t queue_count() const { return queues_.size(); }
  /// How often two tasks of an execution were compared so far: what an offer, a poll or a withdrawal costs may not grow
  /// with the tasks that wait, and tests hold it to that.
  int64_t compares() const { return compares_; }

 private:
  struct PollerPlace {
    QueueKey queue;
    std::multimap<Instant, PollerId>::iterator expiry;
  };
  struct Queue {
    TaskQueue tasks;
    bool refused = false;
    Instant touched{};
    std::string normal_queue;  // of a sticky queue
  };
  using Queues = std::unordered_map<QueueKey, Queue, QueueKeyHash>;
  using QueueEntry = Queues::value_type;
  struct TaskEqual {
    int64_t* compares;
    bool operator()(const TaskOfExecution& a, const TaskOfExecution& b) const {
      ++*compares;
      return a == b;
    }
  };
  using Places = std::unordered_map<TaskOfExecution, QueueEntry*, TaskOfExecutionHash, TaskEqual>;

  QueueEntry& Get(const QueueKey& key) { return *queues_.try_emplace(key).first; }
  const Queue* Find(const QueueKey& key) const;
  /// The queue where the task waits, if it does.
  const QueueEntry* PlaceOf(const TaskIdentity& identity) const;
  void Unwait(PollerId poller);
  /// Offers the task and remembers where it waits, unless somebody took it.
  std::optional<Match> Add(TaskRef task, QueueEntry& queue, bool front);
  void Gone(const TaskIdentity& identity);
  std::optional<Match> Wait(PollerId poller, const QueueKey& queue, Instant deadline, Instant now,
                            const std::string& identity, bool front);

  const MatcherLimits limits_;
  Queues queues_;
  std::unordered_map<PollerId, PollerPlace> pollers_;
  std::multimap<Instant, PollerId> expiries_;
  // Where each waiting task is, per execution, so that it can be withdrawn.  A queue with tasks is never forgotten.
  std::unordered_map<ExecutionKey, Places> places_;
  int64_t compares_ = 0;
  std::set<QueueKey> drained_;
  Instant next_sweep_{};
};

}  // namespace wfe::matching
