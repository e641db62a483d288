// Timeouts as requests and commands give them, and as runs and activities keep them.
#pragma once

#include <algorithm>
#include <optional>

#include "engine/base/proto_time.h"
#include "engine/history/limits.h"

namespace wfe::history {

/// Zero means none (S7).
inline std::optional<Duration> Timeout(const google::protobuf::Duration& timeout) {
  const Duration duration = FromProto(timeout);
  if (duration == Duration::zero()) return std::nullopt;
  return duration;
}

inline std::optional<Duration> Earlier(std::optional<Duration> a, std::optional<Duration> b) {
  if (!a.has_value() || !b.has_value()) return a.has_value() ? a : b;
  return std::min(*a, *b);
}

/// What limits a run, by the fields of its start request or of the command that starts it as a child.
struct RunTimeouts {
  std::optional<Duration> execution;
  std::optional<Duration> run;  ///< At most the execution's.
  Duration task{};              ///< S8: of one workflow task; at most the run's.
};
template <class Attributes>
RunTimeouts TimeoutsOf(const Attributes& attributes, const Limits& limits) {
  RunTimeouts timeouts;
  timeouts.execution = Timeout(attributes.workflow_execution_timeout());
  timeouts.run = Earlier(Timeout(attributes.workflow_run_timeout()), timeouts.execution);
  timeouts.task = Timeout(attributes.workflow_task_timeout()).value_or(limits.default_workflow_task_timeout);
  timeouts.task = std::min(timeouts.task, limits.max_workflow_task_timeout);
  if (timeouts.run.has_value()) timeouts.task = std::min(timeouts.task, *timeouts.run);
  return timeouts;
}

}  // namespace wfe::history
