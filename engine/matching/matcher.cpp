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

const Matcher::QueueEntry* Matcher::PlaceOf(const TaskIdentity& identity) const {
  const auto places = places_.find(identity.execution);
  if (places == places_.end()) return nullptr;
  const auto place = places->second.find(TaskOfExecution(identity));
  return place == places->second.end() ? nullptr : place->second;
}

void Matcher::Gone(const TaskIdentity& identity) {
  const auto places = places_.find(identity.execution);
  if (places == places_.end()) return;
  places->second.erase(TaskOfExecution(identity));
  if (places->second.empty()) places_.erase(places);
}

std::optional<Match> Matcher::Add(TaskRef task, QueueEntry& queue, bool front) {
  TaskQueue& tasks = queue.second.tasks;
  const TaskIdentity identity = task.identity();
  const size_t before = tasks.backlog();
  std::optional<Match> match = front ? tasks.PutBack(std::move(task)) : tasks.Offer(std::move(task));
  if (match) {
    Unwait(match->poller);
  } else if (tasks.backlog() > before) {
    Places none(0, TaskOfExecutionHash(), TaskEqual{&compares_});
    places_.try_emplace(identity.execution, std::move(none)).first->second.emplace(identity, &queue);
  }
  return match;
}

Matcher::OfferOutcome Matcher::Offer(TaskRef task, const QueueKey& queue,
                                     const std::optional<std::string>& normal_queue, Instant now) {
  QueueKey target = queue;
  if (normal_queue && !HasPoller(queue, now, limits_.sticky_poller_window)) target.name = *normal_queue;

  const TaskIdentity identity = task.identity();
  if (const QueueEntry* place = PlaceOf(identity); place && place->first != target) Withdraw(identity);

  QueueEntry& entry = Get(target);
  Queue& at = entry.second;
  at.touched = std::max(at.touched, now);
  if (normal_queue && target == queue) at.normal_queue = *normal_queue;
  if (static_cast<int64_t>(at.tasks.backlog()) >= limits_.max_backlog_per_queue) {
    at.refused = true;
    return {.match = std::nullopt, .refused = true};
  }
  return {.match = Add(std::move(task), entry, /*front=*/false), .refused = false};
}

std::optional<Match> Matcher::PutBack(TaskRef task, const QueueKey& queue) {
  return Add(std::move(task), Get(queue), /*front=*/true);
}

Result<std::optional<Match>> Matcher::Poll(PollerId poller, const QueueKey& queue, Instant deadline, Instant now,
                                           const std::string& identity) {
  if (static_cast<int>(pollers_.size()) >= limits_.max_pollers) {
    return ResourceExhausted("too many pollers wait at this server (" + std::to_string(limits_.max_pollers) + ")");
  }
  const Queue* known = Find(queue);
  if (!known && static_cast<int64_t>(queues_.size()) >= limits_.max_queues) {
    return ResourceExhausted("too many task queues are in use (" + std::to_string(limits_.max_queues) +
                             "), so task queue " + queue.name + " cannot be polled");
  }
  if (known && static_cast<int>(known->tasks.waiting()) >= limits_.max_pollers_per_queue) {
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
  Queue& at = Get(queue).second;
  at.touched = std::max(at.touched, now);
  std::optional<Match> match =
      front ? at.tasks.PollAgain(poller, now, identity) : at.tasks.Poll(poller, now, identity);
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
  Get(found->second.queue).second.tasks.Forget(poller);
  Unwait(poller);
}

std::vector<PollerId> Matcher::Expire(Instant now) {
  std::vector<PollerId> expired;
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    const PollerId poller = expiries_.begin()->second;
    Get(pollers_.at(poller).queue).second.tasks.Expire(poller, now);
    Unwait(poller);
    expired.push_back(poller);
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
  const auto places = places_.find(identity.execution);
  if (places == places_.end()) return;
  const auto place = places->second.find(TaskOfExecution(identity));
  if (place == places->second.end()) return;
  place->second->second.tasks.Withdraw(identity);
  places->second.erase(place);
  if (places->second.empty()) places_.erase(places);
}

void Matcher::WithdrawExecution(const ExecutionKey& execution) {
  const auto places = places_.find(execution);
  if (places == places_.end()) return;
  std::erase_if(places->second, [&](const auto& place) {
    const auto& [task, queue] = place;
    if (task.kind == TaskKind::kQuery) return false;
    queue->second.tasks.Withdraw({execution, task.kind, task.scheduled_event_id, task.query_id});
    return true;
  });
  if (places->second.empty()) places_.erase(places);
}

Matcher::Drained Matcher::DrainSticky(const QueueKey& sticky) {
  Drained drained;
  const auto found = queues_.find(sticky);
  if (found == queues_.end()) return drained;
  drained.pollers = found->second.tasks.TakePollers();
  for (const PollerId poller : drained.pollers) Unwait(poller);
  std::sort(drained.pollers.begin(), drained.pollers.end());
  std::vector<TaskRef> tasks = found->second.tasks.TakeAll();
  const QueueKey normal{sticky.ns, sticky.type, found->second.normal_queue};
  for (const TaskRef& task : tasks) Gone(task.identity());
  queues_.erase(found);
  for (TaskRef& task : tasks) {
    if (std::optional<Match> match = Add(std::move(task), Get(normal), /*front=*/false)) {
      drained.matches.push_back(*std::move(match));
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
    Get(pollers_.at(poller).queue).second.tasks.Forget(poller);
  }
  expiries_.clear();
  pollers_.clear();
  return all;
}

}  // namespace wfe::matching
