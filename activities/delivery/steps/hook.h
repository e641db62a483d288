// Where the events of monitors go besides the records (MO-2): a command, or a URL.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "activities/delivery/records/monitor_log.h"
#include "engine/base/result.h"

namespace wfe::delivery {

/// Both empty: there is none.  It is the worker's configuration, never an input: who may start a workflow may not
/// choose what runs on the worker's machine or where it sends to.
struct HookConfig {
  std::vector<std::string> command;  ///< Program and arguments; reads the event as JSON from standard input.
  std::string url;                   ///< Gets the event as JSON by POST.
};

/// Callable from any thread; blocks for at most a minute.
using MonitorHook = std::function<Status(const MonitoringEvent& event)>;

/// Empty where there is none.  INVALID_ARGUMENT for a URL that is none, or http to another machine.
Result<MonitorHook> MakeHook(const HookConfig& config);

}  // namespace wfe::delivery
