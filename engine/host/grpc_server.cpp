#include "engine/host/grpc_server.h"

#include <google/protobuf/descriptor.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/service_type.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <temporal/api/operatorservice/v1/service.pb.h>
#include <temporal/api/workflowservice/v1/service.pb.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <mutex>

#include "engine/base/serialize.h"
#include "engine/base/strand.h"
#include "engine/base/unique_fd.h"
#include "wfe/records/v1/records.pb.h"

namespace wfe::host {
namespace {

// Names the descriptors, so that the linker keeps the objects that register them.  Volatile, so that the optimizer keeps
// the names.
const void* const volatile kLinkedDescriptors[] = {
    &descriptor_table_temporal_2fapi_2fworkflowservice_2fv1_2fservice_2eproto,
    &descriptor_table_temporal_2fapi_2foperatorservice_2fv1_2fservice_2eproto,
    &descriptor_table_wfe_2frecords_2fv1_2frecords_2eproto,
};

grpc::Status ToStatus(const Error& error) {
  const auto code = static_cast<grpc::StatusCode>(error.code);
  if (error.details.empty()) return {code, error.message};
  google::rpc::Status details;
  details.set_code(static_cast<int>(error.code));
  details.set_message(error.message);
  for (const ErrorDetail& detail : error.details) {
    google::protobuf::Any& any = *details.add_details();
    any.set_type_url("type.googleapis.com/" + detail.type_name);
    any.set_value(detail.bytes);
  }
  return {code, error.message, Serialize(details)};
}

grpc::ByteBuffer ToBuffer(std::string bytes) {
  constexpr size_t kCopyBelow = 512;
  if (bytes.size() < kCopyBelow) {
    const grpc::Slice slice(bytes.data(), bytes.size());
    return {&slice, 1};
  }
  auto* const owned = new std::string(std::move(bytes));
  const grpc::Slice slice(owned->data(), owned->size(), [](void* p) { delete static_cast<std::string*>(p); }, owned);
  return {&slice, 1};
}

/// One call.  gRPC's reactor lives until OnDone; the ServerCall that handlers hold may live longer and then only
/// remembers that it was answered.
class Reactor;

class GrpcCall final : public frontend::ServerCall {
 public:
  GrpcCall(grpc::ServerUnaryReactor& reactor, grpc::ByteBuffer& response, Instant deadline, std::string features)
      : reactor_(reactor), response_(response), deadline_(deadline), features_(std::move(features)) {}

  Instant Deadline() const override { return deadline_; }
  bool Supports(std::string_view feature) const override {
    std::string_view rest = features_;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(','), rest.size());
      if (rest.substr(0, end) == feature) return true;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
  }
  bool IsCancelled() const override { return cancelled_.load(std::memory_order_acquire); }

  void OnCancel(Function<void()> callback) override {
    {
      const std::lock_guard lock(mutex_);
      if (replied_) return;
      if (!IsCancelled()) {
        on_cancel_ = std::move(callback);
        return;
      }
    }
    callback();
  }

  void Reply(Result<std::string> response) override {
    Function<void()> dropped;  // destroyed outside the lock: it may hold the last reference to much
    {
      const std::lock_guard lock(mutex_);
      WFE_CHECK(!replied_, "a call was answered twice");
      replied_ = true;
      dropped = std::move(on_cancel_);
    }
    if (response) {
      response_ = ToBuffer(*std::move(response));
      reactor_.Finish(grpc::Status::OK);
    } else {
      reactor_.Finish(ToStatus(response.error()));
    }
  }

  void Cancelled() {
    Function<void()> callback;
    {
      const std::lock_guard lock(mutex_);
      cancelled_.store(true, std::memory_order_release);
      callback = std::move(on_cancel_);
    }
    if (callback) callback();
  }

 private:
  grpc::ServerUnaryReactor& reactor_;  // alive until Reply
  grpc::ByteBuffer& response_;         // the same
  const Instant deadline_;
  const std::string features_;  // as the header says them, separated by commas
  std::atomic<bool> cancelled_ = false;
  std::mutex mutex_;
  bool replied_ = false;        // guarded by mutex_
  Function<void()> on_cancel_;  // guarded by mutex_
};

class Reactor final : public grpc::ServerUnaryReactor {
 public:
  Reactor(grpc::CallbackServerContext& context, grpc::ByteBuffer& response)
      : call_(std::make_shared<GrpcCall>(*this, response, ToInstant(context.deadline()), FeaturesOf(context))) {}

  const std::shared_ptr<GrpcCall>& call() const { return call_; }

