// What is told only when it survives a crash.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "engine/base/executor.h"
#include "engine/shard/callback.h"
#include "engine/storage/execution_store.h"

namespace wfe::shard {

/// Numbers the commits that its owner hands to the store, and runs what waits for one of them once it is durable; what
/// waits for the same commit runs in the order it came.  Belongs to one strand, on which everything here is called.
class DurableGate {
 public:
  explicit DurableGate(Executor& strand) : strand_(strand) {}
  DurableGate(const DurableGate&) = delete;
  DurableGate& operator=(const DurableGate&) = delete;

  /// Goes with the next commit to the store, whose number is handed_in() from here on.
  storage::DurableCallback NextCommit();
  /// The number of the latest commit; 0: there was none.
  uint64_t handed_in() const { return handed_in_; }
  bool IsDurable(uint64_t commit) const { return commit <= durable_; }

  /// At once, when the commit is durable already.
  void WhenDurable(uint64_t commit, Function<void()> run);
  /// After everything handed in so far.
  void WhenAllDurable(Function<void()> run) { WhenDurable(handed_in_, std::move(run)); }

  /// Hands over the answer when the commit that it rests on is durable.  A refusal tells of the state, too: "already
  /// completed" must not be said of a completion that a crash may undo.
  template <class T>
  void Answer(uint64_t commit, Callback<T> done, Result<T> answer) {
    if (IsDurable(commit)) return done(std::move(answer));
    WhenDurable(commit, [done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
  }

 private:
  void OnDurable(uint64_t commit);

  Executor& strand_;
  uint64_t handed_in_ = 0;
  uint64_t durable_ = 0;
  std::multimap<uint64_t, Function<void()>> waiting_;
};

}  // namespace wfe::shard
