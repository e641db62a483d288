#include "tests/simulation/engine_process.h"

namespace wfe::simulation {

using namespace std::chrono_literals;

EngineProcess::EngineProcess(EventLoop& loop, Random random, Network& network, const Options& options)
    : loop_(loop), random_(std::move(random)), network_(network), options_(options), clock_(loop) {}

EngineProcess::~EngineProcess() {
  if (process_ != nullptr) TakeDown();
}

void EngineProcess::Start() {
  ++starts_;
  fatal_.reset();
  dying_ = false;
  process_ = std::make_unique<Process>(loop_, "engine" + std::to_string(starts_), 20us);
  ids_ = std::make_unique<SeededIdSource>(random_.Next());
  // Until the store is open only the wall clock is known.
  clock_.Restart(Instant());
  storage::StoreOptions store_options;
  store_options.clock = &clock_;
  store_options.ids = ids_.get();
  store_options.stage.fatal = [this](const wfe::Error& error) { fatal_ = error.ToString(); };
  store_options.name = "the simulated store";
  auto store = storage::Store::Open(disk_, ledger_, store_options);
  if (!store) {
    // A disk that fails is no news; anything else is.
    if (!fatal_) violations_.push_back("the store cannot be opened: " + store.error().ToString());
    loop_.Trace("engine does not start: " + store.error().ToString());
    TakeDown();
    return;
  }
  store_ = *std::move(store);
  store_->executions().CheckJournals();
  clock_.Restart(store_->last_known_time());

  frontend::EngineOptions engine_options;
  engine_options.check_derived_every = options_.repair_derived ? Duration(10s) : Duration::zero();
  frontend::EngineHost host{.clock = clock_,
                            .ids = *ids_,
                            .timers = *process_,
                            .shard_executors = {},
                            .matching_executor = process_->AddStrand("matching"),
                            .blocking_executor = process_->AddStrand("blocking"),
                            .store = *store_,
                            .monotonic = nullptr,
                            .log = this};
  for (int i = 0; i < options_.engine.shards; ++i) {
    host.shard_executors.push_back(&process_->AddStrand("shard" + std::to_string(i)));
  }
  engine_ = std::make_unique<frontend::Engine>(std::move(engine_options), std::move(host));
  const Status started = engine_->Start();
  if (!started) {
    if (!fatal_) violations_.push_back("the engine does not recover: " + started.error().ToString());
    loop_.Trace("engine does not recover: " + started.error().ToString());
    TakeDown();
    return;
  }
  loop_.Trace("engine is up, epoch " + std::to_string(store_->identity().epoch));
  network_.ServerUp(engine_->dispatcher(), clock_);
  if (inhabitant_begins_) inhabitant_begins_();
}

void EngineProcess::SetInhabitant(std::function<void()> begins, std::function<void()> ends) {
  inhabitant_begins_ = std::move(begins);
  inhabitant_ends_ = std::move(ends);
}

void EngineProcess::Write(LogRecord record) {
  // Nothing that is done to this engine is worth a warning: no row is damaged, no disk hangs.  What dies says nothing.
  if (record.level < LogLevel::kWarning || dying_) return;
  violations_.push_back("the engine says " + record.event + ": " + record.message);
}

void EngineProcess::TakeDown() {
  dying_ = true;
  network_.ServerDown();
  process_->Kill();
  if (inhabitant_ends_) inhabitant_ends_();
  engine_ = nullptr;
  store_ = nullptr;
  ids_ = nullptr;
  process_ = nullptr;
  sync_scheduled_ = false;
  stopping_ = false;
  disk_->Crash(random_.Below(disk_->UnsyncedWrites() + 1));
}

void EngineProcess::Crash(const std::string& why) {
  if (process_ == nullptr) return;
  loop_.Trace("engine crashes: " + why);
  TakeDown();
}

void EngineProcess::Stop(std::function<void()> done) {
  if (!up() || stopping_) return;
  loop_.Trace("engine stops");
  stopping_ = true;
  engine_->Stop([this, done = std::move(done), start = starts_]() mutable {
    // The engine is still on the stack.
    loop_.After(Duration(1), [this, done = std::move(done), start] {
      if (starts_ != start || !up()) return;
      const Status closed = store_->Close();
      if (!closed && !fatal_) violations_.push_back("the store cannot be closed: " + closed.error().ToString());
      loop_.Trace("engine has stopped");
      TakeDown();
      done();
    });
  });
}

void EngineProcess::PlanWriteError() {
  using FailedWrite = storage::MemoryKeyValueStore::FailedWrite;
  disk_->FailNthWrite(static_cast<int>(random_.Between(1, 5)), Internal("injected write error"),
                      random_.Chance(0.5) ? FailedWrite::kLost : FailedWrite::kUnsynced);
}

void EngineProcess::JumpClock(Duration by) {
  loop_.Trace("the engine's wall clock jumps by " +
              std::to_string(std::chrono::duration_cast<std::chrono::seconds>(by).count()) + " s");
  clock_.Jump(by);
}

void EngineProcess::Heal() {
  healed_ = true;
  // A write error that is still to come is forgotten; nothing is lost.
  disk_->Crash(disk_->UnsyncedWrites());
}

void EngineProcess::AfterEvent() {
  if (process_ == nullptr) return;
  if (fatal_) return Crash("fail-stop: " + *fatal_);
  if (store_ == nullptr || sync_scheduled_ || store_->stage().pending_commits() == 0) return;
  sync_scheduled_ = true;
  Duration latency = random_.Between(options_.engine.sync_latency, options_.engine.max_sync_latency);
  if (!healed_ && random_.Chance(options_.engine.slow_sync)) latency += random_.Between(Duration(20ms), Duration(2s));
  loop_.After(latency, [this, start = starts_] {
    if (starts_ != start || store_ == nullptr) return;
    sync_scheduled_ = false;
    loop_.Mark("sync");
    store_->stage().RunOnce();
  });
}

void EngineProcess::CheckDerived() {
  if (!up() || stopping_) return;
  engine_->CheckDerived([this](const Result<frontend::DerivedReport>& report) {
    if (!report) return violations_.push_back("CheckDerived: " + report.error().ToString());
    if (report->clean()) return;
    violations_.push_back("CheckDerived found " + std::to_string(report->timers_missing) + " missing and " +
                          std::to_string(report->timers_orphaned) + " orphaned timers");
  });
}

}  // namespace wfe::simulation
