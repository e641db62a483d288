// Which machine an activity runs on, so that a workflow can keep to it (EN-5).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/record_json.h"
#include "workers/sdk/activity.h"

namespace wfe::build {

struct HostInfo {
  std::string host_queue;  ///< The task queue that only this host's workers serve; stable across their restarts.
  std::string work_root;   ///< Absolute; new working directories are made below it.
  int64_t host_timeout_s = 600;  ///< A build goes on elsewhere when nobody has served the queue for so long.
  /// The host may refuse to let a run spend: a build asks admitRun before anything is made for it (QF-5).  Told here and
  /// not by a patch of the workflow: builds that began before, and those of hosts that never refuse, have one step less.
  bool admits_runs = false;
};
WFE_RECORD(HostInfo, host_queue, work_root, host_timeout_s, admits_runs);
constexpr RecordRules RulesOf(const HostInfo*) {
  return {.whole = true, .may_lack = "host_timeout_s", .seldom = "admits_runs"};
}

inline constexpr sdk::ActivityType<sdk::Nothing, HostInfo> kDescribeHost{"describeHost"};

/// Adds describeHost, which answers `info`.
void RegisterHostActivities(sdk::ActivityRegistry& registry, HostInfo info);

}  // namespace wfe::build
