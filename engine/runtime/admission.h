// Who may come in: the one place that looks at how much is under way and says when it is too much (F5, F17, SEC-M1).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "engine/base/result.h"

namespace wfe::runtime {

struct AdmissionLimits {
  int64_t max_calls = 40'000;                      ///< In flight, parked ones included.
  int64_t max_request_bytes = 256 << 20;           ///< Of the calls in flight.
  int64_t max_pending_commits = 50'000;            ///< That are decided and not durable yet.
  int64_t max_pending_commit_bytes = 128 << 20;    ///< Of these.
  int64_t max_blocking_calls = 4 + 256;            ///< On the blocking executor, running and waiting.
};

/// What waits for the disk.
struct CommitBacklog {
  int64_t commits = 0;
  int64_t bytes = 0;
};

/// Counts calls in and out.  A refusal is RESOURCE_EXHAUSTED with a cause, which clients repeat later.  Thread-safe.
class Admission {
 public:
  /// `backlog` is asked at each call, so it must be cheap.
  Admission(AdmissionLimits limits, std::function<CommitBacklog()> backlog)
      : limits_(limits), backlog_(std::move(backlog)) {}

  /// Runs when the commits begin to pile up (true) and when half of that is left (false); on the thread that notices.
  /// Set before use.
  void OnOverload(std::function<void(bool)> callback) { on_overload_ = std::move(callback); }

  /// A call with so many bytes of request comes in; when it is let in, Answered follows.
  Status Admit(int64_t request_bytes);
  void Answered(int64_t request_bytes);

  /// A call wants to go to the blocking executor; when it is let in, Unblock follows.
  Status Block();
  void Unblock() { blocking_.fetch_sub(1, std::memory_order_relaxed); }

  /// Looks at the backlog; true while it is too large.  For whoever waits for that to end.
  bool Overloaded();

  /// Calls refused since this was asked last.
  int64_t TakeRefused() { return refused_.exchange(0, std::memory_order_relaxed); }

  int64_t calls() const { return calls_.load(std::memory_order_relaxed); }
  int64_t request_bytes() const { return bytes_.load(std::memory_order_relaxed); }
  int64_t blocking() const { return blocking_.load(std::memory_order_relaxed); }

 private:
  Error Refuse(std::string message);

  const AdmissionLimits limits_;
  const std::function<CommitBacklog()> backlog_;
  std::function<void(bool)> on_overload_;
  std::atomic<int64_t> calls_ = 0;
  std::atomic<int64_t> bytes_ = 0;
  std::atomic<int64_t> blocking_ = 0;
  std::atomic<int64_t> refused_ = 0;
  std::atomic<bool> overloaded_ = false;
};

/// RESOURCE_EXHAUSTED because the server, not the caller, has too much to do.
Error SystemOverloaded(std::string message);

}  // namespace wfe::runtime
