#include "engine/shard/durable_gate.h"

#include "engine/base/check.h"

namespace wfe::shard {

storage::DurableCallback DurableGate::NextCommit() {
  const uint64_t commit = ++handed_in_;
  return {&strand_, [this, commit] { OnDurable(commit); }};
}

void DurableGate::WhenDurable(uint64_t commit, Function<void()> run) {
  WFE_CHECK(commit <= handed_in_, "something waits for a commit that nobody has made");
  if (IsDurable(commit)) return run();
  waiting_.emplace(commit, std::move(run));
}

void DurableGate::OnDurable(uint64_t commit) {
  WFE_CHECK(strand_.OnStrand());
  WFE_CHECK(commit == durable_ + 1, "commits became durable out of order");
  durable_ = commit;
  while (!waiting_.empty() && waiting_.begin()->first <= commit) {
    Function<void()> run = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    run();
  }
}

}  // namespace wfe::shard
