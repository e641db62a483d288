#include "engine/matching/matcher.h"

#include <algorithm>

namespace wfe::matching {

size_t QueueKeyHash::operator()(const QueueKey& key) const noexcept {
  const size_t hash = internal::CombineHash(std::hash<Namespace>{}(key.ns), std::hash<std::string>{}(key.name));
  return internal::CombineHash(hash, static_cast<size_t>(key.type));
}

const Matcher::Queue* Matcher::Find(const QueueKey& key) const {
  const auto found = queues_.find(key);
  return found == queues_.end() ? nullptr : &found->second;
}

void Matcher::Kept(const TaskIdentity& identity, const QueueKey& queue) {
  places_[identity.execution].emplace_back(identity, queue);
}

void Matcher::Gone(const TaskIdentity& identity) {
  const auto found = places_.find(identity.execution);
  if (found == places_.end()) return;
  std::erase_if(found->second, [&](const auto& place) { return place.first == identity; });
  if (found->second.empty()) places_.erase(found);
}

Matcher::OfferOutcome Matcher::Offer(TaskRef task, const QueueKey& queue,
                                     const std::optional<std::string>& normal_queue, Instant now) {
  QueueKey target = queue;
  if (normal_queue && !HasPoller(queue, now, limits_.sticky_poller_window)) target.name = *normal_queue;

  const TaskIdentity identity = task.identity();
  if (const auto known = places_.find(task.execution); known != places_.end()) {
    for (const auto& [other, place] : known->second) {
      if (other == identity && place != target) {
        Withdraw(identity);
        break;
      }
    }
  }

  Queue& at = Get(target);
  at.touched = std::max(at.touched, now);
  if (normal_queue && target == queue) at.normal_queue = *normal_queue;
  if (static_cast<int64_t>(at.tasks.backlog()) >= limits_.max_backlog_per_queue) {
    at.refused = true;
    return {.match = std::nullopt, .refused = true};
  }
  const size_t before = at.tasks.backlog();
  std::optional<Match> match = at.tasks.Offer(std::move(task));
  if (match) {
    Unwait(match->poller);
  } else if (at.tasks.backlog() > before) {
    Kept(identity, target);
  }
  return {.match = std::move(match), .refused = false};
}

std::optional<Match> Matcher::PutBack(TaskRef task, const QueueKey& queue) {
  Queue& at = Get(queue);
  const TaskIdentity identity = task.identity();
  const size_t before = at.tasks.backlog();
  std::optional<Match> match = at.tasks.PutBack(std::move(task));
  if (match) {
    Unwait(match->poller);
  } else if (at.tasks.backlog() > before) {
    Kept(identity, queue);
  }
  return match;
}

Result<std::optional<Match>> Matcher::Poll(PollerId poller, const QueueKey& queue, Instant deadline, Instant now,
                                           const std::string& identity) {
  if (static_cast<int>(pollers_.size()) >= limits_.max_pollers) {
    return ResourceExhausted("too many pollers wait at this server (" + std::to_string(limits_.max_pollers) + ")");
  }
  if (static_cast<int>(Get(queue).tasks.waiting()) >= limits_.max_pollers_per_queue) {
    return ResourceExhausted("too many pollers wait at task queue " + queue.name + " (" +
                             std::to_string(limits_.max_pollers_per_queue) + ")");
  }
  return Wait(poller, queue, deadline, now, identity, /*front=*/false);
}

std::optional<Match> Matcher::PollAgain(PollerId poller, const QueueKey& queue, Instant deadline, Instant now,
                                        const std::string& identity) {
  return Wait(poller, queue, deadline, now, identity, /*front=*/true);
}

std::optional<Match> Matcher::Wait(PollerId poller, const QueueKey& queue, Instant deadline, Instant now,
                                   const std::string& identity, bool front) {
  Queue& at = Get(queue);
  at.touched = std::max(at.touched, now);
  std::optional<Match> match =
      front ? at.tasks.PollAgain(poller, deadline, now, identity) : at.tasks.Poll(poller, deadline, now, identity);
  if (!match) {
    pollers_.emplace(poller, PollerPlace{queue, expiries_.emplace(deadline, poller)});
    return std::nullopt;
  }
  Gone(match->task.identity());
  if (at.refused && static_cast<int64_t>(at.tasks.backlog()) <= limits_.max_backlog_per_queue / 2) {
    at.refused = false;
    drained_.insert(queue);
  }
  return match;
}

void Matcher::Unwait(PollerId poller) {
  const auto found = pollers_.find(poller);
  if (found == pollers_.end()) return;
  expiries_.erase(found->second.expiry);
  pollers_.erase(found);
}

void Matcher::Forget(PollerId poller) {
  const auto found = pollers_.find(poller);
  if (found == pollers_.end()) return;
  Get(found->second.queue).tasks.Forget(poller);
  Unwait(poller);
}

std::vector<PollerId> Matcher::Expire(Instant now) {
  std::vector<PollerId> expired;
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    const PollerId first = expiries_.begin()->second;
    const QueueKey queue = pollers_.at(first).queue;
    for (const PollerId poller : Get(queue).tasks.Expire(now)) {
      Unwait(poller);
      expired.push_back(poller);
    }
  }
  if (now >= next_sweep_) {
    next_sweep_ = now + limits_.queue_idle_lifetime / 2;
    std::erase_if(queues_, [&](const auto& entry) {
      const Queue& queue = entry.second;
      const Instant used = std::max(queue.touched, queue.tasks.last_poll().value_or(queue.touched));
      return queue.tasks.backlog() == 0 && queue.tasks.waiting() == 0 && !queue.refused &&
             now - used >= limits_.queue_idle_lifetime;
    });
  }
  return expired;
}

