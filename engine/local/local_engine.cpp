#include "engine/local/local_engine.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <deque>
#include <filesystem>
#include <future>
#include <optional>
#include <thread>
#include <vector>

#include "engine/base/id_source.h"
#include "engine/base/line_log.h"
#include "engine/base/metrics.h"
#include "engine/base/strand.h"
#include "engine/frontend/engine.h"
#include "engine/local/asio_timers.h"
#include "engine/local/blocking_pool.h"
#include "engine/local/file_limit.h"
#include "engine/local/host_clock.h"
#include "engine/storage/store.h"

namespace wfe::local {
namespace {

/// Runs functions on the pool, several at a time.
class PoolExecutor final : public Executor {
 public:
  explicit PoolExecutor(asio::io_context& pool) : pool_(pool) {}
  void Post(Function<void()> work) override {
    asio::post(pool_, [work = std::move(work)]() mutable {
      const InlineScope scope;
      work();
    });
  }
  bool OnStrand() const override { return false; }

 private:
  asio::io_context& pool_;
};

/// RocksDB opens nothing on a full disk and ends the process in the attempt (an assertion of its file writer).
Status CheckRoomOnDisk(const std::string& directory) {
  constexpr uintmax_t kNeededBytes = 16 << 20;
  std::error_code error;
  std::filesystem::path existing = std::filesystem::absolute(directory, error);
  while (!std::filesystem::exists(existing, error) && existing.has_relative_path()) existing = existing.parent_path();
  const std::filesystem::space_info space = std::filesystem::space(existing, error);
  if (error || space.available >= kNeededBytes) return Ok();  // what is not known is for the store to find out
  return ResourceExhausted("the disk of " + directory + " has " + std::to_string(space.available >> 10) +
                           " KiB left; a store needs " + std::to_string(kNeededBytes >> 20) + " MiB to open");
}

frontend::EngineOptions FrontendOptions(const Limits& limits, int shards) {
  frontend::EngineOptions options;
  options.server_version = WFE_VERSION;
  options.max_list_page_bytes = limits.max_list_page_bytes;
  options.max_namespaces = static_cast<size_t>(limits.max_namespaces);
  options.admission = {.max_calls = limits.max_calls,
                       .max_request_bytes = limits.max_request_bytes,
                       .max_pending_commits = limits.max_pending_commits,
                       .max_pending_commit_bytes = limits.max_pending_commit_bytes,
                       .max_blocking_calls = limits.blocking_threads + limits.max_blocking_queue};
  shard::Options& shard = options.shard;
  shard.history = limits;
  shard.max_queues = limits.max_queues;
  shard.max_pollers = static_cast<int>(limits.max_pollers);
  shard.max_pollers_per_queue = static_cast<int>(limits.max_pollers_per_queue);
  shard.max_history_waiters_per_run = static_cast<int>(limits.max_history_waiters_per_run);
  shard.max_queries_per_run = limits.max_queries_per_run;
  shard.max_queries = std::max<int64_t>(1, limits.max_queries / shards);
  shard.max_cached_bytes = limits.max_cached_bytes / shards;
  shard.max_schedules_bytes = limits.max_schedules_bytes / shards;
  shard.schedules.max_bytes = limits.max_schedule_bytes;
  return options;
}

/// "23 h 59 min", "3 d 4 h", "5 s".
std::string DurationText(Duration duration) {
  const auto seconds = duration / std::chrono::seconds(1);
  const auto two = [](int64_t big, const char* unit, int64_t small, const char* part) {
    return std::to_string(big) + " " + unit + " " + std::to_string(small) + " " + part;
  };
  if (seconds >= 86'400) return two(seconds / 86'400, "d", seconds % 86'400 / 3600, "h");
  if (seconds >= 3600) return two(seconds / 3600, "h", seconds % 3600 / 60, "min");
  if (seconds >= 60) return two(seconds / 60, "min", seconds % 60, "s");
  return std::to_string(seconds) + " s";
}

Result<std::optional<uint64_t>> AcceptedLoss(const std::string& text) {
  if (text.empty()) return std::optional<uint64_t>();
  uint64_t sequence = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), sequence);
  if (error != std::errc() || end != text.data() + text.size()) {
    return InvalidArgument("--accept-data-loss takes the sequence number that the refused start named, not " + text);
  }
  return std::optional<uint64_t>(sequence);
}

}  // namespace

class LocalEngine::Impl {
 public:
  explicit Impl(const EngineOptions& options)
      : options_(options), timers_(pool_), work_(asio::make_work_guard(pool_)) {
    for (int i = 0; i < options.shards; ++i) shards_.emplace_back(executor_);
  }

  ~Impl() { Close(); }

