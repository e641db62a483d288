// What every part of a worker is given: the way out, its strand, time and ids.  A worker owns no thread and no clock,
// so the simulated host runs the very same classes.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "engine/base/executor.h"
#include "engine/base/id_source.h"
#include "engine/base/time.h"
#include "workers/client/service_client.h"

namespace wfe::worker {

enum class LogLevel { kInfo, kWarning, kError };
/// Called on the worker's strand.  Messages hold no payloads.
using Log = std::function<void(LogLevel, std::string_view message)>;

/// References outlive the worker and every activity it started.
struct Environment {
  client::ServiceClient& client;
  Executor& strand;  ///< All of the worker's state lives here.
  TimerService& timers;
  const Clock& clock;
  IdSource& ids;
  Log log;
  /// Where workflow code runs; nullptr: on the strand.  With one of its own, heartbeats, reports and polls go on while a
  /// workflow task takes long: a Strand of WorkLength::kMayBeLong whose pool is a thread that nothing else needs.  The
  /// thread that brings a task then runs its code too, unless another one is at it.
  Executor* workflow_code = nullptr;
};

}  // namespace wfe::worker
