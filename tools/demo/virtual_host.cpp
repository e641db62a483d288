#include "tools/demo/virtual_host.h"

#include <algorithm>

#include "tools/demo/simulated_build.h"

namespace wfe::demo {

using namespace std::chrono_literals;

struct VirtualActivityExecutor::Running {
  std::shared_ptr<sdk::ActivityContext> context;
  sdk::ActivityResult<nlohmann::json> result;
  Done done;
  Instant ends;
};

void VirtualActivityExecutor::Execute(std::shared_ptr<sdk::ActivityContext> context, Work work, Done done) {
  strand_.Post([this, context = std::move(context), work = std::move(work), done = std::move(done)]() mutable {
    sdk::ActivityResult<nlohmann::json> result = work();
    const Instant ends = loop_.Now() + ClaimedDuration(result);
    Continue(std::make_shared<Running>(Running{std::move(context), std::move(result), std::move(done), ends}));
  });
}

void VirtualActivityExecutor::Continue(const std::shared_ptr<Running>& running) {
  if (running->context->IsCancelled()) return running->done(sdk::ActivityCancelled{nullptr});
  const Duration left = running->ends - loop_.Now();
  if (left <= Duration::zero()) return running->done(std::move(running->result));
  running->context->Heartbeat(nullptr);
  loop_.After(std::min(left, kBeat), strand_, [this, running] { Continue(running); });
}

Status VirtualHost::Start(const sdk::WorkflowRegistry& workflows, const sdk::ActivityRegistry& activities) {
  storage::StoreOptions store_options;
  store_options.clock = &loop_;
  store_options.ids = &ids_;
  store_options.name = "the store in memory";
  WFE_ASSIGN_OR_RETURN(store_, storage::Store::Open(disk_, ledger_, store_options));
  syncs_left_ = -1;
  loop_.when_idle = [this] {
    if (!power() || store_->stage().RunOnce() == 0) return false;
    ++syncs_;
    if (syncs_left_ > 0) --syncs_left_;
    return power();
  };
  engine_ =
      std::make_unique<frontend::Engine>(frontend::EngineOptions(), frontend::EngineHost{.clock = loop_,
                                                                                         .ids = ids_,
                                                                                         .timers = loop_,
                                                                                         .shard_executors = {&shard_},
                                                                                         .matching_executor = matching_,
                                                                                         .blocking_executor = blocking_,
                                                                                         .store = *store_});
  WFE_RETURN_IF_ERROR(engine_->Start());
  client_ = std::make_unique<DirectClient>(loop_, engine_->dispatcher());
  return StartWorker(workflows, activities);
}

Status VirtualHost::StartWorker(const sdk::WorkflowRegistry& workflows, const sdk::ActivityRegistry& activities,
                                const std::string& host_queue) {
  worker::WorkerOptions options;
  options.task_queue = options_.task_queue;
  options.extra_activity_queues = {host_queue.empty() ? options_.host_queue : host_queue};
  options.identity = "demo";
  options.result_cache = options_.result_cache;
  options.workflow_pollers = 1;
  options.sticky_pollers = 1;
  options.activity_pollers = 1;
  worker_ = std::make_unique<worker::Worker>(worker::Environment{.client = *client_,
                                                                 .strand = worker_strand_,
                                                                 .timers = loop_,
                                                                 .clock = loop_,
                                                                 .ids = ids_,
                                                                 .log = [](worker::LogLevel, std::string_view) {}},
                                             executor_, workflows, activities, std::move(options));
  worker_strand_.Post([this] { worker_->Start(); });
  loop_.Advance(1s);
  if (worker_->state() != worker::WorkerState::kRunning) return Internal("the worker in virtual time does not run");
  return Ok();
}

void VirtualHost::KillWorker() {
  if (worker_ == nullptr) return;
  worker_strand_.Post([this] { worker_ = nullptr; });
  loop_.RunReady();
}

void VirtualHost::Crash() {
  loop_.DropEverything();
  loop_.when_idle = nullptr;
  KillWorker();
  loop_.DropEverything();
  client_ = nullptr;
  engine_ = nullptr;
  store_ = nullptr;
  loop_.DropEverything();  // a process that is gone answers nobody
  disk_->Crash();
}

VirtualHost::~VirtualHost() { Crash(); }

}  // namespace wfe::demo
