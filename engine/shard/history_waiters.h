// Calls that wait for a history to go on.
#pragma once

#include <vector>

#include "engine/base/executor.h"
#include "engine/base/ids.h"
#include "engine/shard/callback.h"
#include "engine/shard/options.h"
#include "engine/shard/parked.h"
#include "engine/shard/requests.h"

namespace wfe::shard {

/// Parked GetWorkflowExecutionHistory calls.  They hold no execution in memory.  Belongs to one strand, on which
/// everything here is called and all answers run.
class HistoryWaiters {
 public:
  struct Waiter {
    uint64_t id = 0;
    HistoryRequest request;
    EventId seen = 0;  ///< Wakes when the history goes beyond this event.
    TimerService::TimerId timer = 0;
    Callback<HistoryPage> done;
  };

  /// `clock` is the scale of the requests' deadlines.
  HistoryWaiters(const Options& options, const Clock& clock, TimerService& timers, Executor& strand)
      : options_(options), clock_(clock), timers_(timers), strand_(strand) {}

  /// Until the request's deadline; then it is answered with an empty page and the request's token, and the caller asks
  /// again (pitfall 1).  Refused when too many wait for this run and none of them has left.
  void Wait(const ExecutionKey& key, EventId seen, HistoryRequest request, Callback<HistoryPage> done);
  bool Has(const ExecutionKey& key) const { return waiting_.Has(key); }
  /// Those that a history up to event `last` answers: all of them when it is closed.
  std::vector<std::unique_ptr<Waiter>> TakeReady(const ExecutionKey& key, bool closed, EventId last);
  /// Answers all that wait for this run.
  void Fail(const ExecutionKey& key, const Error& error);
  void FailAll(const Error& error);

 private:
  void Expire(const ExecutionKey& key, uint64_t id);
  void FailEach(std::vector<std::unique_ptr<Waiter>> waiters, const Error& error);

  const Options& options_;
  const Clock& clock_;
  TimerService& timers_;
  Executor& strand_;
  Parked<ExecutionKey, Waiter> waiting_;
  uint64_t last_id_ = 0;
};

}  // namespace wfe::shard
