// Where activities run.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "engine/base/function.h"
#include "workers/sdk/activity.h"

namespace wfe::worker {

/// The real one is a pool of threads; the simulated one decides, in virtual time, when `work` runs and when it is done.
class ActivityExecutor {
 public:
  using Work = Function<sdk::ActivityResult<nlohmann::json>()>;
  using Done = Function<void(sdk::ActivityResult<nlohmann::json>)>;

  virtual ~ActivityExecutor() = default;
  /// Runs `work`, which does not throw, and gives its result to `done`, from any thread.  Called on the worker's
  /// strand; does not block it.  `context` is the one that `work` uses, for executors that want to know what it is.
  virtual void Execute(std::shared_ptr<sdk::ActivityContext> context, Work work, Done done) = 0;
};

}  // namespace wfe::worker
