#include "engine/shard/due_timers.h"

namespace wfe::shard {

DueTimers::DueTimers(Host host, size_t per_turn)
    : host_(std::move(host)),
      per_turn_(per_turn),
      timer_(host_.clock, host_.timers, host_.strand, [this] { OnWake(); }) {}

void DueTimers::Set(const ExecutionKey& key, std::optional<Instant> due) {
  if (due) {
    queue_.Set(key, *due);
  } else {
    queue_.Remove(key);
  }
}

void DueTimers::OnWake() {
  const Instant now = host_.clock.Now();
  for (const ExecutionKey& key : queue_.PopDue(now, per_turn_)) {
    if (host_.due(key)) continue;
    if (const auto again = queue_.Due(key); again && *again <= now) {
      host_.stuck(key);
      queue_.Set(key, now + std::chrono::seconds(1));
    }
  }
  Arm();
}

}  // namespace wfe::shard
