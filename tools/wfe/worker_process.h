// A worker of this program: its workflows and activities, joined to a server.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "tools/wfe/config.h"

namespace wfe::local {
class LocalEngine;
}

namespace wfe::cli {

struct WorkerProcessOptions {
  Config config;
  std::string address;
  /// The engine in this process, called directly instead; outlives the worker.  Null: the one at `address`.
  local::LocalEngine* engine = nullptr;
  std::string ns = "default";
  std::string records_address;     ///< Empty: `address`.
  std::vector<std::string> types;  ///< Workflow types to serve; empty: all there are.
  std::function<void(const std::string&)> log;
  std::string alive_lock;  ///< The runs end with the process that holds this lock; see build::Claim.
  bool runs_code = true;   ///< See WorkerActivities.
};

class WorkerProcess {
 public:
  /// Makes the work root, registers activities, and starts polling every configured queue and the host's own.  A server
  /// that is not there yet is waited for, and the log says so.
  static Result<std::unique_ptr<WorkerProcess>> Start(const WorkerProcessOptions& options);
  ~WorkerProcess();
  /// Takes no more tasks, lets running activities end within the drain timeout, then cancels them.  Blocks.
  void Drain();

 private:
  class Impl;
  explicit WorkerProcess(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::cli
