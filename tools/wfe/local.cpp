#include "tools/wfe/local.h"

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "activities/build/checks/allowed_roots.h"
#include "engine/base/time.h"
#include "engine/host/server.h"
#include "engine/local/local_engine.h"
#include "tools/wfe/local_store.h"
#include "tools/wfe/user_state.h"
#include "tools/wfe/worker_process.h"
#include "workers/embedded/direct_client.h"

namespace wfe::cli {

struct LocalStack::Impl {
  ~Impl() {
    worker.reset();
    if (server) server->Stop(std::chrono::seconds(1));
    engine.reset();
    RemoveTemporary();
  }

  void RemoveTemporary() {
    std::error_code ignored;
    if (!temporary.empty()) std::filesystem::remove_all(temporary, ignored);
  }

  Status MakeTemporary() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wfe-local-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) return Internal("cannot make a temporary directory like " + pattern);
    temporary = pattern;
    return Ok();
  }

  /// A store that nobody else has to see.
  Status Open(const Config& config) {
    WFE_RETURN_IF_ERROR(MakeTemporary());
    WFE_ASSIGN_OR_RETURN(engine, local::LocalEngine::Open({.data_dir = temporary + "/data",
                                                           .limits = config.limits,
                                                           .budgets = BudgetsOf(config.cost_tracking)}));
    return Ok();
  }

  /// A store that other commands may look at meanwhile.
  Status Serve(const std::string& data_dir, const Config& config) {
    WFE_RETURN_IF_ERROR(MakeTemporary());
    host::ServerOptions options;
    options.engine.data_dir = data_dir;
    options.engine.limits = config.limits;
    options.engine.budgets = BudgetsOf(config.cost_tracking);
    // Whoever reaches the server can have the worker do things in the directories that the input names.  A socket in a
    // directory of mode 0700 is for this user alone; one whose name is too long for a socket gives way to a port.
    const std::string socket = "unix:" + temporary + "/socket";
    options.listen = socket.size() < 100 ? socket : "127.0.0.1:0";
    WFE_ASSIGN_OR_RETURN(server, host::Server::Start(options));
    return Ok();
  }

  local::LocalEngine& InProcess() { return server ? server->engine() : *engine; }

  LocalStoreLocks locks;  ///< Given back last.
  std::string temporary;
  std::unique_ptr<host::Server> server;        ///< Or …
  std::unique_ptr<local::LocalEngine> engine;  ///< … this.
  std::unique_ptr<WorkerProcess> worker;
};

LocalStack::LocalStack(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LocalStack::~LocalStack() = default;

Result<std::unique_ptr<LocalStack>> LocalStack::Start(const Config& config, const LocalStackOptions& options) {
  const auto& [input, build_id, queue, runs_code] = options;
  auto impl = std::make_unique<Impl>();
  WorkerProcessOptions worker;
  worker.config = config;
  worker.runs_code = runs_code;
  worker.config.worker.queues = {config.client.queue};
  if (!queue.empty() && queue != config.client.queue) worker.config.worker.queues.push_back(queue);
  LocalBuild build;
  if (!build_id.empty()) {
    build = {.directory = LocalBuildDirectory(build_id),
             .workflow_id = build_id,
             .started = FormatIso8601Millis(SystemClock().Now())};
    if (input != nullptr && input->is_object()) build.project_dir = input->value("working_dir", "");
    WFE_ASSIGN_OR_RETURN(impl->locks, LockLocalStore(build_id, /*to_run=*/true));
    worker.alive_lock = build.AliveLock();
    // Not below the project: what a build makes would be part of it.  One place also shares installed dependencies.
    if (!config.chosen.contains("worker.work_root")) {
      worker.config.worker.work_root = UserStateDirectory() + "/work";
    }
  }
  if (build_id.empty()) {
    WFE_RETURN_IF_ERROR(impl->Open(config));
  } else {
    WFE_RETURN_IF_ERROR(impl->Serve(build.DataDirectory(), config));
    build.address = impl->server->address();
    WFE_RETURN_IF_ERROR(DescribeLocalBuild(build));
  }
  if (input != nullptr) {
    for (std::string& named : build::DirectoriesNamedBy(*input)) {
      worker.config.worker.allowed_roots.push_back(std::move(named));
    }
  }
  worker.engine = &impl->InProcess();
  worker.ns = "default";
  WFE_ASSIGN_OR_RETURN(impl->worker, WorkerProcess::Start(worker));
  return std::unique_ptr<LocalStack>(new LocalStack(std::move(impl)));
}

Result<std::unique_ptr<LocalStack>> LocalStack::OpenForReading(const std::string& build_id) {
  auto impl = std::make_unique<Impl>();
  WFE_ASSIGN_OR_RETURN(impl->locks, LockLocalStore(build_id, /*to_run=*/false));
  const LocalBuild build{.directory = LocalBuildDirectory(build_id)};
  WFE_RETURN_IF_ERROR(impl->Serve(build.DataDirectory(), Config()));
  return std::unique_ptr<LocalStack>(new LocalStack(std::move(impl)));
}

void LocalStack::Abandon() { impl_->RemoveTemporary(); }

std::string LocalStack::address() const { return impl_->server ? impl_->server->address() : "this process"; }
std::unique_ptr<client::ServiceClient> LocalStack::NewClient() const {
  return std::make_unique<embedded::DirectClient>(embedded::WayInto(impl_->InProcess()));
}

}  // namespace wfe::cli
