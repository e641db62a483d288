#include "engine/host/server.h"

#include <absl/synchronization/mutex.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <deque>
#include <future>
#include <optional>
#include <thread>
#include <vector>

#include "engine/base/id_source.h"
#include "engine/base/strand.h"
#include "engine/frontend/engine.h"
#include "engine/host/asio_timers.h"
#include "engine/host/grpc_server.h"
#include "engine/host/host_clock.h"
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

bool IsLoopback(const std::string& listen) {
  const std::string host = listen.substr(0, listen.rfind(':'));
  return host == "localhost" || host == "[::1]" || host.starts_with("127.") || listen.starts_with("unix:");
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
    if (!IsLoopback(options_.listen) && !options_.insecure) {
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
    if (options_.on_fatal) {
      store_options.stage.fatal = [report = options_.on_fatal](const Error& error) { report(error.message); };
    }
    auto store = storage::Store::OpenDirectory(options_.data_dir, store_options);
    if (!store) {
      // Whoever starts a server tells by the code what failed: this was the store, not the address.
      Error error = std::move(store).error();
      if (error.code == StatusCode::kUnavailable) error.code = StatusCode::kFailedPrecondition;
      return error;
    }
    store_ = *std::move(store);
    clock_.NotBefore(store_->last_known_time());
    for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { pool_.run(); });

    frontend::EngineOptions engine_options;
    engine_options.server_version = WFE_VERSION;
    engine_options.shard.history = options_.limits;
    std::vector<Executor*> shards;
    for (Strand& shard : shards_) shards.push_back(&shard);
    engine_ = std::make_unique<frontend::Engine>(engine_options, frontend::EngineHost{.clock = clock_,
                                                                                     .ids = ids_,
                                                                                     .timers = timers_,
                                                                                     .shard_executors = shards,
                                                                                     .matching_executor = matching_,
                                                                                     .blocking_executor = executor_,
                                                                                     .store = *store_});
    WFE_RETURN_IF_ERROR(engine_->Start());

    records_only_.emplace(engine_->dispatcher());
    GrpcServerOptions grpc;
    grpc.listen = options_.listen;
    grpc.services = {"temporal.api.workflowservice.v1.WorkflowService",
                     "temporal.api.operatorservice.v1.OperatorService", "wfe.records.v1.RecordsService"};
    frontend::Dispatcher& dispatcher =
        options_.records_only ? static_cast<frontend::Dispatcher&>(*records_only_) : engine_->dispatcher();
    WFE_ASSIGN_OR_RETURN(grpc_, GrpcServer::Start(grpc, dispatcher));
    grpc_->SetServing(true);
    return Ok();
  }

  const std::string& address() const { return grpc_->address(); }

  void Stop(Duration grace) {
    if (grpc_) grpc_->SetServing(false);
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
      if (!closed) std::fprintf(stderr, "wfe: closing the store: %s\n", closed.error().message.c_str());
    }
    store_.reset();
  }

 private:
  void StopThreads() {
    if (threads_.empty()) return;
    work_.reset();
    pool_.stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  const ServerOptions options_;
  HostClock clock_;
  SystemIdSource ids_;
  asio::io_context pool_;
  AsioTimers timers_;
  PoolExecutor executor_{pool_};
  std::deque<Strand> shards_;
  Strand matching_{executor_};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::vector<std::thread> threads_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<frontend::Engine> engine_;
  std::optional<RecordsOnly> records_only_;
  std::unique_ptr<GrpcServer> grpc_;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options) {
  if (options.shards < 1 || (options.shards & (options.shards - 1)) != 0) {
    return InvalidArgument("the number of shards must be a power of two, not " + std::to_string(options.shards));
  }
  auto impl = std::make_unique<Impl>(options);
  if (Status started = impl->Start(); !started) {
    impl->Stop(Duration::zero());
    return std::move(started).error();
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

const std::string& Server::address() const { return impl_->address(); }
void Server::Stop(Duration grace) { impl_->Stop(grace); }

}  // namespace wfe::host
