#include "engine/host/server.h"

#include <absl/synchronization/mutex.h>

#include <algorithm>
#include <mutex>

#include "engine/host/grpc_server.h"
#include "engine/host/listen_address.h"
#include "engine/local/file_limit.h"

namespace wfe::host {
namespace {

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

}  // namespace

class Server::Impl {
 public:
  explicit Impl(const ServerOptions& options) : options_(options) {}

  Status Start(StartStep* step) {
    *step = StartStep::kOptions;
    WFE_ASSIGN_OR_RETURN(const int64_t files, local::RaiseFileLimit());
    WFE_ASSIGN_OR_RETURN(const ListenAddress address, ListenAddress::Parse(options_.listen));
    if (!address.loopback && !options_.insecure) {
      return InvalidArgument("refusing to listen on " + options_.listen +
                                " in plain text without authentication; use a loopback address, or say --insecure");
    }
    // Debian's Abseil looks for deadlocks at every lock; that costs 2 to 3 % of all CPU.
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
    local::EngineOptions engine = options_.engine;
    engine.on_overloaded = [this](bool overloaded) { SetOverloaded(overloaded); };
    WFE_ASSIGN_OR_RETURN(engine_, local::LocalEngine::Open(engine, step));

    *step = StartStep::kAddress;
    const local::Limits& limits = engine.limits;
    GrpcServerOptions grpc;
    grpc.listen = options_.listen;
    grpc.monotonic = &engine_->monotonic();
    grpc.pool = &engine_->pool();
    // The store keeps its tables open; half of the files are left to it.
    grpc.max_connections = std::min(limits.max_connections, files / 2);
    if (grpc.max_connections < limits.max_connections && engine.log != nullptr) {
      engine.log->Info("fewer_connections",
                       "the system lets this process open " + std::to_string(files) + " files, so " +
                           std::to_string(grpc.max_connections) + " connections are taken and not " +
                           std::to_string(limits.max_connections) + " (max_connections)",
                       {{"files", files}, {"connections", grpc.max_connections}});
    }
    grpc.max_streams_per_connection = limits.max_streams_per_connection;
    grpc.max_polls_per_stream = limits.max_polls_per_stream;
    grpc.max_call_streams = limits.max_call_streams;
    grpc.max_transport_bytes = limits.max_transport_bytes;
    grpc.max_unread_answer_bytes = limits.max_unread_answer_bytes;
    grpc.answer_patience = std::chrono::seconds(limits.answer_patience_s);
    grpc.services = {"temporal.api.workflowservice.v1.WorkflowService",
                     "temporal.api.operatorservice.v1.OperatorService", "wfe.records.v1.RecordsService",
                     "wfe.calls.v1.CallService"};
    if (options_.records_only) records_only_ = std::make_unique<RecordsOnly>(engine_->dispatcher());
    WFE_ASSIGN_OR_RETURN(grpc_, GrpcServer::Start(grpc, records_only_ ? *records_only_ : engine_->dispatcher()));
    const std::lock_guard lock(health_mutex_);
    serving_ = true;
    grpc_->SetServing(!overloaded_);
    return Ok();
  }

  const std::string& address() const { return grpc_->address(); }
  local::LocalEngine& engine() { return *engine_; }

  void Stop(Duration grace) {
    {
      const std::lock_guard lock(health_mutex_);
      serving_ = false;
      if (grpc_) grpc_->SetServing(false);
    }
    if (engine_) engine_->Drain();
    if (grpc_) grpc_->Shutdown(grace);
    if (engine_) engine_->Close();
  }

 private:
  /// An overloaded server is alive and refuses; whoever asks for its health may send work elsewhere.
  void SetOverloaded(bool overloaded) {
    const std::lock_guard lock(health_mutex_);
    overloaded_ = overloaded;
    if (serving_) grpc_->SetServing(!overloaded);
  }

  const ServerOptions options_;
  std::unique_ptr<local::LocalEngine> engine_;
  std::unique_ptr<frontend::Dispatcher> records_only_;  // null: everything is served
  std::unique_ptr<GrpcServer> grpc_;

  std::mutex health_mutex_;
  bool serving_ = false;     // guarded by health_mutex_
  bool overloaded_ = false;  // the same
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, StartStep* step) {
  StartStep unasked = {};
  auto impl = std::make_unique<Impl>(options);
  if (Status started = impl->Start(step != nullptr ? step : &unasked); !started) {
    impl->Stop(Duration::zero());
    return std::move(started).error();
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

const std::string& Server::address() const { return impl_->address(); }
local::LocalEngine& Server::engine() { return impl_->engine(); }
void Server::Stop(Duration grace) { impl_->Stop(grace); }

}  // namespace wfe::host
