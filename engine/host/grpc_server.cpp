#include "engine/host/grpc_server.h"

#include <google/protobuf/descriptor.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/resource_quota.h>
#include <temporal/api/operatorservice/v1/service.pb.h>
#include <temporal/api/workflowservice/v1/service.pb.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/base/strand.h"
#include "engine/base/thread_loop.h"
#include "engine/frontend/call_progress.h"
#include "engine/host/grpc_bytes.h"
#include "engine/host/listener.h"
#include "engine/host/stream_reactor.h"
#include "engine/host/transport.h"
#include "engine/runtime/admission.h"
#include "wfe/calls/v1/call_stream.pb.h"
#include "wfe/records/v1/records.pb.h"

namespace wfe::host {
namespace {

// Names the descriptors, so that the linker keeps the objects that register them.  Volatile, so that the optimizer keeps
// the names.
const void* const volatile kLinkedDescriptors[] = {
    &descriptor_table_temporal_2fapi_2fworkflowservice_2fv1_2fservice_2eproto,
    &descriptor_table_temporal_2fapi_2foperatorservice_2fv1_2fservice_2eproto,
    &descriptor_table_wfe_2frecords_2fv1_2frecords_2eproto,
    &descriptor_table_wfe_2fcalls_2fv1_2fcall_5fstream_2eproto,
};

/// One call.  gRPC's reactor lives until OnDone; the ServerCall that handlers hold may live longer and then only
/// remembers that it was answered.
class Reactor;

class GrpcCall final : public frontend::ServerCall {
 public:
  GrpcCall(grpc::ServerUnaryReactor& reactor, grpc::CallbackServerContext& context, grpc::ByteBuffer& response,
           Instant deadline, std::string features, Transport& transport)
      : reactor_(reactor),
        context_(context),
        response_(response),
        deadline_(deadline),
        features_(std::move(features)),
        transport_(transport) {}

  Instant Deadline() const override { return deadline_; }
  bool Supports(std::string_view feature) const override { return frontend::NamesFeature(features_, feature); }
  std::optional<std::string_view> Metadata(std::string_view name) const override { return HeaderOf(context_, name); }
  std::string Peer() const override { return context_.peer(); }
  bool IsCancelled() const override { return progress_.IsCancelled(); }
  void OnCancel(Function<void()> callback) override { progress_.OnCancel(std::move(callback)); }

  void Reply(Result<std::string> response) override {
    progress_.Answered();
    if (!response) return reactor_.Finish(ToStatus(response.error()));
    const auto bytes = static_cast<int64_t>(response->size());
    if (!transport_.answers.Take(bytes)) {
      return reactor_.Finish(ToStatus(runtime::SystemOverloaded(
          "answers of " + std::to_string(transport_.answers.bytes()) +
          " bytes wait for callers that do not read them, no more are sent (max_unread_answer_bytes)")));
    }
    unread_bytes_ = bytes;
    if (bytes >= AnswerBudget::kWatchedBytes) {
      watch_ = transport_.answers.Watch(transport_.monotonic.Now(), [this] { context_.TryCancel(); });
    }
    response_ = ToBuffer(*std::move(response));
    reactor_.Finish(grpc::Status::OK);
  }

  /// The caller has the answer, or is gone.
  void Done() {
    if (watch_ != 0) transport_.answers.Unwatch(watch_);
    if (unread_bytes_ > 0) transport_.answers.Give(unread_bytes_);
  }

  void Cancelled() { progress_.Cancel(); }

 private:
  grpc::ServerUnaryReactor& reactor_;     // alive until Reply
  grpc::CallbackServerContext& context_;  // alive until Done
  grpc::ByteBuffer& response_;            // alive until Reply
  const Instant deadline_;
  const std::string features_;  // as the header says them, separated by commas
  Transport& transport_;
  int64_t unread_bytes_ = 0;  // set by Reply, which comes before Done
  uint64_t watch_ = 0;        // the same
  frontend::CallProgress progress_;
};

class Reactor final : public grpc::ServerUnaryReactor {
 public:
  Reactor(grpc::CallbackServerContext& context, grpc::ByteBuffer& response, Transport& transport)
      : call_(std::make_shared<GrpcCall>(*this, context, response, DeadlineOf(context, transport.monotonic),
                                         std::string(HeaderOf(context, "supported-features").value_or("")), transport)) {}

