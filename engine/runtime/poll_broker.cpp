#include "engine/runtime/poll_broker.h"

#include <algorithm>

namespace wfe::runtime {
namespace {

constexpr size_t kMaxShutDownWorkers = 10'000;

matching::MatcherLimits MatcherLimitsOf(const shard::Options& options) {
  return {.max_pollers = options.max_pollers,
          .max_pollers_per_queue = options.max_pollers_per_queue,
          .max_backlog_per_queue = options.max_backlog_per_queue,
          .max_queues = options.max_queues,
          .sticky_poller_window = options.sticky_poller_window,
          .queue_idle_lifetime = options.queue_idle_lifetime};
}

}  // namespace

PollBroker::PollBroker(const shard::Options& options, const Clock& clock, TimerService& timers, Executor& executor,
                       const Clock* told)
    : options_(options),
      clock_(clock),
      told_(told ? *told : clock),
      executor_(executor),
      matcher_(MatcherLimitsOf(options)),
      timer_(clock, timers, executor, [this] {
        AnswerNothing(matcher_.Expire(clock_.Now()));
        timer_.Arm(matcher_.NextExpiry());
      }) {}

matching::PollerId PollBroker::Poll(std::shared_ptr<ParkedPoll> poll) {
  poll->id = ++next_id_;
  const matching::PollerId id = poll->id;
  executor_.Post([this, poll = std::move(poll)]() mutable { Park(std::move(poll), /*again=*/false); });
  return id;
}

void PollBroker::Again(std::shared_ptr<ParkedPoll> poll) {
  executor_.Post([this, poll = std::move(poll)]() mutable { Park(std::move(poll), /*again=*/true); });
}

void PollBroker::Park(std::shared_ptr<ParkedPoll> poll, bool again) {
  const Instant now = clock_.Now();
  if (stopped_ || poll->gone() || poll->deadline <= now || IsShutDown(poll->worker)) return poll->on_nothing(Ok());
  ParkedPoll& parked = *poll;
  std::optional<matching::Match> match;
  if (again) {
    match = matcher_.PollAgain(parked.id, parked.queue, parked.deadline, now, parked.identity);
  } else {
    Result<std::optional<matching::Match>> polled =
        matcher_.Poll(parked.id, parked.queue, parked.deadline, now, parked.identity);
    if (!polled) return poll->on_nothing(std::move(polled).error());
    match = *std::move(polled);
  }
  parked_[parked.id] = std::move(poll);
  Deliver(std::move(match));
  if (std::vector<matching::QueueKey> drained = matcher_.TakeDrained(); on_room_ && !drained.empty()) {
    on_room_(std::move(drained));
  }
  timer_.Arm(matcher_.NextExpiry());
}

void PollBroker::Deliver(std::optional<matching::Match> match) {
  while (match) {
    const auto found = parked_.find(match->poller);
    WFE_CHECK(found != parked_.end(), "a task was matched with an unknown poller");
    const std::shared_ptr<ParkedPoll> poll = std::move(found->second);
    parked_.erase(found);
    if (!poll->gone()) return poll->on_task(std::move(match->task));
    poll->on_nothing(Ok());
    match = matcher_.PutBack(std::move(match->task), poll->queue);
  }
}

void PollBroker::PutBack(matching::TaskRef task, matching::QueueKey queue) {
  executor_.Post([this, task = std::move(task), queue = std::move(queue)]() mutable {
    Deliver(matcher_.PutBack(std::move(task), queue));
  });
}

void PollBroker::Forget(matching::PollerId poller) {
  executor_.Post([this, poller] {
    matcher_.Forget(poller);
    const auto found = parked_.find(poller);
    if (found == parked_.end()) return;
    const std::shared_ptr<ParkedPoll> poll = std::move(found->second);
    parked_.erase(found);
    poll->on_nothing(Ok());
  });
}

void PollBroker::DrainSticky(matching::QueueKey sticky) {
  executor_.Post([this, sticky = std::move(sticky)] {
    matching::Matcher::Drained drained = matcher_.DrainSticky(sticky);
    AnswerNothing(drained.pollers);
    for (matching::Match& match : drained.matches) Deliver(std::move(match));
  });
}

void PollBroker::ShutDownWorker(std::string worker) {
  executor_.Post([this, worker = std::move(worker)] {
    const Instant now = clock_.Now();
    std::erase_if(shut_down_, [&](const auto& entry) { return entry.second <= now; });
    if (shut_down_.size() < kMaxShutDownWorkers) shut_down_[worker] = now + options_.long_poll_timeout;
    std::vector<matching::PollerId> pollers;
    for (const auto& [id, poll] : parked_) {
      if (poll->worker == worker) pollers.push_back(id);
    }
    std::sort(pollers.begin(), pollers.end());
    for (const matching::PollerId id : pollers) matcher_.Forget(id);
    AnswerNothing(pollers);
  });
}

void PollBroker::Describe(matching::QueueKey queue, Function<void(QueueDescription)> done) {
  executor_.Post([this, queue = std::move(queue), done = std::move(done)]() mutable {
    QueueDescription described{matcher_.Backlog(queue), matcher_.SeenPollers(queue)};
    const Duration between = told_.Now() - clock_.Now();
    for (matching::TaskQueue::SeenPoller& seen : described.pollers) seen.last_access += between;
    done(std::move(described));
  });
}

void PollBroker::Stop() {
  executor_.Post([this] {
    stopped_ = true;
    timer_.Stop();
    AnswerNothing(matcher_.TakeAllPollers());
  });
}

void PollBroker::Offer(std::vector<Offered> offers) {
  executor_.Post([this, offers = std::move(offers)]() mutable {
    const Instant now = clock_.Now();
    for (Offered& offer : offers) {
      Deliver(matcher_.Offer(std::move(offer.task), offer.queue, offer.normal_queue, now).match);
    }
  });
}

void PollBroker::OfferIfPolled(matching::TaskRef task, matching::QueueKey queue,
                               std::optional<std::string> normal_queue, Function<void()> nobody) {
  executor_.Post([this, task = std::move(task), queue = std::move(queue), normal = std::move(normal_queue),
                  nobody = std::move(nobody)]() mutable {
    const Instant now = clock_.Now();
    bool polled = matcher_.HasPoller(queue, now, options_.query_poller_window);
    if (!polled && normal) {
      polled = matcher_.HasPoller({queue.ns, queue.type, *normal}, now, options_.query_poller_window);
    }
    if (!polled) return nobody();
    Deliver(matcher_.Offer(std::move(task), queue, normal, now).match);
  });
}

void PollBroker::Withdraw(matching::TaskIdentity identity) {
  executor_.Post([this, identity = std::move(identity)] { matcher_.Withdraw(identity); });
}

void PollBroker::WithdrawExecution(ExecutionKey key) {
  executor_.Post([this, key = std::move(key)] { matcher_.WithdrawExecution(key); });
}

void PollBroker::AnswerNothing(const std::vector<matching::PollerId>& pollers) {
  for (const matching::PollerId id : pollers) {
    const auto found = parked_.find(id);
    if (found == parked_.end()) continue;
    const std::shared_ptr<ParkedPoll> poll = std::move(found->second);
    parked_.erase(found);
    poll->on_nothing(Ok());
  }
}

}  // namespace wfe::runtime
