#include "engine/host/server.h"

#include <absl/synchronization/mutex.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "engine/base/id_source.h"
#include "engine/base/line_log.h"
#include "engine/base/metrics.h"
#include "engine/base/strand.h"
#include "engine/frontend/engine.h"
#include "engine/host/asio_timers.h"
#include "engine/host/blocking_pool.h"
#include "engine/host/grpc_server.h"
#include "engine/host/host_clock.h"
#include "engine/host/listener.h"
#include "engine/storage/store.h"

namespace wfe::host {
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

/// Lets the records service through and nothing else: for workers whose engine is a Temporal cluster (D7).
class RecordsOnly final : public frontend::Dispatcher {
 public:
  explicit RecordsOnly(frontend::Dispatcher& inner) : inner_(inner) {}
  void Dispatch(std::string_view service, std::string_view method, std::string_view request,
                std::shared_ptr<frontend::ServerCall> call) override {
    if (service == "wfe.records.v1.RecordsService") return inner_.Dispatch(service, method, request, std::move(call));
    call->Reply(Unimplemented(std::string(method) + " is not served: this server was started with --records-only"));
  }

 private:
  frontend::Dispatcher& inner_;
};

frontend::EngineOptions EngineOptionsOf(const Limits& limits, int shards) {
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

class Server::Impl {
 public:
  explicit Impl(const ServerOptions& options)
      : options_(options), timers_(pool_), work_(asio::make_work_guard(pool_)) {
    for (int i = 0; i < options.shards; ++i) shards_.emplace_back(executor_);
  }

  ~Impl() { StopThreads(); }

  Status Start() {
    WFE_ASSIGN_OR_RETURN(const int64_t files, RaiseFileLimit());
    WFE_ASSIGN_OR_RETURN(const ListenAddress address, ListenAddress::Parse(options_.listen));
    if (!address.loopback && !options_.insecure) {
      return InvalidArgument("refusing to listen on " + options_.listen +
                                " in plain text without authentication; use a loopback address, or say --insecure");
    }
    // Debian's Abseil looks for deadlocks at every lock; that costs 2 to 3 % of all CPU.
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
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
        "wfe_commit_group_size", "Commits that were made durable by one sync.", {1, 2, 4, 8, 16, 32, 64, 128, 256, 1024});
    step_ = StartStep::kStore;
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

    frontend::EngineOptions engine_options = EngineOptionsOf(options_.limits, options_.shards);
    engine_options.check_derived_every = options_.check_derived_every;
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
                                    .overloaded = [this](bool overloaded) { SetOverloaded(overloaded); }};
    engine_ = std::make_unique<frontend::Engine>(engine_options, host);
    WFE_RETURN_IF_ERROR(engine_->Start());

    step_ = StartStep::kAddress;
    records_only_.emplace(engine_->dispatcher());
    GrpcServerOptions grpc;
    grpc.listen = options_.listen;
    grpc.monotonic = &monotonic_;
    grpc.pool = &executor_;
    // The store keeps its tables open; half of the files are left to it.
    grpc.max_connections = std::min(options_.limits.max_connections, files / 2);
    grpc.max_streams_per_connection = options_.limits.max_streams_per_connection;
    grpc.max_transport_bytes = options_.limits.max_transport_bytes;
    grpc.max_unread_answer_bytes = options_.limits.max_unread_answer_bytes;
    grpc.answer_patience = std::chrono::seconds(options_.limits.answer_patience_s);
    grpc.services = {"temporal.api.workflowservice.v1.WorkflowService",
                     "temporal.api.operatorservice.v1.OperatorService", "wfe.records.v1.RecordsService",
                     "wfe.calls.v1.CallService"};
    frontend::Dispatcher& dispatcher =
        options_.records_only ? static_cast<frontend::Dispatcher&>(*records_only_) : engine_->dispatcher();
    WFE_ASSIGN_OR_RETURN(grpc_, GrpcServer::Start(grpc, dispatcher));
    const std::lock_guard lock(health_mutex_);
    serving_ = true;
    grpc_->SetServing(!overloaded_);
    return Ok();
  }

  StartStep step() const { return step_; }

  const std::string& address() const { return grpc_->address(); }
  std::string MetricsText() const { return metrics_.Text(); }

  void Stop(Duration grace) {
    {
      const std::lock_guard lock(health_mutex_);
      serving_ = false;
      if (grpc_) grpc_->SetServing(false);
    }
    if (engine_) {
      std::promise<void> stopped;
      engine_->Stop([&stopped] { stopped.set_value(); });
      stopped.get_future().wait();
    }
    if (grpc_) grpc_->Shutdown(grace);
    StopThreads();
    engine_.reset();
    if (store_) {
      const Status closed = store_->Close();
      if (!closed) {
        log_.Error("store_not_closed", "closing the store: " + closed.error().message, {{"error", closed.error().message}});
      }
    }
    store_.reset();
  }

 private:
  /// An overloaded server is alive and refuses; whoever asks for its health may send work elsewhere.
  void SetOverloaded(bool overloaded) {
    const std::lock_guard lock(health_mutex_);
    overloaded_ = overloaded;
    if (serving_) grpc_->SetServing(!overloaded);
  }

  void StopThreads() {
    if (blocking_) blocking_->Stop();
    if (threads_.empty()) return;
    work_.reset();
    pool_.stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  const ServerOptions options_;
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
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::vector<std::thread> threads_;
  std::unique_ptr<BlockingPool> blocking_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<frontend::Engine> engine_;
  std::optional<RecordsOnly> records_only_;
  std::unique_ptr<GrpcServer> grpc_;
  StartStep step_ = StartStep::kOptions;

  std::mutex health_mutex_;
  bool serving_ = false;     // guarded by health_mutex_
  bool overloaded_ = false;  // the same
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, StartStep* step) {
  if (step != nullptr) *step = StartStep::kOptions;
  if (options.shards < 1 || (options.shards & (options.shards - 1)) != 0) {
    return InvalidArgument("the number of shards must be a power of two, not " + std::to_string(options.shards));
  }
  auto impl = std::make_unique<Impl>(options);
  if (Status started = impl->Start(); !started) {
    if (step != nullptr) *step = impl->step();
    impl->Stop(Duration::zero());
    return std::move(started).error();
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

const std::string& Server::address() const { return impl_->address(); }
std::string Server::MetricsText() const { return impl_->MetricsText(); }
void Server::Stop(Duration grace) { impl_->Stop(grace); }

}  // namespace wfe::host
