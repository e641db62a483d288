#include "tests/simulation/world.h"

#include <algorithm>

namespace wfe::simulation {

using namespace std::chrono_literals;

World::World(const Options& options, bool readable)
    : World(options, RandomPlans(Random(options.seed).Fork("plans"), options), readable) {}

World::World(const Options& options, std::vector<Plan> plans, bool readable)
    : options_(options),
      loop_(options.seed ^ 0x5eed, readable),
      random_(Random(options.seed).Fork("world")),
      network_(loop_, random_.Fork("network"), options.network),
      engine_(loop_, random_.Fork("engine"), network_, options_),
      plans_(std::move(plans)),
      client_process_(loop_, "clients", 20us),
      client_strand_(client_process_.AddStrand("strand")),
      client_link_(network_.Connect("client")) {
  RegisterWorkflows(workflows_, flags_);
  RegisterActivities(activities_);
  const WorkerWorld shared{loop_, network_, options_, workflows_, activities_, attempts_};
  for (int i = 0; i < options_.worker.processes; ++i) {
    workers_.push_back(std::make_unique<WorkerProcess>(shared, random_.Fork("worker"), i,
                                                       i == 0 && options_.worker.embedded ? &engine_ : nullptr));
  }
  if (options_.worker.embedded) {
    engine_.SetInhabitant([this] { workers_[0]->Start(); }, [this] { workers_[0]->Die(); });
  }
  for (const Plan& plan : plans_) {
    loop_.Note(plan.ToString());
    clients_.push_back(std::make_unique<Client>(client_process_, client_strand_, *client_link_, engine_.clock(), plan));
  }
  for (int i = 0; i < options_.schedules; ++i) {
    Random own = Random(options.seed).Fork("schedule" + std::to_string(i));
    schedules_.push_back(
        std::make_unique<ScheduleClient>(client_process_, client_strand_, *client_link_, own, options_, i));
  }
}

World::~World() {
  loop_.set_after_event(nullptr);
  client_link_ = nullptr;
  client_process_.Kill();
  engine_.SetInhabitant(nullptr, nullptr);
  workers_.clear();
}

Outcome World::Run() {
  loop_.set_after_event([this] { engine_.AfterEvent(); });
  engine_.Start();
  for (const auto& worker : workers_) {
    if (!worker->embedded()) worker->Start();
  }
  for (const auto& client : clients_) {
    client_process_.After(client->plan().start_at, client_strand_, [client = client.get()] { client->Start(); });
  }
  for (const auto& schedule : schedules_) {
    client_process_.After(1s, client_strand_, [schedule = schedule.get()] { schedule->Start(); });
  }
  StartFaults();
  RunUntil(EventLoop::kStart + options_.safety, false);
  Heal();
  RunUntil(loop_.Now() + options_.liveness, true);
  // What is still on its way must not break anything either.
  RunUntil(loop_.Now() + 30s, false);
  Outcome outcome;
  outcome.virtual_time = loop_.elapsed();
  StopEngine();
  Judge(outcome);
  return outcome;
}

void World::RunUntil(Instant limit, bool stop_when_done) {
  while (!(stop_when_done && AllDone())) {
    if (!loop_.RunNext(limit)) return;
  }
}

bool World::AllDone() const {
  const auto done = [](const auto& client) { return client->done(); };
  return std::all_of(clients_.begin(), clients_.end(), done) && std::all_of(schedules_.begin(), schedules_.end(), done);
}

void World::Every(Duration mean, std::function<void()> act) {
  if (mean <= Duration::zero()) return;
  loop_.After(random_.Between(Duration(1ms), mean * 2), [this, mean, act = std::move(act)] {
    if (healed_) return;
    act();
    Every(mean, act);
  });
}

void World::RestartEngineAfter(Duration delay) {
  loop_.After(delay, [this] {
    if (engine_.up()) return;
    engine_.Start();
    // The disk may have failed once more.
    if (!engine_.up()) RestartEngineAfter(1s);
  });
}

void World::RestartWorkerAfter(size_t worker, Duration delay) {
  loop_.After(delay, [this, worker] {
    WorkerProcess& again = *workers_[worker];
    if (!again.up() && (engine_.up() || !again.embedded())) again.Start();
  });
}

void World::CrashEngine(const std::string& why) {
  engine_.Crash(why);
  if (random_.Chance(0.1)) JudgeWreck();
  const Duration longest = random_.Chance(0.2) ? Duration(60s) : Duration(3s);
  RestartEngineAfter(random_.Between(Duration(1ms), longest));
}

void World::StartFaults() {
  const FaultOptions& faults = options_.faults;
  // A crash of its own accord (fail-stop) is noticed here, too.
  Every(2s, [this] {
    if (!engine_.up()) RestartEngineAfter(random_.Between(Duration(10ms), Duration(2s)));
  });
  Every(faults.engine_crash, [this] { CrashEngine("injected"); });
  Every(faults.engine_restart,
        [this] { engine_.Stop([this] { RestartEngineAfter(random_.Between(Duration(1ms), Duration(3s))); }); });
  Every(faults.write_error, [this] { engine_.PlanWriteError(); });
  Every(faults.clock_jump, [this] {
    engine_.JumpClock(random_.Chance(0.5) ? random_.Between(Duration(1s), Duration(3min))
                                          : -random_.Between(Duration(1s), Duration(1min)));
  });
  Every(faults.worker_crash, [this] {
    const size_t worker = random_.Below(workers_.size());
    if (workers_[worker]->embedded()) return CrashEngine("its worker crashes");
    workers_[worker]->Crash();
    RestartWorkerAfter(worker, random_.Between(Duration(1ms), Duration(20s)));
  });
  Every(faults.worker_restart, [this] {
    const size_t worker = random_.Below(workers_.size());
    workers_[worker]->Stop([this, worker] { RestartWorkerAfter(worker, 100ms); });
  });
  Every(faults.clog, [this] {
    const Duration time = random_.Between(Duration(100ms), options_.faults.longest_clog);
    const size_t which = random_.Below(workers_.size() + 1);
    if (which == workers_.size()) return client_link_->Clog(time);
    workers_[which]->Clog(time);
  });
}

void World::Heal() {
  loop_.Trace("the world is healed");
  healed_ = true;
  flags_.healed = true;
  network_.Heal();
  engine_.Heal();
  if (!engine_.up()) RestartEngineAfter(10ms);
  for (size_t i = 0; i < workers_.size(); ++i) {
    if (!workers_[i]->up()) RestartWorkerAfter(i, 10ms);
  }
  if (options_.repair_derived) loop_.After(5s, [this] { engine_.CheckDerived(); });
}

void World::StopEngine() {
  // A check of derived data at rest, then an orderly end.
  engine_.CheckDerived();
  RunUntil(loop_.Now() + 1s, false);
  bool stopped = false;
  engine_.Stop([&stopped] { stopped = true; });
  RunUntil(loop_.Now() + 10s, false);
  if (!stopped) violations_.push_back("the engine does not stop");
}

void World::JudgeWreck() {
  Checker checker(engine_.disk(), workflows_);
  const bool healed = std::exchange(flags_.healed, true);
  checker.CheckStore(random_.Fork("wreck"));
  flags_.healed = healed;
  for (const auto& client : clients_) checker.CheckTold(client->plan(), client->told());
  for (const std::string& violation : checker.violations()) violations_.push_back("after a crash: " + violation);
}

void World::Judge(Outcome& outcome) {
  Checker checker(engine_.disk(), workflows_);
  checker.CheckStore(random_.Fork("judge"));
  for (const auto& client : clients_) {
    checker.CheckTold(client->plan(), client->told());
    checker.CheckOutcome(client->plan(), client->told());
    const auto& answers = client->told().violations;
    violations_.insert(violations_.end(), answers.begin(), answers.end());
  }
  for (const auto& schedule : schedules_) {
    if (!schedule->done()) violations_.push_back("F25: a schedule has not run its course");
    violations_.insert(violations_.end(), schedule->violations().begin(), schedule->violations().end());
  }
  if (loop_.readable()) {
    for (const Plan& plan : plans_) {
      for (const std::string& line : checker.Describe(plan.workflow_id)) loop_.Note(line);
    }
  }
  const auto add = [this](const std::vector<std::string>& more) {
    violations_.insert(violations_.end(), more.begin(), more.end());
  };
  add(checker.violations());
  add(network_.violations());
  add(engine_.violations());
  add(attempts_.violations());
  outcome.violations = std::move(violations_);
  outcome.trace_hash = loop_.trace_hash();
  outcome.loop_events = loop_.events();
  outcome.executions = checker.executions();
  outcome.history_events = checker.events();
  outcome.activity_attempts = attempts_.size();
  outcome.engine_starts = engine_.starts();
  outcome.arrivals = network_.arrivals();
  for (const lint::RunHistory& run : checker.runs()) {
    for (const auto& event : run.events) ++outcome.events_of_type[event.event_type()];
  }
}

}  // namespace wfe::simulation
