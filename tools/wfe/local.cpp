#include "tools/wfe/local.h"

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "activities/compliance/allowed_roots.h"
#include "engine/host/server.h"
#include "tools/wfe/worker_process.h"

namespace wfe::cli {

struct LocalStack::Impl {
  ~Impl() {
    worker.reset();
    if (server) server->Stop(std::chrono::seconds(1));
    std::error_code ignored;
    if (!store.empty()) std::filesystem::remove_all(store, ignored);
  }
  std::string store;
  std::unique_ptr<host::Server> server;
  std::unique_ptr<WorkerProcess> worker;
};

LocalStack::LocalStack(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LocalStack::~LocalStack() = default;

Result<std::unique_ptr<LocalStack>> LocalStack::Start(const Config& config, const nlohmann::json* input) {
  auto impl = std::make_unique<Impl>();
  std::string pattern = (std::filesystem::temp_directory_path() / "wfe-local-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) return Internal("cannot make a temporary directory like " + pattern);
  impl->store = pattern;
  host::ServerOptions server;
  server.data_dir = pattern + "/data";
  // Whoever reaches the server can have the worker do things in the directories that the input names.  A socket in a
  // directory of mode 0700 is for this user alone; one whose name is too long for a socket gives way to a port.
  const std::string socket = "unix:" + pattern + "/socket";
  server.listen = socket.size() < 100 ? socket : "127.0.0.1:0";
  server.limits = config.limits;
  WFE_ASSIGN_OR_RETURN(impl->server, host::Server::Start(server));
  WorkerProcessOptions worker;
  worker.config = config;
  worker.config.worker.queues = {config.client.queue};
  if (input != nullptr) {
    for (std::string& named : activities::DirectoriesNamedBy(*input)) {
      worker.config.worker.allowed_roots.push_back(std::move(named));
    }
  }
  worker.address = impl->server->address();
  worker.ns = "default";
  WFE_ASSIGN_OR_RETURN(impl->worker, WorkerProcess::Start(worker));
  return std::unique_ptr<LocalStack>(new LocalStack(std::move(impl)));
}

const std::string& LocalStack::address() const { return impl_->server->address(); }

}  // namespace wfe::cli
