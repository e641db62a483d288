#include "engine/schedules/overlap.h"

#include <optional>
#include <utility>

namespace wfe::schedules {

namespace enums = temporal::api::enums::v1;

OverlapPolicy PolicyOf(const engine::v1::ScheduledStart& start, OverlapPolicy policy) {
  if (start.overlap_policy() != enums::SCHEDULE_OVERLAP_POLICY_UNSPECIFIED) return start.overlap_policy();
  return policy == enums::SCHEDULE_OVERLAP_POLICY_UNSPECIFIED ? enums::SCHEDULE_OVERLAP_POLICY_SKIP : policy;
}

OverlapDecision ResolveOverlap(std::vector<engine::v1::ScheduledStart> waiting, bool busy, OverlapPolicy policy) {
  OverlapDecision decision;
  std::optional<engine::v1::ScheduledStart> next;  // the one start that others wait for
  for (engine::v1::ScheduledStart& start : waiting) {
    const OverlapPolicy its = PolicyOf(start, policy);
    if (its == enums::SCHEDULE_OVERLAP_POLICY_ALLOW_ALL) {
      start.set_overlapping(true);
      decision.start.push_back(std::move(start));
      continue;
    }
    if (!busy && !next) {
      next = std::move(start);
      continue;
    }
    switch (its) {
      case enums::SCHEDULE_OVERLAP_POLICY_BUFFER_ONE:
        if (decision.buffer.empty()) {
          decision.buffer.push_back(std::move(start));
        } else {
          ++decision.skipped;
        }
        break;
      case enums::SCHEDULE_OVERLAP_POLICY_BUFFER_ALL:
        decision.buffer.push_back(std::move(start));
        break;
      case enums::SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER:
      case enums::SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER: {
        // A later start takes the place of an earlier one that has not begun.
        if (!busy) {
          next = std::move(start);
          ++decision.skipped;
          break;
        }
        const auto is_replaced = [policy](const engine::v1::ScheduledStart& earlier) {
          const OverlapPolicy other = PolicyOf(earlier, policy);
          return other == enums::SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER ||
                 other == enums::SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER;
        };
        decision.skipped += static_cast<int64_t>(std::erase_if(decision.buffer, is_replaced));
        decision.buffer.push_back(std::move(start));
        break;
      }
      default:
        ++decision.skipped;
        break;
    }
  }
  if (next) decision.start.push_back(*std::move(next));
  return decision;
}

}  // namespace wfe::schedules
