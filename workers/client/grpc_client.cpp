#include "workers/client/grpc_client.h"

#include <absl/synchronization/mutex.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <climits>
#include <condition_variable>
#include <mutex>
#include <unordered_set>

#include "engine/base/serialize.h"
#include "engine/base/strand.h"

namespace wfe::client {
namespace {

Error ToError(const grpc::Status& status) {
  Error error{static_cast<StatusCode>(status.error_code()), status.error_message(), {}};
  google::rpc::Status details;
  if (!status.error_details().empty() && details.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& any : details.details()) {
      const size_t slash = any.type_url().rfind('/');
      error.details.push_back(
          {slash == std::string::npos ? any.type_url() : any.type_url().substr(slash + 1), any.value()});
    }
  }
  return error;
}

std::string ToBytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  bytes.reserve(buffer.Length());
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

/// Everything a call needs until its answer is there.  The handle and the completion both keep it alive.
struct PendingCall final : CallHandle {
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
  Function<void(Result<std::string>)> done;
  Executor* executor = nullptr;

  void Cancel() override { context.TryCancel(); }
};

/// The calls that have not been answered: a client ends them before it goes, since their executors may go right after.
class CallsUnderWay {
 public:
  void Add(PendingCall& call) {
    const std::lock_guard lock(mutex_);
    calls_.insert(&call);
  }
  void Remove(PendingCall& call) {
    const std::lock_guard lock(mutex_);
    calls_.erase(&call);
    if (calls_.empty()) none_.notify_all();
  }
  void CancelAndWait() {
    std::unique_lock lock(mutex_);
    for (PendingCall* const call : calls_) call->Cancel();
    none_.wait(lock, [this] { return calls_.empty(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  std::unordered_set<PendingCall*> calls_;  // guarded by mutex_
};

class GrpcClient final : public ServiceClient {
 public:
  ~GrpcClient() override { calls_.CancelAndWait(); }

  explicit GrpcClient(GrpcClientOptions options) : options_(std::move(options)) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // costs 8 % of the throughput; callers retry by themselves
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
    // Contrary to its name the time that one attempt to connect may take.  A refused one is over at once and is not
    // slowed down; one on a busy machine takes tenths of a second and must not be taken for a server that is gone.
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);  // finds half-open connections (F12)
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 15'000);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(INT_MAX);
    arguments.SetMaxSendMessageSize(INT_MAX);
    // Debian's Abseil looks for deadlocks at every lock; that costs 2 to 3 % of all CPU.
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
    channel_ = grpc::CreateCustomChannel(options_.address, grpc::InsecureChannelCredentials(), arguments);
    stub_ = std::make_unique<grpc::GenericStub>(channel_);
  }

  std::shared_ptr<CallHandle> Call(std::string_view service, std::string_view method,
                                   const google::protobuf::MessageLite& request, const CallOptions& options,
                                   Function<void(Result<std::string>)> done) override {
    // gRPC 1.51 stops its callback threads with the last channel, and when that goes on one of these very threads
    // (which end a call after its caller has been told) the thread cannot join itself and memory is freed twice
    // (grpc/grpc pull request 32584).  So the first channel that is used stays for the life of the process.
    static const auto* const volatile kept [[maybe_unused]] = new std::shared_ptr<grpc::Channel>(channel_);
    auto call = std::make_shared<PendingCall>();
    call->done = std::move(done);
    call->executor = options.executor;
    call->context.set_deadline(std::chrono::system_clock::now() +
                               std::chrono::duration_cast<std::chrono::system_clock::duration>(options.timeout));
    call->context.AddMetadata("client-name", "wfe-cpp");
    call->context.AddMetadata("client-version", WFE_VERSION);
    call->context.AddMetadata("supported-features", "follows-next-run-id");  // WIRE-F4: it reads new_execution_run_id
    call->context.AddMetadata("temporal-namespace", options_.ns);
    if (!options_.api_key.empty()) call->context.AddMetadata("authorization", "Bearer " + options_.api_key);
    const grpc::Slice slice(request.ByteSizeLong());
    SerializeInto(request, slice.size(), const_cast<uint8_t*>(slice.begin()));
    call->request = grpc::ByteBuffer(&slice, 1);

    std::string path = "/";
    path.append(service).append("/").append(method);
    PendingCall& c = *call;
    calls_.Add(c);
    stub_->UnaryCall(&c.context, path, {}, &c.request, &c.response, [this, call](const grpc::Status& status) {
      Result<std::string> answer = status.ok() ? Result<std::string>(ToBytes(call->response)) : ToError(status);
      Deliver(call, std::move(answer));
      calls_.Remove(*call);
    });
    return call;
  }

 private:
  static void Deliver(const std::shared_ptr<PendingCall>& call, Result<std::string> answer) {
    if (call->executor == nullptr) return call->done(std::move(answer));
    const InlineScope scope(WorkLength::kMayBeLong);  // gRPC has two callback threads or more
    call->executor->Post([call, answer = std::move(answer)]() mutable { call->done(std::move(answer)); });
  }

  const GrpcClientOptions options_;
  CallsUnderWay calls_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<grpc::GenericStub> stub_;
};

}  // namespace

std::unique_ptr<ServiceClient> NewGrpcClient(GrpcClientOptions options) {
  return std::make_unique<GrpcClient>(std::move(options));
}

}  // namespace wfe::client
