// One task queue: tasks that wait for pollers, or pollers that wait for tasks.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/base/time.h"
#include "engine/matching/task_ref.h"

namespace wfe::matching {

/// Given by the caller, unique among those waiting.
using PollerId = uint64_t;

/// A task has met a poller.
struct Match {
  TaskRef task;
  PollerId poller = 0;
};

/// Pairs tasks with the pollers that wait for them.  One object per task queue: tasks first in first out, the
/// longest-waiting poller first.
/// Plain data and decisions: no threads, no clock; its owner calls it from one strand.
class TaskQueue {
 public:
  /// Gives the task to the longest-waiting poller, or keeps it until one arrives.  The same task again changes nothing;
  /// a newer attempt takes the place of the older one.
  std::optional<Match> Offer(TaskRef task);
  /// As Offer, but ahead of all others: the task was matched with a caller that turned out to be gone (pitfall 19).
  std::optional<Match> PutBack(TaskRef task);
  /// Takes the oldest task, or remembers the poller until a task comes or the caller ends the wait.
  std::optional<Match> Poll(PollerId poller, Instant now, const std::string& identity);
  /// As Poll, but ahead of all other pollers: it got a task that was stale and waits on.
  std::optional<Match> PollAgain(PollerId poller, Instant now, const std::string& identity);
  /// The caller has gone; it never gets a task, and unless others of its identity wait it has not been seen here any
  /// longer.  False when it does not wait here.
  bool Forget(PollerId poller);
  /// Its deadline has passed: it gets an empty answer.  False when it does not wait here.
  bool Expire(PollerId poller, Instant now);
  /// The task is void.  False when it does not wait here.
  bool Withdraw(const TaskIdentity& identity);

  /// Everything that waits, oldest first; none waits afterwards.  For moving tasks to another queue.
  std::vector<TaskRef> TakeAll();
  /// The same of pollers, longest-waiting first.
  std::vector<PollerId> TakePollers();

  size_t backlog() const { return backlog_.size(); }
  size_t waiting() const { return waiting_.size(); }
  /// When somebody last began or went on to wait here; nullopt: never.
  std::optional<Instant> last_poll() const { return last_poll_; }
  /// True when someone waits now or did within `window`.
  bool HasPoller(Instant now, Duration window) const;

  struct SeenPoller {
    std::string identity;
    Instant last_access;
    int64_t waiting = 0;  ///< Of its polls, now.
  };
  /// Who polled here lately, for DescribeTaskQueue; the latest first, at most 32.
  const std::deque<SeenPoller>& seen() const { return seen_; }

 private:
  using Place = std::list<TaskRef>::iterator;
  struct PlaceHash {
    using is_transparent = void;
    size_t operator()(Place place) const noexcept { return TaskIdentityHash()(*place); }
    size_t operator()(const TaskIdentity& identity) const noexcept { return TaskIdentityHash()(identity); }
  };
  struct PlaceEqual {
    using is_transparent = void;
    bool operator()(Place a, Place b) const { return a == b || HasIdentity(*a, b->identity()); }
    bool operator()(Place place, const TaskIdentity& identity) const { return HasIdentity(*place, identity); }
    bool operator()(const TaskIdentity& identity, Place place) const { return HasIdentity(*place, identity); }
  };
  std::optional<Match> Add(TaskRef task, bool front);
  std::optional<Match> Wait(PollerId poller, Instant now, const std::string& identity, bool front);
  struct Waiter {
    std::list<PollerId>::iterator place;
    std::string identity;
  };
  SeenPoller& Saw(const std::string& identity, Instant now);
  std::deque<SeenPoller>::iterator FindSeen(const std::string& identity);
  /// It waits no longer; nullopt: it did not.
  std::optional<Waiter> Leave(PollerId poller);

  // At most one of these two is non-empty.
  std::list<TaskRef> backlog_;
  std::list<PollerId> waiting_;
  std::unordered_set<Place, PlaceHash, PlaceEqual> by_identity_;
  std::unordered_map<PollerId, Waiter> by_poller_;
  std::optional<Instant> last_poll_;
  std::deque<SeenPoller> seen_;
};

}  // namespace wfe::matching
