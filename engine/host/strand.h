// A strand that lets the thread which brings work do it.
//
// A hand-over between threads costs 30 to 50 microseconds, more than a transition.  So when a gRPC thread posts to an
// idle strand it runs the work itself, after the function it is in has returned; threads that must not be captured (the
// commit thread, timers) hand over to the pool.  Asio's own strand always hands over; hence this class.
#pragma once

#include <deque>
#include <mutex>
#include <vector>

#include "engine/base/executor.h"
#include "engine/host/asio.h"

namespace wfe::host {

class Strand final : public Executor {
 public:
  /// `pool` runs work that no willing thread brought; it must outlive the strand.
  explicit Strand(asio::io_context& pool) : pool_(pool) {}

  void Post(Function<void()> work) override;
  bool OnStrand() const override;

 private:
  friend class InlineScope;
  void Drain();

  asio::io_context& pool_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<Function<void()>> queue_;
  bool active_ = false;  // some thread drains, or is about to
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

}  // namespace wfe::host