  Status Start() {
    WFE_RETURN_IF_ERROR(RaiseFileLimit());
    storage::StoreOptions store_options;
    store_options.clock = &clock_;
    store_options.ids = &ids_;
    store_options.commit_thread = true;
    WFE_ASSIGN_OR_RETURN(store_options.accept_data_loss, AcceptedLoss(options_.accept_data_loss));
    store_options.stage.fatal = [this](const Error& error) {
      log_.Error("store_failed", "the store failed, so nothing can be acknowledged any more: " + error.ToString(),
                 {{"error", error.ToString()}});
      if (options_.on_fatal) return options_.on_fatal(error.message);
      std::_Exit(storage::kStorageFailedExitCode);
    };
    store_options.stage.group_sizes = &metrics_.MakeHistogram(
        "wfe_commit_group_size", "Commits that were made durable by one sync.",
        {1, 2, 4, 8, 16, 32, 64, 128, 256, 1024});
    step_ = StartStep::kStore;
    WFE_RETURN_IF_ERROR(CheckRoomOnDisk(options_.data_dir));
    WFE_ASSIGN_OR_RETURN(store_, storage::Store::OpenDirectory(options_.data_dir, store_options));
    clock_.NotBefore(store_->last_known_time());
    if (const Duration ahead = clock_.Ahead(); ahead >= std::chrono::seconds(1)) {
      log_.Warning("clock_behind_store",
                   "the store has seen times that are " + DurationText(ahead) + " ahead of this machine's clock; until " +
                       "the clock has caught up the engine's time goes on at three quarters of its pace: timers are " +
                       "late by a third, and schedules act by the time of the store",
                   {{"ahead_seconds", ahead / std::chrono::seconds(1)}});
    }
    blocking_ = std::make_unique<BlockingPool>(static_cast<int>(options_.limits.blocking_threads));
    for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { pool_.run(); });

    frontend::EngineOptions engine_options = FrontendOptions(options_.limits, options_.shards);
    engine_options.check_derived_every = options_.check_derived_every;
    engine_options.budgets.defaults = options_.budgets;
    std::vector<Executor*> shards;
    for (Strand& shard : shards_) shards.push_back(&shard);
    const frontend::EngineHost host{.clock = clock_,
                                    .ids = ids_,
                                    .timers = timers_,
                                    .shard_executors = shards,
                                    .matching_executor = matching_,
                                    .blocking_executor = *blocking_,
                                    .store = *store_,
                                    .monotonic = &monotonic_,
                                    .log = &log_,
                                    .metrics = &metrics_,
                                    .overloaded = options_.on_overloaded};
    engine_ = std::make_unique<frontend::Engine>(engine_options, host);
    return engine_->Start();
  }

  StartStep step() const { return step_; }
  frontend::Dispatcher& dispatcher() { return engine_->dispatcher(); }
  const Clock& monotonic() const { return monotonic_; }
  Executor& pool() { return executor_; }
  Executor& answers() { return answers_; }
  TimerService& timers() { return timers_; }
  std::string MetricsText() const { return metrics_.Text(); }

  void Drain() {
    drained_ = true;
    std::promise<void> stopped;
    engine_->Stop([&stopped] { stopped.set_value(); });
    stopped.get_future().wait();
  }

  void Close() {
    if (engine_ && !drained_) Drain();
    if (blocking_) blocking_->Stop();
    if (!threads_.empty()) {
      work_.reset();
      pool_.stop();
      for (std::thread& thread : threads_) thread.join();
      threads_.clear();
    }
    engine_.reset();
    if (store_) {
      const Status closed = store_->Close();
      if (!closed) {
        const std::string& why = closed.error().message;
        log_.Error("store_not_closed", "closing the store: " + why, {{"error", why}});
      }
    }
    store_.reset();
  }

 private:
  const EngineOptions options_;
  SystemClock wall_;
  LineLog stderr_{LineLog::Format::kText, LogLevel::kInfo, wall_, WriteToStandardError};
  Log& log_{options_.log ? *options_.log : stderr_};
  MetricsRegistry metrics_;
  SteadyClock monotonic_;
  HostClock clock_{wall_, monotonic_};
  SystemIdSource ids_;
  asio::io_context pool_;
  AsioTimers timers_;
  PoolExecutor executor_{pool_};
  std::deque<Strand> shards_;
  Strand matching_{executor_};
  Strand answers_{executor_};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::vector<std::thread> threads_;
  std::unique_ptr<BlockingPool> blocking_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<frontend::Engine> engine_;
  bool drained_ = false;
  StartStep step_ = StartStep::kOptions;
};

LocalEngine::LocalEngine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LocalEngine::~LocalEngine() = default;

Result<std::unique_ptr<LocalEngine>> LocalEngine::Open(const EngineOptions& options, StartStep* step) {
  if (step != nullptr) *step = StartStep::kOptions;
  if (options.shards < 1 || (options.shards & (options.shards - 1)) != 0) {
    return InvalidArgument("the number of shards must be a power of two, not " + std::to_string(options.shards));
  }
  auto impl = std::make_unique<Impl>(options);
  if (Status started = impl->Start(); !started) {
    if (step != nullptr) *step = impl->step();
    return std::move(started).error();
  }
  return std::unique_ptr<LocalEngine>(new LocalEngine(std::move(impl)));
}

frontend::Dispatcher& LocalEngine::dispatcher() { return impl_->dispatcher(); }
const Clock& LocalEngine::monotonic() const { return impl_->monotonic(); }
Executor& LocalEngine::pool() { return impl_->pool(); }
Executor& LocalEngine::answers() { return impl_->answers(); }
TimerService& LocalEngine::timers() { return impl_->timers(); }
std::string LocalEngine::MetricsText() const { return impl_->MetricsText(); }
void LocalEngine::Drain() { impl_->Drain(); }
void LocalEngine::Close() { impl_->Close(); }

}  // namespace wfe::local
