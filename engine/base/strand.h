// A strand that lets the thread which brings work do it.
//
// A hand-over between threads costs 30 to 50 microseconds, more than a transition.  So when a gRPC thread posts to an
// idle strand it runs the work itself, after the function it is in has returned; threads that must not be captured (the
// commit thread, timers) hand over to the pool.  Asio's own strand always hands over; hence this class.
//
// Work that may be long has a strand of its own beside the short one it belongs to: a thread that lends itself runs both,
// without a hand-over while nothing is long, and the short strand is never held by the long one.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "engine/base/executor.h"

namespace wfe {

/// How long a strand's functions may run.
enum class WorkLength {
  kShort,
  /// Some take seconds (workflow code that computes, a long replay).  A thread runs them only if it lends itself to that,
  /// one function at a time and after all short work that it has at hand, so nothing short waits behind them.  What is
  /// long in such a function stands in a HandOverScope.
  kMayBeLong,
};

/// How long a thread runs a strand before it leaves the rest to the pool: a thread of the transport has other callers, a
/// thread of the pool other strands.
inline constexpr Duration kStrandTurn = std::chrono::milliseconds(1);

class Strand final : public Executor {
 public:
  /// `pool` runs work that no willing thread brought, on any of its threads; it must outlive the strand.
  explicit Strand(Executor& pool, WorkLength length = WorkLength::kShort, Duration turn = kStrandTurn)
      : pool_(pool), length_(length), turn_(turn) {}

  void Post(Function<void()> work) override;
  bool OnStrand() const override;

  /// Returns when no function of this strand runs any more; those still queued, and posted later, are dropped.  For
  /// owners whose pool goes on; not callable from the strand itself, nor once the pool has stopped.
  void Close();

 private:
  friend class InlineScope;
  void Drain();
  /// Runs one function; the rest goes behind the short work of this thread, or to the pool.
  void DrainOne();
  void DrainOnPool();
  /// Puts back what a turn did not get to; false when there is nothing left to do.
  bool Requeue(std::deque<Function<void()>>& batch, size_t first);

  Executor& pool_;
  const WorkLength length_;
  const Duration turn_;
  std::mutex mutex_;
  std::condition_variable idle_;
  // Guarded by mutex_.
  std::deque<Function<void()>> queue_;
  bool active_ = false;  // some thread drains, or is about to
  bool closed_ = false;
};

/// While one lives on a thread, strands posted to from that thread are run by it when the scope ends: one after the
/// other, never nested.
class InlineScope {
 public:
  /// `longest`: what the thread lends itself to.  Of the threads that would run long work only one does at a time in a
  /// process: the others stay free for what may not wait.
  explicit InlineScope(WorkLength longest = WorkLength::kShort);
  ~InlineScope();
  InlineScope(const InlineScope&) = delete;
  InlineScope& operator=(const InlineScope&) = delete;

 private:
  friend class Strand;
  friend class HandOverScope;
  /// False: this thread does not run that strand's work.
  bool Add(Strand& strand);

  const WorkLength longest_;
  std::deque<Strand*> woken_;
  std::deque<Strand*> woken_long_;  // run when woken_ is empty
  bool lent_ = false;
  size_t long_runs_ = 0;
  InlineScope* const outer_;
};

/// While one lives on a thread, what it posts goes to the pools at once.  Around work that may take long: its thread
/// could not run what it woke until that work has ended.
class HandOverScope {
 public:
  HandOverScope();
  ~HandOverScope();
  HandOverScope(const HandOverScope&) = delete;
  HandOverScope& operator=(const HandOverScope&) = delete;

 private:
  InlineScope* const interrupted_;
};

}  // namespace wfe