  const std::shared_ptr<GrpcCall>& call() const { return call_; }

  // Without an InlineScope: what a cancellation sets going belongs to the pool, for see below.
  void OnCancel() override { call_->Cancelled(); }
  void OnDone() override {
    call_->Done();
    delete this;
  }
  // Both reactions are short and take no lock that gRPC could hold, so they need no thread of gRPC's executor, which
  // would cost two more switches for each call.  gRPC 1.51 calls this one internal; a release that drops it will not
  // compile here.
  bool InternalInlineable() override { return true; }

 private:
  /// A caller says how long it waits; gRPC makes a time of the wall clock of it, which may be put right meanwhile.
  static Instant DeadlineOf(const grpc::CallbackServerContext& context, const Clock& monotonic) {
    const auto deadline = context.deadline();
    if (deadline == std::chrono::system_clock::time_point::max()) return Instant::max();
    return monotonic.Now() + (deadline - std::chrono::system_clock::now());
  }
  const std::shared_ptr<GrpcCall> call_;
};

/// One proto service, every method of it, as bytes.
class RawService final : public grpc::Service {
 public:
  RawService(const google::protobuf::ServiceDescriptor& descriptor, frontend::Dispatcher& dispatcher,
             Transport& transport)
      : name_(descriptor.full_name()), dispatcher_(dispatcher), transport_(transport) {
    for (int i = 0; i < descriptor.method_count(); ++i) {
      methods_.push_back({descriptor.method(i)->name(), "/" + name_ + "/" + descriptor.method(i)->name()});
    }
    for (int i = 0; i < descriptor.method_count(); ++i) {
      const Method& method = methods_[static_cast<size_t>(i)];
      if (descriptor.method(i)->client_streaming()) {
        AddStream(i, method);
        continue;
      }
      AddMethod(
          new grpc::internal::RpcServiceMethod(method.path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
      MarkMethodRawCallback(i, new grpc::internal::CallbackUnaryHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
                                   [this, &method](grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
                                     return Handle(method, *context, *request, *response);
                                   }));
    }
  }

 private:
  struct Method {
    std::string name;
    std::string path;
  };

  /// A stream of calls, see call_stream.h.
  void AddStream(int index, const Method& method) {
    AddMethod(
        new grpc::internal::RpcServiceMethod(method.path.c_str(), grpc::internal::RpcMethod::BIDI_STREAMING, nullptr));
    MarkMethodRawCallback(index, new grpc::internal::CallbackBidiHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
                                     [this](grpc::CallbackServerContext* context) {
                                       return new StreamReactor(*context, dispatcher_, transport_);
                                     }));
  }

  grpc::ServerUnaryReactor* Handle(const Method& method, grpc::CallbackServerContext& context,
                                   const grpc::ByteBuffer& request, grpc::ByteBuffer& response) {
    auto* const reactor = new Reactor(context, response, transport_);
    // The call may be over, and the reactor gone, as soon as it is dispatched; gRPC wants the pointer all the same and
    // deletes only after it was returned.
    grpc::Slice single;
    const std::shared_ptr<GrpcCall> call = reactor->call();
    if (!OnePiece(request, &single)) {
      call->Reply(InvalidArgument(method.name + ": unreadable request"));
      return reactor;
    }
    const InlineScope scope;
    dispatcher_.Dispatch(name_, method.name, {reinterpret_cast<const char*>(single.begin()), single.size()}, call);
    return reactor;
  }

