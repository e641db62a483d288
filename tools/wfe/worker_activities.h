// The activities that `wfe worker` serves, all of them, guarded.
#pragma once

#include <memory>
#include <string>

#include "tools/wfe/config.h"
#include "workers/sdk/activity.h"

namespace wfe::agent {
struct GeminiConfig;
}  // namespace wfe::agent
namespace wfe::build {
class AllowedRoots;
}  // namespace wfe::build
namespace wfe::client {
class RecordsClient;
class ServiceClient;
}  // namespace wfe::client

namespace wfe::cli {

/// What the activities are given.  References and pointers outlive the registry's use.
struct WorkerActivities {
  const Config& config;
  const agent::GeminiConfig& agent;
  std::shared_ptr<client::RecordsClient> records;
  client::ServiceClient* service;
  std::string ns;
  std::string work_root;   ///< Real path.
  std::string host_queue;  ///< The queue that only this host serves.
  std::shared_ptr<const build::AllowedRoots> roots;
  std::string alive_lock;  ///< See build::Claim.
  bool runs_code = true;   ///< False: no run of it starts code of others, and nobody is warned of that.
};

/// Registers them in `registry`, which stays where it is while they run; each that takes a directory is refused outside of `roots` (activities/build/checks/allowed_roots.h).
void RegisterWorkerActivities(sdk::ActivityRegistry& registry, const WorkerActivities& worker);

}  // namespace wfe::cli
