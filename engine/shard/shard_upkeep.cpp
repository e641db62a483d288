// Looking at everything a shard has, a few executions at a turn: a strand that is asked for all of it at once serves
// nobody meanwhile.
#include <algorithm>
#include <unordered_set>

#include "engine/shard/shard_private.h"
#include "engine/shard/turn.h"

namespace wfe::shard {

namespace {

/// True for an offer that goes to one of these queues, or may: a sticky queue that nobody polls is passed over.
bool IsFor(const std::set<matching::QueueKey>& queues, const history::Effect& effect, const Namespace& ns) {
  using matching::QueueType;
  if (const auto* task = std::get_if<history::OfferWorkflowTask>(&effect)) {
    return queues.contains({ns, QueueType::kWorkflow, task->queue}) ||
           (task->sticky && queues.contains({ns, QueueType::kWorkflow, task->normal_queue}));
  }
  const auto* task = std::get_if<history::OfferActivityTask>(&effect);
  return task && queues.contains({ns, QueueType::kActivity, task->queue});
}

}  // namespace

struct Shard::DerivedCheck {
  std::vector<ExecutionKey> left;  // to look at, last one first
  std::unordered_set<ExecutionKey> seen;
  std::vector<ExecutionKey> timers;  // the same, of those that have a timer
  DerivedDifference difference;
  Function<void(DerivedDifference)> done;
};

void Shard::CheckDerived(std::vector<ExecutionKey> open, Function<void(DerivedDifference)> done) {
  WFE_CHECK(host_.executor.OnStrand());
  auto check = std::make_shared<DerivedCheck>();
  check->left = std::move(open);
  std::reverse(check->left.begin(), check->left.end());
  check->done = std::move(done);
  AfterRecovery([this, check = std::move(check)] { CheckSome(check); });
}

void Shard::CheckSome(std::shared_ptr<DerivedCheck> check) {
  const Instant now = host_.clock.Now();
  for (Turn turn; !check->left.empty() && !turn.over();) {
    const ExecutionKey key = std::move(check->left.back());
    check->left.pop_back();
    std::optional<history::MutableState> read;
    const history::MutableState* state = Peek(key, read);
    turn.LookedAt(state);
    if (!state || !state->IsOpen()) continue;  // closed since it was listed
    check->seen.insert(key);
    ++check->difference.executions;
    const std::optional<Instant> wanted = history::NextDeadline(*state);
    if (wanted != timers_.Due(key)) {
      ++check->difference.timers_missing;
      timers_.Set(key, wanted);
    }
    CarryOutEffects(key, key.ns.value(), history::PendingOffers(*state, now));
  }
  timers_.Arm();
  if (!check->left.empty()) {
    host_.executor.Post([this, check = std::move(check)] { CheckSome(check); });
    return;
  }
  check->timers = timers_.Keys();
  CheckOrphans(std::move(check));
}

void Shard::CheckOrphans(std::shared_ptr<DerivedCheck> check) {
  for (Turn turn; !check->timers.empty() && !turn.over();) {
    const ExecutionKey key = std::move(check->timers.back());
    check->timers.pop_back();
    if (check->seen.contains(key) || !timers_.Due(key)) continue;
    // It may have been opened since the list was made; then its state says so.
    std::optional<history::MutableState> read;
    const history::MutableState* state = Peek(key, read);
    turn.LookedAt(state);
    if (state && history::NextDeadline(*state) == timers_.Due(key)) continue;
    ++check->difference.timers_orphaned;
    timers_.Set(key, std::nullopt);
  }
  if (!check->timers.empty()) {
    host_.executor.Post([this, check = std::move(check)] { CheckOrphans(check); });
    return;
  }
  check->done(check->difference);
}

void Shard::OfferAgain(std::vector<ExecutionKey> open, std::set<matching::QueueKey> queues, Function<void()> done) {
  WFE_CHECK(host_.executor.OnStrand());
  std::reverse(open.begin(), open.end());
  AfterRecovery([this, open = std::make_shared<std::vector<ExecutionKey>>(std::move(open)),
                 queues = std::make_shared<std::set<matching::QueueKey>>(std::move(queues)),
                 done = std::move(done)]() mutable { OfferSome(std::move(open), std::move(queues), std::move(done)); });
}

void Shard::OfferSome(std::shared_ptr<std::vector<ExecutionKey>> open,
                      std::shared_ptr<std::set<matching::QueueKey>> queues, Function<void()> done) {
  const Instant now = host_.clock.Now();
  for (Turn turn; !open->empty() && !turn.over();) {
    const ExecutionKey key = std::move(open->back());
    open->pop_back();
    std::optional<history::MutableState> read;
    const history::MutableState* state = Peek(key, read);
    turn.LookedAt(state);
    if (!state || !state->IsOpen()) continue;
    std::vector<history::Effect> offers = history::PendingOffers(*state, now);
    std::erase_if(offers, [&](const history::Effect& offer) { return !IsFor(*queues, offer, key.ns); });
    CarryOutEffects(key, key.ns.value(), std::move(offers));
  }
  if (open->empty() || stopped_) return done();
  host_.executor.Post([this, open = std::move(open), queues = std::move(queues), done = std::move(done)]() mutable {
    OfferSome(std::move(open), std::move(queues), std::move(done));
  });
}

}  // namespace wfe::shard
