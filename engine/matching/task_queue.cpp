#include "engine/matching/task_queue.h"

#include <algorithm>

#include "engine/base/check.h"

namespace wfe::matching {
namespace {
constexpr size_t kMaxSeenPollers = 32;
}

std::optional<Match> TaskQueue::Offer(TaskRef task) { return Add(std::move(task), /*front=*/false); }

std::optional<Match> TaskQueue::PutBack(TaskRef task) { return Add(std::move(task), /*front=*/true); }

std::optional<Match> TaskQueue::Add(TaskRef task, bool front) {
  if (!waiting_.empty()) {
    const PollerId poller = waiting_.front();
    Leave(poller);
    return Match{std::move(task), poller};
  }
  if (const auto known = by_identity_.find(task.identity()); known != by_identity_.end()) {
    // The newer attempt keeps the place in line; an older one that comes late is void.
    TaskRef& waiting = **known;
    const bool newer = task.scheduled_event_id > waiting.scheduled_event_id ||
                       (task.scheduled_event_id == waiting.scheduled_event_id && task.attempt > waiting.attempt);
    if (newer) waiting = std::move(task);
    return std::nullopt;
  }
  by_identity_.insert(backlog_.insert(front ? backlog_.begin() : backlog_.end(), std::move(task)));
  return std::nullopt;
}

std::optional<Match> TaskQueue::Poll(PollerId poller, Instant now, const std::string& identity) {
  return Wait(poller, now, identity, /*front=*/false);
}

std::optional<Match> TaskQueue::PollAgain(PollerId poller, Instant now, const std::string& identity) {
  return Wait(poller, now, identity, /*front=*/true);
}

std::optional<Match> TaskQueue::Wait(PollerId poller, Instant now, const std::string& identity, bool front) {
  last_poll_ = now;
  SeenPoller& seen = Saw(identity, now);
  if (!backlog_.empty()) {
    by_identity_.erase(backlog_.begin());
    TaskRef task = std::move(backlog_.front());
    backlog_.pop_front();
    return Match{std::move(task), poller};
  }
  const auto place = waiting_.insert(front ? waiting_.begin() : waiting_.end(), poller);
  WFE_CHECK(by_poller_.emplace(poller, Waiter{place, identity}).second, "a poller waits twice");
  ++seen.waiting;
  return std::nullopt;
}

std::optional<TaskQueue::Waiter> TaskQueue::Leave(PollerId poller) {
  const auto found = by_poller_.find(poller);
  if (found == by_poller_.end()) return std::nullopt;
  Waiter waiter = std::move(found->second);
  waiting_.erase(waiter.place);
  by_poller_.erase(found);
  if (const auto seen = FindSeen(waiter.identity); seen != seen_.end() && seen->waiting > 0) --seen->waiting;
  return waiter;
}

bool TaskQueue::Forget(PollerId poller) {
  const std::optional<Waiter> gone = Leave(poller);
  if (!gone) return false;
  const auto seen = FindSeen(gone->identity);
  if (seen != seen_.end() && seen->waiting == 0) seen_.erase(seen);
  return true;
}

bool TaskQueue::Expire(PollerId poller, Instant now) {
  if (!Leave(poller)) return false;
  // It waited until now, which is what "last seen" means for a sticky queue whose polls are long.
  last_poll_ = now;
  return true;
}

bool TaskQueue::Withdraw(const TaskIdentity& identity) {
  const auto found = by_identity_.find(identity);
  if (found == by_identity_.end()) return false;
  const Place place = *found;
  by_identity_.erase(found);
  backlog_.erase(place);
  return true;
}

std::vector<TaskRef> TaskQueue::TakeAll() {
  by_identity_.clear();
  std::vector<TaskRef> tasks(std::make_move_iterator(backlog_.begin()), std::make_move_iterator(backlog_.end()));
  backlog_.clear();
  return tasks;
}

std::vector<PollerId> TaskQueue::TakePollers() {
  std::vector<PollerId> pollers(waiting_.begin(), waiting_.end());
  waiting_.clear();
  by_poller_.clear();
  for (SeenPoller& seen : seen_) seen.waiting = 0;
  return pollers;
}

bool TaskQueue::HasPoller(Instant now, Duration window) const {
  return !waiting_.empty() || (last_poll_ && now - *last_poll_ < window);
}

std::deque<TaskQueue::SeenPoller>::iterator TaskQueue::FindSeen(const std::string& identity) {
  return std::find_if(seen_.begin(), seen_.end(), [&](const SeenPoller& seen) { return seen.identity == identity; });
}

TaskQueue::SeenPoller& TaskQueue::Saw(const std::string& identity, Instant now) {
  const auto known = FindSeen(identity);
  if (known == seen_.end()) {
    seen_.push_front({.identity = identity, .last_access = now});
    if (seen_.size() > kMaxSeenPollers) seen_.pop_back();
  } else {
    known->last_access = now;
    std::rotate(seen_.begin(), known, known + 1);
  }
  return seen_.front();
}

}  // namespace wfe::matching
