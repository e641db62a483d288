// When each execution (or schedule) next needs time to pass, and the turn it gets then.
#pragma once

#include <optional>
#include <vector>

#include "engine/shard/deadline_timer.h"
#include "engine/timers/timer_queue.h"

namespace wfe::shard {

/// A timer queue that wakes by itself.  Belongs to one strand, on which everything here is called.
class DueTimers {
 public:
  struct Host {
    const Clock& clock;
    TimerService& timers;
    Executor& strand;
    /// The key's time has come, and it is in the queue no more.  True when something moved by it.
    Function<bool(const ExecutionKey& key)> due;
    /// Time has come and moved nothing, and yet the key is due again: a fault of whoever decides.  It gets no time from
    /// the others: its next turn is a second later.
    Function<void(const ExecutionKey& key)> stuck;
  };
  /// At most `per_turn` keys before others get a turn (F16).
  DueTimers(Host host, size_t per_turn);

  /// nullopt removes.  Arm follows.
  void Set(const ExecutionKey& key, std::optional<Instant> due);
  void Arm() { timer_.Arm(queue_.NextDue()); }
  void Stop() { timer_.Stop(); }

  std::optional<Instant> Due(const ExecutionKey& key) const { return queue_.Due(key); }
  std::vector<ExecutionKey> Keys() const { return queue_.Keys(); }  ///< In due order.
  size_t size() const { return queue_.size(); }

 private:
  void OnWake();

  Host host_;
  const size_t per_turn_;
  timers::TimerQueue queue_;
  DeadlineTimer timer_;
};

}  // namespace wfe::shard
