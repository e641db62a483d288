// How one activity is to be run: queue, timeouts, retries, cancellation.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "engine/base/time.h"

namespace wfe::sdk {

/// When and how often a failed attempt is repeated (S17 to S24).  A field left at zero takes the engine's default:
/// 1 s, x2, 100 x the initial interval, unlimited attempts.
struct RetryPolicy {
  Duration initial_interval{};
  double backoff_coefficient = 0;
  Duration maximum_interval{};
  int maximum_attempts = 0;  ///< Counts the first attempt; 1: no retry; 0: unlimited.
  /// Failure types that end the retrying, e.g. "INVALID_INPUT".  Copied by the call that takes the options.
  std::span<const std::string_view> non_retryable_types{};
};

/// What happens to an activity when its scope is cancelled (S33).
enum class ActivityCancellationType {
  kTryCancel,      ///< Ask it to stop; the await throws at once.
  kWaitCompleted,  ///< Ask it to stop; the await goes on until it has ended, and gives its value if it ended well.
  kAbandon,        ///< Leave it running; the await throws at once.
};

/// Whether a worker may answer with a result that it has kept of the same activity type with the same input (ST-21).
/// A hit stands in the history as any result does, marked as one.  For activities whose result depends on their input
/// alone.
struct ResultCaching {
  Duration ttl{};           ///< How old such a result may be; 0: none is looked for and none is kept.
  int64_t max_entries = 0;  ///< Results of the activity's type that a worker keeps, the ones used last; 0: 1,000.
};

/// `start_to_close` or `schedule_to_close` must be set (S25).  Zero durations are "not given" (S26 tells what then
/// holds). Trivially destructible on purpose: GCC 12 destroys richer temporaries twice when they share a statement with
/// co_await.
struct ActivityOptions {
  std::string_view task_queue{};   ///< Empty: the workflow's own.
  std::string_view activity_id{};  ///< Empty: "1", "2", ... in the order in which the run starts activities.
  Duration schedule_to_close{};    ///< All attempts and the waits between them.
  Duration schedule_to_start{};    ///< Waiting in the queue.
  Duration start_to_close{};       ///< One attempt.
  Duration heartbeat{};            ///< Longest silence of a running attempt.
  RetryPolicy retry{};
  ActivityCancellationType cancellation = ActivityCancellationType::kTryCancel;
  ResultCaching cache{};
  bool allow_eager = true;  ///< The engine may hand it straight to this worker, without the queue (S40).
};

static_assert(std::is_trivially_destructible_v<ActivityOptions>);
static_assert(std::is_trivially_copyable_v<ActivityOptions>);

}  // namespace wfe::sdk
