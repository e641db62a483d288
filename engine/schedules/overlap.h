// What to do when the time of an action comes while an earlier one still runs (S90, S91).
#pragma once

#include <vector>

#include "wfe/engine/v1/schedule.pb.h"

namespace wfe::schedules {

using OverlapPolicy = temporal::api::enums::v1::ScheduleOverlapPolicy;

struct OverlapDecision {
  std::vector<engine::v1::ScheduledStart> start;   ///< Now; those under AllowAll are marked `overlapping`.
  std::vector<engine::v1::ScheduledStart> buffer;  ///< What goes on waiting.
  int64_t skipped = 0;
};

/// Goes through the waiting starts in order.  `busy`: an action that others wait for is running or being started.
/// A start under CancelOther or TerminateOther that waits in the buffer asks for the end of what runs.
OverlapDecision ResolveOverlap(std::vector<engine::v1::ScheduledStart> waiting, bool busy, OverlapPolicy policy);

/// The policy of one start: its own, else the schedule's, else Skip.
OverlapPolicy PolicyOf(const engine::v1::ScheduledStart& start, OverlapPolicy policy);

}  // namespace wfe::schedules
