// A strand that lets the thread which brings work do it.
//
// A hand-over between threads costs 30 to 50 microseconds, more than a transition.  So when a gRPC thread posts to an
// idle strand it runs the work itself, after the function it is in has returned; threads that must not be captured (the
// commit thread, timers) hand over to the pool.  Asio's own strand always hands over; hence this class.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

#include "engine/base/executor.h"

namespace wfe {

class Strand final : public Executor {
 public:
  /// `pool` runs work that no willing thread brought, on any of its threads; it must outlive the strand.
  explicit Strand(Executor& pool) : pool_(pool) {}

  void Post(Function<void()> work) override;
  bool OnStrand() const override;

  /// Returns when no function of this strand runs any more; those still queued, and posted later, are dropped.  For
  /// owners whose pool goes on; not callable from the strand itself, nor once the pool has stopped.
  void Close();

 private:
  friend class InlineScope;
  void Drain();
  void DrainOnPool();

  Executor& pool_;
  std::mutex mutex_;
  std::condition_variable idle_;
  // Guarded by mutex_.
  std::vector<Function<void()>> queue_;
  bool active_ = false;  // some thread drains, or is about to
  bool closed_ = false;
};

/// While one lives on a thread, strands posted to from that thread are run by it when the scope ends: one after the
/// other, never nested.
class InlineScope {
 public:
  InlineScope();
  ~InlineScope();
  InlineScope(const InlineScope&) = delete;
  InlineScope& operator=(const InlineScope&) = delete;

 private:
  friend class Strand;
  std::deque<Strand*> woken_;
  InlineScope* const outer_;
};

}  // namespace wfe
