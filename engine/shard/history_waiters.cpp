#include "engine/shard/history_waiters.h"

#include <algorithm>

namespace wfe::shard {

void HistoryWaiters::Wait(const ExecutionKey& key, EventId seen, HistoryRequest request, Callback<HistoryPage> done) {
  const auto full = [&] {
    return waiting_.Count(key) >= static_cast<size_t>(std::max(0, options_.max_history_waiters_per_run));
  };
  if (full()) {
    FailEach(waiting_.TakeIf(key, [](Waiter& w) { return w.request.gone && w.request.gone(); }),
             Cancelled("the caller is gone"));
  }
  if (full()) return done(ResourceExhausted("too many calls wait for the history of " + key.ToString()));
  auto waiter = std::make_unique<Waiter>();
  waiter->id = ++last_id_;
  waiter->seen = seen;
  const Duration left = std::max(Duration::zero(), request.deadline - clock_.Now());
  waiter->timer = timers_.After(left, strand_, [this, key, id = waiter->id] { Expire(key, id); });
  waiter->request = std::move(request);
  waiter->done = std::move(done);
  waiting_.Add(key, std::move(waiter));
}

std::vector<std::unique_ptr<HistoryWaiters::Waiter>> HistoryWaiters::TakeReady(const ExecutionKey& key, bool closed,
                                                                               EventId last) {
  auto ready = waiting_.TakeIf(key, [&](const Waiter& waiter) {
    return closed || (!waiter.request.close_event_only && last > waiter.seen);
  });
  for (const std::unique_ptr<Waiter>& waiter : ready) timers_.Cancel(waiter->timer);
  return ready;
}

void HistoryWaiters::Fail(const ExecutionKey& key, const Error& error) { FailEach(waiting_.Take(key), error); }

void HistoryWaiters::FailAll(const Error& error) { FailEach(waiting_.TakeAll(), error); }

void HistoryWaiters::FailEach(std::vector<std::unique_ptr<Waiter>> waiters, const Error& error) {
  for (const std::unique_ptr<Waiter>& waiter : waiters) {
    timers_.Cancel(waiter->timer);
    waiter->done(error);
  }
}

void HistoryWaiters::Expire(const ExecutionKey& key, uint64_t id) {
  for (const auto& waiter : waiting_.TakeIf(key, [&](const Waiter& one) { return one.id == id; })) {
    waiter->done(HistoryPage{{}, std::move(waiter->request.page_token)});
  }
}

}  // namespace wfe::shard
