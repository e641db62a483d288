// What time alone will make happen to an execution.
#pragma once

#include <compare>
#include <optional>

#include "engine/base/ids.h"
#include "engine/base/time.h"

namespace wfe::engine::v1 {
class PendingActivity;
}  // namespace wfe::engine::v1

namespace wfe::history {

class MutableState;
struct OpenActivity;

/// In the order in which things due at the same instant happen.
enum class DueKind {
  kExecutionTimeout,      ///< ends the chain of runs
  kRunTimeout,            ///< ends the run; a retry policy may start another
  kFirstTask,             ///< the first workflow task's back-off or delay is over
  kTimer,                 ///< id: the timer's started event
  kActivityRelease,       ///< id: the activity's scheduled event; its retry back-off is over
  // Temporal's order: an activity with a schedule-to-close limit alone has all these deadlines at once, and nobody having
  // taken it is what it ends with (WIRE-F8).  A start-to-close that leaves no time for a retry becomes a
  // schedule-to-close (WIRE-F7).
  kActivityStartToClose,  ///< id: as above, also for the next three
  kActivityScheduleToStart,
  kActivityScheduleToClose,
  kActivityHeartbeat,
  kWorkflowTaskRelease,  ///< a failed workflow task's back-off is over
  kWorkflowTaskTimeout,
  kStickyTimeout,
};

struct Due {
  Instant at;
  DueKind kind{};
  EventId id = 0;
  friend auto operator<=>(const Due&, const Due&) = default;
};

/// The next thing due, by time, then kind, then id; nullopt for a closed run and for one that nothing will move.  Costs
/// the same however much is pending.
std::optional<Due> NextDue(const MutableState& state);

/// The first of the activity's deadlines; nullopt when it has none.
std::optional<Due> NextDue(const OpenActivity& activity);

/// When the run times out; nullopt: never, by itself.
std::optional<Instant> RunDeadline(const MutableState& state);

/// The instant after which no retry of the activity may start: its schedule-to-close deadline (S21).
std::optional<Instant> ActivityExpiration(const engine::v1::PendingActivity& activity);

}  // namespace wfe::history
