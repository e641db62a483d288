#include "tests/simulation/worker_process.h"

namespace wfe::simulation {

using namespace std::chrono_literals;

WorkerProcess::WorkerProcess(const WorkerWorld& world, Random random, int number, EngineProcess* engine)
    : world_(world),
      random_(std::move(random)),
      name_("worker" + std::to_string(number)),
      clock_(world.loop, random_.Between(Duration(-2s), Duration(2s))),
      engine_(engine) {}

WorkerProcess::~WorkerProcess() {
  if (up()) TakeDown();
}

void WorkerProcess::Start() {
  const std::string name = name_ + "." + std::to_string(++starts_);
  if (engine_ == nullptr) process_ = std::make_unique<Process>(world_.loop, name, 20us);
  Process& home = engine_ == nullptr ? *process_ : engine_->process();
  ids_ = std::make_unique<SeededIdSource>(random_.Next());
  if (engine_ == nullptr) {
    link_ = world_.network.Connect(name);
  } else {
    direct_ = std::make_unique<embedded::DirectClient>(embedded::DirectWay{.dispatcher = world_.network.direct(),
                                                                           .monotonic = engine_->clock(),
                                                                           .timers = home,
                                                                           .answers = home.AddStrand("answers")});
  }
  activities_ = std::make_unique<ActivityHost>(home, random_.Fork("activities"), world_.attempts);
  strand_ = &home.AddStrand("strand");
  worker::Environment environment{.client = engine_ == nullptr ? static_cast<client::ServiceClient&>(*link_) : *direct_,
                                  .strand = *strand_,
                                  .timers = home,
                                  .clock = clock_,
                                  .ids = *ids_,
                                  .log = [this, name](worker::LogLevel, std::string_view message) {
                                    world_.loop.Note(name + " says: " + std::string(message));
                                  }};
  if (world_.options.worker.code_strand) environment.workflow_code = &home.AddStrand("code");
  worker::WorkerOptions options;
  options.task_queue = kTaskQueue;
  options.identity = name;
  options.max_cached_workflows = world_.options.worker.max_cached_workflows;
  options.max_concurrent_activities = world_.options.worker.max_concurrent_activities;
  options.workflow_pollers = 2;
  options.sticky_pollers = 2;
  options.activity_pollers = 2;
  options.eager_activities = world_.options.worker.eager_activities;
  options.drain_timeout = 10s;
  options.cancel_grace = 5s;
  worker_ = std::make_unique<worker::Worker>(std::move(environment), *activities_, world_.workflows, world_.activities,
                                             std::move(options));
  world_.loop.Trace(name + " is up");
  strand_->Post([this] { worker_->Start(); });
}

void WorkerProcess::TakeDown() {
  completed_ += worker_->stats().workflow_tasks_completed;
  link_ = nullptr;
  if (process_ != nullptr) process_->Kill();
  strand_->RunNow([this] { worker_ = nullptr; });
  direct_ = nullptr;
  activities_ = nullptr;
  ids_ = nullptr;
  process_ = nullptr;
  stopping_ = false;
}

void WorkerProcess::Crash() {
  if (!up()) return;
  world_.loop.Trace(name_ + " crashes");
  TakeDown();
}

void WorkerProcess::Die() {
  if (up()) TakeDown();
}

void WorkerProcess::Stop(std::function<void()> done) {
  if (!up() || stopping_ || worker_->state() == worker::WorkerState::kNew) return;
  world_.loop.Trace(name_ + " stops");
  stopping_ = true;
  strand_->RunNow([&] {
    worker_->Shutdown([this, done, start = starts_] {
      world_.loop.After(Duration(1), [this, done, start] {
        if (starts_ != start || !up()) return;
        world_.loop.Trace(name_ + " has stopped");
        TakeDown();
        done();
      });
    });
  });
}

void WorkerProcess::Clog(Duration time) {
  if (link_ != nullptr) link_->Clog(time);
}

}  // namespace wfe::simulation
