// Virtual time and everything that happens in it: one queue of events on one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/fnv.h"
#include "engine/base/function.h"
#include "engine/base/time.h"
#include "tests/simulation/random.h"

namespace wfe::simulation {

/// Runs events in the order of their times; equal times in the order in which they were added.  Whatever is observable
/// goes into the trace, whose hash is equal for equal seeds (T4).
class EventLoop {
 public:
  /// `readable`: prints the trace to stderr.
  EventLoop(uint64_t seed, bool readable);

  /// True time: what no clock in the world shows exactly.
  Instant Now() const { return now_; }
  Duration elapsed() const { return now_ - kStart; }
  Random& random() { return random_; }

  /// Runs `work` once `delay` has passed.
  void After(Duration delay, Function<void()> work);
  /// Runs the next event; false when there is none or it lies behind `limit`.
  bool RunNext(Instant limit);
  /// Runs after each event.
  void set_after_event(std::function<void()> callback) { after_event_ = std::move(callback); }

  /// Adds to the hash of the trace: `what` happened now.
  void Mark(std::string_view what);
  /// The same, and a line of the readable trace.
  void Trace(std::string_view what);
  /// A line of the readable trace that is no part of the hash.
  void Note(std::string_view what) const;
  bool readable() const { return readable_; }
  uint64_t trace_hash() const { return hash_.value(); }
  uint64_t events() const { return events_; }

  static constexpr Instant kStart{std::chrono::seconds(1'700'000'000)};

 private:
  struct Event {
    Instant at;
    uint64_t sequence;
    Function<void()> work;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
    }
  };

  Instant now_ = kStart;
  uint64_t events_ = 0;
  uint64_t next_sequence_ = 0;
  Fnv1a hash_;
  const bool readable_;
  Random random_;
  std::vector<Event> queue_;  // a heap
  std::function<void()> after_event_;
};

}  // namespace wfe::simulation