  // Without an InlineScope: what a cancellation sets going belongs to the pool, for see below.
  void OnCancel() override { call_->Cancelled(); }
  void OnDone() override { delete this; }
  // Both reactions are short and take no lock that gRPC could hold, so they need no thread of gRPC's executor, which
  // would cost two more switches for each call.  gRPC 1.51 calls this one internal; a release that drops it will not
  // compile here.
  bool InternalInlineable() override { return true; }

 private:
  static std::string FeaturesOf(const grpc::CallbackServerContext& context) {
    const auto& headers = context.client_metadata();
    const auto found = headers.find("supported-features");
    return found == headers.end() ? std::string() : std::string(found->second.data(), found->second.size());
  }
  static Instant ToInstant(std::chrono::system_clock::time_point deadline) {
    if (deadline == std::chrono::system_clock::time_point::max()) return Instant::max();
    return std::chrono::time_point_cast<Duration>(deadline);
  }
  const std::shared_ptr<GrpcCall> call_;
};

/// One proto service, every method of it, as bytes.
class RawService final : public grpc::Service {
 public:
  RawService(const google::protobuf::ServiceDescriptor& descriptor, frontend::Dispatcher& dispatcher)
      : name_(descriptor.full_name()), dispatcher_(dispatcher) {
    for (int i = 0; i < descriptor.method_count(); ++i) {
      methods_.push_back({descriptor.method(i)->name(), "/" + name_ + "/" + descriptor.method(i)->name()});
    }
    for (int i = 0; i < descriptor.method_count(); ++i) {
      const Method& method = methods_[static_cast<size_t>(i)];
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

  grpc::ServerUnaryReactor* Handle(const Method& method, grpc::CallbackServerContext& context,
                                   const grpc::ByteBuffer& request, grpc::ByteBuffer& response) {
    auto* const reactor = new Reactor(context, response);
    // The call may be over, and the reactor gone, as soon as it is dispatched; gRPC wants the pointer all the same and
    // deletes only after it was returned.
    grpc::Slice single;
    const std::shared_ptr<GrpcCall> call = reactor->call();
    if (!request.TrySingleSlice(&single).ok() && !request.DumpToSingleSlice(&single).ok()) {
      call->Reply(InvalidArgument(method.name + ": unreadable request"));
      return reactor;
    }
    const InlineScope scope;
    dispatcher_.Dispatch(name_, method.name, {reinterpret_cast<const char*>(single.begin()), single.size()}, call);
    return reactor;
  }

  const std::string name_;
  frontend::Dispatcher& dispatcher_;
  std::deque<Method> methods_;
};

constexpr std::string_view kUnix = "unix:";

bool SomebodyListensOn(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof(address.sun_path) - 1));
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return fd.open() && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

}  // namespace

class GrpcServer::Impl {
 public:
  Status Start(GrpcServerOptions options, frontend::Dispatcher& dispatcher) {
    options_ = std::move(options);
    if (options_.listen.starts_with(kUnix)) {
      const std::string path = options_.listen.substr(kUnix.size());
      if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) {
        return InvalidArgument("cannot listen on " + options_.listen + ": the path of a socket has 1 to " +
                               std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
      }
      // gRPC would take the name away from a server that has it.
      if (SomebodyListensOn(path)) return Unavailable("cannot listen on " + options_.listen + ": a server has it");
    }
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
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a port in use is an error, not a shared port
    builder.AddListeningPort(options_.listen, grpc::InsecureServerCredentials(), &port_);
    for (const std::string& name : options_.services) {
      const auto* const descriptor = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
      WFE_CHECK(descriptor != nullptr, name);
      services_.emplace_back(*descriptor, dispatcher);
      builder.RegisterService(&services_.back());
    }
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      return Unavailable("cannot listen on " + options_.listen + ": the port is in use or not ours to take");
    }
    address_ = options_.listen.starts_with(kUnix)
                   ? options_.listen  // gRPC gives such a socket the port 1
                   : options_.listen.substr(0, options_.listen.rfind(':')) + ":" + std::to_string(port_);
    SetServing(false);
    return Ok();
  }

  void SetServing(bool serving) {
    grpc::HealthCheckServiceInterface* const health = server_->GetHealthCheckService();
    health->SetServingStatus(serving);
    for (const std::string& name : options_.services) health->SetServingStatus(name, serving);
  }

  const std::string& address() const { return address_; }

  void Shutdown(Duration grace) {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() +
                      std::chrono::duration_cast<std::chrono::system_clock::duration>(grace));
    server_->Wait();
  }

 private:
  GrpcServerOptions options_;
  std::deque<RawService> services_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::string address_;
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

}  // namespace wfe::host
