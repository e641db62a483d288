// One function a scenario; docs/benchmarks.md defines what each measures.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tools/bench/bench.h"
#include "tools/bench/limits.h"
#include "workers/client/service_client.h"

namespace wfe::bench {

/// Where a scenario runs and what it may ask of the processes.
struct Environment {
  client::ServiceClient* client = nullptr;
  pid_t server_pid = 0;  ///< 0: not ours, so no CPU and memory figures.
  pid_t worker_pid = 0;
  std::string directory;  ///< Temporary; for scenarios that start processes of their own.
  std::string program;
  Limits limits;
  Options options;
  std::function<void(const std::string&)> progress;
};

/// A client that makes its calls as the options say.
std::unique_ptr<client::ServiceClient> NewClient(const std::string& address, const Options& options);

/// It kills, restarts or weighs the server, and so has nothing to say of one inside this process.
bool NeedsProcesses(const std::string& name);

Status RunScenario(const std::string& name, const Environment& environment, std::vector<Figure>& figures);

}  // namespace wfe::bench
