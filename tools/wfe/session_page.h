// What a person sees of optimizer sessions (RP-9, RP-10): lines for a terminal, or one self-contained document.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "activities/delivery/records/monitor_log.h"
#include "activities/delivery/records/rollout_log.h"
#include "activities/delivery/records/version_state.h"
#include "activities/optimizer/steps/session.h"

namespace wfe::cli {

/// A session with what other records say of its outcome.
struct SessionStory {
  optimizer::StoredSession session;
  std::optional<delivery::VersionState> versions;        ///< Of its workflow.
  std::optional<delivery::StoredRollout> rollout;        ///< That it began.
  std::vector<delivery::MonitoringEvent> monitoring;     ///< Of the workflow, since the session began.
  std::string before;                                    ///< The graphs, as texts to draw; empty: there are none.
  std::string after;
};

/// Averages, bottlenecks, suggestions, validation, A/B result, stages, final state: lines of at most `width` columns.
std::string SessionText(const SessionStory& story, size_t width);
/// The same as HTML that fetches nothing, with the graphs before and after; `made_at` is ISO 8601.
std::string SessionPage(const SessionStory& story, const std::string& made_at);

}  // namespace wfe::cli
