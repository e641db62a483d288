// Taking up again what was open when the process before this one ended.  A shard serves at once: its runs are taken up
// a few at a turn, and whichever a call asks for before its turn has come is taken up then.
#include <utility>

#include "engine/shard/shard_private.h"
#include "engine/shard/turn.h"

namespace wfe::shard {

void Shard::Recover(std::vector<ExecutionKey> open) {
  WFE_CHECK(host_.executor.OnStrand());
  WFE_CHECK(cache_.size() == 0 && gate_.handed_in() == 0, "recovery comes first");
  unrecovered_.insert(std::make_move_iterator(open.begin()), std::make_move_iterator(open.end()));
  RecoverSome();
}

void Shard::RecoverSome() {
  for (Turn turn; !unrecovered_.empty() && !turn.over() && !stopped_;) {
    const ExecutionKey key = std::move(unrecovered_.extract(unrecovered_.begin()).value());
    TakeUp(key, turn);
  }
  timers_.Arm();
  if (!unrecovered_.empty() && !stopped_) {
    host_.executor.Post([this] { RecoverSome(); });
    return;
  }
  for (Function<void()>& next : std::exchange(after_recovery_, {})) next();
}

void Shard::TakeUp(const ExecutionKey& key, Turn& turn) {
  Result<storage::LoadedRun> run = ReadRun(key);
  if (!run) {
    turn.LookedAt(nullptr);
    return LeaveAlone(key, run.error());
  }
  turn.LookedAt(&run->state);
  Result<history::Transition> transition =
      history::Decide(std::move(run->state), history::Recovered{}, host_.clock.Now(), options_.history);
  if (!transition) return LeaveAlone(key, transition.error());
  if (!transition->needs_commit) {
    // As nearly all: only what is derived comes into memory.
    timers_.Set(key, history::NextDeadline(transition->next));
    return CarryOutEffects(key, key.ns.value(), std::move(transition->effects));
  }
  storage::LoadedRun kept;
  kept.tail = std::move(run->tail);
  Carry(Insert(key, std::move(kept)), *std::move(transition));
}

Status Shard::TakeUpNow(Execution& execution) {
  Result<history::Transition> transition = Decide(execution, history::Recovered{});
  if (!transition) return transition.error();
  Carry(execution, *std::move(transition));
  return Ok();
}

void Shard::AfterRecovery(Function<void()> next) {
  if (unrecovered_.empty()) return next();
  after_recovery_.push_back(std::move(next));
}

}  // namespace wfe::shard
