#include "workers/embedded/engine.h"

#include <utility>
#include <vector>

#include "engine/base/line_log.h"
#include "engine/local/local_engine.h"
#include "workers/embedded/direct_client.h"
#include "workers/embedded/fork_count.h"
#include "workers/host/process_name.h"
#include "workers/host/program_options.h"
#include "workers/host/thread_pool_activity_executor.h"
#include "workers/host/worker_group.h"

namespace wfe::embedded {
struct Engine::Impl {
  explicit Impl(Options of)
      : options(std::move(of)),
        lines(LineLog::Format::kText, LogLevel::kInfo, clock, options.log ? options.log : WriteToStandardError) {}

  bool forked() const { return ForkCount() != forks; }

  const Options options;
  const uint64_t forks = ForkCount();
  const SystemClock clock;
  LineLog lines;
  std::unique_ptr<local::LocalEngine> engine;
  std::unique_ptr<DirectClient> direct;
  std::unique_ptr<worker::WorkflowClient> client;
  std::vector<std::unique_ptr<worker::ThreadPoolActivityExecutor>> executors;
  std::unique_ptr<worker::WorkerGroup> workers;
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Engine::~Engine() { Close(); }

Result<std::unique_ptr<Engine>> Engine::Open(Options options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  local::EngineOptions engine;
  engine.data_dir = impl->options.data_dir;
  engine.log = &impl->lines;
  WFE_ASSIGN_OR_RETURN(impl->engine, local::LocalEngine::Open(engine));
  const DirectWay way = WayInto(*impl->engine);
  impl->direct = std::make_unique<DirectClient>(way);
  impl->client =
      std::make_unique<worker::WorkflowClient>(*impl->direct, impl->options.ns, worker::ProcessName("embedded"));
  impl->workers = std::make_unique<worker::WorkerGroup>(
      std::make_unique<DirectClient>(way), [log = &impl->lines](worker::LogLevel level, std::string_view message) {
        const std::string text(message);
        if (level == worker::LogLevel::kInfo) return log->Info("embedded_worker", text);
        log->Warning("embedded_worker", text);
      });
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Status Engine::Serve(const sdk::WorkflowRegistry& workflows, const sdk::ActivityRegistry& activities,
                     const worker::WorkerProgram& program) {
  if (impl_ == nullptr) return FailedPrecondition("the engine is closed");
  if (impl_->forked()) return FailedPrecondition("the engine belongs to the process that opened it, not to its fork");
  if (program.task_queue.empty()) return InvalidArgument("a worker needs a task queue");
  if (workflows.empty() && activities.empty()) {
    return InvalidArgument("there is nothing to serve: no workflow and no activity is registered");
  }
  impl_->executors.push_back(
      std::make_unique<worker::ThreadPoolActivityExecutor>(program.max_concurrent_activities));
  impl_->workers->Add(*impl_->executors.back(), workflows, activities,
                      worker::OptionsOf(program, impl_->options.ns, worker::ProcessName("embedded")));
  return Ok();
}

worker::WorkflowClient& Engine::client() { return *impl_->client; }

void Engine::Close() {
  if (impl_ == nullptr) return;
  if (impl_->forked()) {
    // Its threads are not here, so nothing can be ended, and the files are another process's.
    static_cast<void>(impl_.release());
    return;
  }
  impl_->workers->Drain();
  impl_->workers->StopAll();
  impl_->executors.clear();
  impl_->workers.reset();
  impl_->direct.reset();
  impl_->engine->Drain();
  impl_->engine->Close();
  impl_.reset();
}

}  // namespace wfe::embedded