std::optional<Instant> Matcher::NextExpiry() const {
  if (expiries_.empty()) return std::nullopt;
  return expiries_.begin()->first;
}

void Matcher::Withdraw(const TaskIdentity& identity) {
  const auto found = places_.find(identity.execution);
  if (found == places_.end()) return;
  for (const auto& [other, queue] : found->second) {
    if (other == identity) Get(queue).tasks.Withdraw(identity);
  }
  Gone(identity);
}

void Matcher::WithdrawExecution(const ExecutionKey& execution) {
  const auto found = places_.find(execution);
  if (found == places_.end()) return;
  std::erase_if(found->second, [&](const auto& place) {
    if (place.first.kind == TaskKind::kQuery) return false;
    Get(place.second).tasks.Withdraw(place.first);
    return true;
  });
  if (found->second.empty()) places_.erase(found);
}

Matcher::Drained Matcher::DrainSticky(const QueueKey& sticky) {
  Drained drained;
  const auto found = queues_.find(sticky);
  if (found == queues_.end()) return drained;
  for (auto entry = pollers_.begin(); entry != pollers_.end();) {
    const auto [poller, place] = *entry++;
    if (place.queue != sticky) continue;
    drained.pollers.push_back(poller);
    Unwait(poller);
  }
  std::sort(drained.pollers.begin(), drained.pollers.end());
  std::vector<TaskRef> tasks = found->second.tasks.TakeAll();
  const QueueKey normal{sticky.ns, sticky.type, found->second.normal_queue};
  queues_.erase(found);
  for (TaskRef& task : tasks) {
    const TaskIdentity identity = task.identity();
    Gone(identity);
    TaskQueue& at = Get(normal).tasks;
    const size_t before = at.backlog();
    std::optional<Match> match = at.Offer(std::move(task));
    if (match) {
      Unwait(match->poller);
      drained.matches.push_back(*std::move(match));
    } else if (at.backlog() > before) {
      Kept(identity, normal);
    }
  }
  return drained;
}

std::vector<QueueKey> Matcher::TakeDrained() {
  std::vector<QueueKey> drained(drained_.begin(), drained_.end());
  drained_.clear();
  return drained;
}

bool Matcher::HasPoller(const QueueKey& queue, Instant now, Duration window) const {
  const Queue* found = Find(queue);
  return found && found->tasks.HasPoller(now, window);
}

int64_t Matcher::Backlog(const QueueKey& queue) const {
  const Queue* found = Find(queue);
  return found ? static_cast<int64_t>(found->tasks.backlog()) : 0;
}

std::vector<TaskQueue::SeenPoller> Matcher::SeenPollers(const QueueKey& queue) const {
  const Queue* found = Find(queue);
  if (!found) return {};
  return {found->tasks.seen().begin(), found->tasks.seen().end()};
}

std::vector<PollerId> Matcher::TakeAllPollers() {
  std::vector<PollerId> all;
  for (const auto& [deadline, poller] : expiries_) {
    all.push_back(poller);
    Get(pollers_.at(poller).queue).tasks.Forget(poller);
  }
  expiries_.clear();
  pollers_.clear();
  return all;
}

}  // namespace wfe::matching