  const std::string name_;
  frontend::Dispatcher& dispatcher_;
  Transport& transport_;
  std::deque<Method> methods_;
};

}  // namespace

class GrpcServer::Impl {
 public:
  Status Start(GrpcServerOptions options, frontend::Dispatcher& dispatcher) {
    options_ = std::move(options);
    WFE_CHECK(options_.monotonic != nullptr);
    if (options_.pool == nullptr) options_.pool = &own_pool_.emplace();
    WFE_ASSIGN_OR_RETURN(const ListenAddress address, ListenAddress::Parse(options_.listen));
    WFE_ASSIGN_OR_RETURN(listener_, Listener::Open(address, options_.max_connections));
    transport_.emplace(*options_.monotonic, *options_.pool, options_.max_unread_answer_bytes, options_.answer_patience,
                       frontend::CallStreamLimits{.max_calls = options_.max_streams_per_connection,
                                                  .max_polls = options_.max_polls_per_stream,
                                                  .max_frame_bytes = options_.max_message_bytes},
                       static_cast<size_t>(options_.max_call_streams));
    for (const void* const volatile& descriptor : kLinkedDescriptors) WFE_CHECK(descriptor != nullptr);
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(options_.max_message_bytes);
    builder.SetMaxSendMessageSize(-1);
    // SDKs ping idle connections every 30 s (pitfall 16); the default policy would answer GOAWAY.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, static_cast<int>(options_.max_streams_per_connection));
    grpc::ResourceQuota quota("wfe");
    quota.Resize(static_cast<size_t>(options_.max_transport_bytes));
    builder.SetResourceQuota(quota);
    acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, grpc::InsecureServerCredentials());
    for (const std::string& name : options_.services) {
      const auto* const descriptor = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
      WFE_CHECK(descriptor != nullptr, name);
      services_.emplace_back(*descriptor, dispatcher, *transport_);
      builder.RegisterService(&services_.back());
    }
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) return Internal("gRPC does not start");
    listener_->Start([this](int from, int connection) {
      grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters taken;
      taken.listener_fd = from;
      taken.fd = connection;
      acceptor_->HandleNewConnection(&taken);
    });
    watcher_ = std::thread([this] { WatchAnswers(); });
    SetServing(false);
    return Ok();
  }

  void SetServing(bool serving) {
    grpc::HealthCheckServiceInterface* const health = server_->GetHealthCheckService();
    health->SetServingStatus(serving);
    for (const std::string& name : options_.services) health->SetServingStatus(name, serving);
  }

  const std::string& address() const { return listener_->address(); }
  const AnswerBudget& answers() const { return transport_->answers; }
  int64_t refused_connections() const { return listener_->refused(); }

  void Shutdown(Duration grace) {
    if (server_ == nullptr) return;
    listener_->Stop();
    {
      const std::lock_guard lock(stop_mutex_);
      stopping_ = true;
    }
    stop_.notify_all();
    if (watcher_.joinable()) watcher_.join();
    transport_->streams.EndWhenIdle();
    server_->Shutdown(std::chrono::system_clock::now() +
                      std::chrono::duration_cast<std::chrono::system_clock::duration>(grace));
    server_->Wait();
  }

 private:
  void WatchAnswers() {
    std::unique_lock lock(stop_mutex_);
    const auto pause = std::max<Duration>(options_.answer_patience / 4, std::chrono::milliseconds(10));
    while (!stop_.wait_for(lock, pause, [this] { return stopping_; })) {
      lock.unlock();
      transport_->answers.EndSlow(options_.monotonic->Now());
      lock.lock();
    }
  }

  GrpcServerOptions options_;
  std::optional<ThreadLoop> own_pool_;  // when the options bring none
  std::optional<Transport> transport_;  // outlives the calls of the server
  std::deque<RawService> services_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;

  std::mutex stop_mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;  // guarded by stop_mutex_
  std::thread watcher_;
};

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GrpcServer::~GrpcServer() { impl_->Shutdown(Duration::zero()); }

Result<std::unique_ptr<GrpcServer>> GrpcServer::Start(GrpcServerOptions options, frontend::Dispatcher& dispatcher) {
  auto impl = std::make_unique<Impl>();
  WFE_RETURN_IF_ERROR(impl->Start(std::move(options), dispatcher));
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

void GrpcServer::SetServing(bool serving) { impl_->SetServing(serving); }
const std::string& GrpcServer::address() const { return impl_->address(); }
void GrpcServer::Shutdown(Duration grace) { impl_->Shutdown(grace); }
int64_t GrpcServer::unread_answer_bytes() const { return impl_->answers().bytes(); }
int64_t GrpcServer::refused_connections() const { return impl_->refused_connections(); }

}  // namespace wfe::host
