// H27: the end of a run.
#include <array>

#include "engine/lint/rule.h"

namespace wfe::lint {
namespace {

void NothingAfterTheEnd(const HistoryView& history, Report& report) {
  const HistoryEvent* end = nullptr;
  for (const HistoryEvent& event : history.events()) {
    if (end != nullptr) report.Add(event, "the run was closed at event " + std::to_string(end->event_id()));
    if (end == nullptr && IsClosing(event.event_type())) end = &event;
  }
}

constexpr auto kClosingRules = std::to_array<Rule>({
    {"H27", "a run has at most one closing event, and nothing after it", NothingAfterTheEnd},
});

}  // namespace

std::span<const Rule> ClosingRules() { return kClosingRules; }

}  // namespace wfe::lint
