#include "workers/client/grpc_client.h"

#include <absl/synchronization/mutex.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <climits>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <unordered_set>

#include "engine/base/serialize.h"
#include "engine/base/steady_clock.h"
#include "engine/base/strand.h"
#include "engine/base/thread_loop.h"
#include "workers/client/grpc_call_stream.h"

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

/// Runs what is posted at once.
class Here final : public Executor {
 public:
  void Post(Function<void()> work) override { work(); }
  bool OnStrand() const override { return false; }
};

/// What the streams of all clients of the process share, and what stays as long as the process, since a stream may end
/// after its client.
struct StreamHouse {
  Here here;
  /// Frames go out when the strand that made their calls has had its turn, or at once where there is none.
  Strand flusher{here};
  ThreadLoop timers;
  SteadyClock clock;
};
StreamHouse& House() {
  static auto* const house = new StreamHouse;
  return *house;
}

/// The stream of a client, opened again when it has broken; while there is none, calls go one by one.  Thread-safe.
class StreamKeeper : public std::enable_shared_from_this<StreamKeeper> {
 public:
  StreamKeeper(std::shared_ptr<grpc::Channel> channel, std::function<void(grpc::ClientContext&)> prepare)
      : stub_(std::move(channel)), prepare_(std::move(prepare)) {}

  /// nullptr: the call has to go alone.
  std::shared_ptr<CallHandle> Call(std::string_view service, std::string_view method,
                                   const google::protobuf::MessageLite& request, const CallOptions& options,
                                   Function<void(Result<std::string>)>& done) {
    std::shared_ptr<GrpcCallStream> stream;
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return nullptr;
      if (stream_ == nullptr && House().clock.Now() >= again_at_) Open();
      stream = stream_;
    }
    return stream == nullptr ? nullptr : stream->Call(service, method, request, options, done);
  }

  bool usable() {
    const std::lock_guard lock(mutex_);
    return stream_ != nullptr && stream_->usable();
  }

  /// Its calls fail with CANCELLED; returns when the stream has ended.
  void Close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    if (const std::shared_ptr<GrpcCallStream> stream = stream_) {
      // Not under the lock: those who hear that their calls have ended may make others.
      lock.unlock();
      stream->Cancel();
      lock.lock();
    }
    ended_.wait(lock, [this] { return stream_ == nullptr; });
  }

 private:
  static constexpr Duration kAgainAfterBreak = std::chrono::milliseconds(200);
  static constexpr Duration kAgainWhenRefused = std::chrono::minutes(1);

  /// Under the lock.
  void Open() {
    StreamHouse& house = House();
    stream_ = std::make_shared<GrpcCallStream>(house.flusher, house.timers, house.timers, house.clock);
    prepare_(stream_->context());
    stream_->Open(stub_, [self = shared_from_this()](const grpc::Status& status) { self->Ended(status); });
  }

  void Ended(const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    stream_ = nullptr;
    // The server does not know streams, or has too many.
    const bool refused = status.error_code() == grpc::StatusCode::UNIMPLEMENTED ||
                         status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
    again_at_ = House().clock.Now() + (refused ? kAgainWhenRefused : kAgainAfterBreak);
    ended_.notify_all();
  }

  grpc::GenericStub stub_;
  const std::function<void(grpc::ClientContext&)> prepare_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::shared_ptr<GrpcCallStream> stream_;  // guarded by mutex_
  Instant again_at_{};                      // guarded by mutex_
  bool closed_ = false;                     // guarded by mutex_
};

class GrpcClient final : public GrpcServiceClient {
 public:
  ~GrpcClient() override {
    if (stream_ != nullptr) stream_->Close();
    calls_.CancelAndWait();
  }

  bool streaming() const override { return stream_ != nullptr && stream_->usable(); }

  explicit GrpcClient(GrpcClientOptions options) : options_(std::move(options)) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // costs 8 % of the throughput; callers retry by themselves
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);  // nobody waits longer than that for a server that is back
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
    if (options_.call_stream) {
      stream_ = std::make_shared<StreamKeeper>(channel_, [this](grpc::ClientContext& context) { Introduce(context); });
    }
  }

  std::shared_ptr<CallHandle> Call(std::string_view service, std::string_view method,
                                   const google::protobuf::MessageLite& request, const CallOptions& options,
                                   Function<void(Result<std::string>)> done) override {
    // gRPC 1.51 stops its callback threads with the last channel, and when that goes on one of these very threads
    // (which end a call after its caller has been told) the thread cannot join itself and memory is freed twice
    // (grpc/grpc pull request 32584).  So the first channel that is used stays for the life of the process.
    static const auto* const volatile kept [[maybe_unused]] = new std::shared_ptr<grpc::Channel>(channel_);
    if (stream_ != nullptr) {
      if (auto handle = stream_->Call(service, method, request, options, done)) return handle;
    }
    auto call = std::make_shared<PendingCall>();
    call->done = std::move(done);
    call->executor = options.executor;
    call->context.set_deadline(std::chrono::system_clock::now() +
                               std::chrono::duration_cast<std::chrono::system_clock::duration>(options.timeout));
    call->context.set_wait_for_ready(options.waits_for_connection);
    Introduce(call->context);
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
  /// Who calls.
  void Introduce(grpc::ClientContext& context) const {
    context.AddMetadata("client-name", "wfe-cpp");
    context.AddMetadata("client-version", WFE_VERSION);
    context.AddMetadata("supported-features", "follows-next-run-id");  // WIRE-F4: it reads new_execution_run_id
    context.AddMetadata("temporal-namespace", options_.ns);
    if (!options_.api_key.empty()) context.AddMetadata("authorization", "Bearer " + options_.api_key);
  }
  static void Deliver(const std::shared_ptr<PendingCall>& call, Result<std::string> answer) {
    if (call->executor == nullptr) return call->done(std::move(answer));
    const InlineScope scope(WorkLength::kMayBeLong);  // gRPC has two callback threads or more
    call->executor->Post([call, answer = std::move(answer)]() mutable { call->done(std::move(answer)); });
  }

  const GrpcClientOptions options_;
  CallsUnderWay calls_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<grpc::GenericStub> stub_;
  std::shared_ptr<StreamKeeper> stream_;  // null without streams
};

}  // namespace

std::unique_ptr<GrpcServiceClient> NewGrpcClient(GrpcClientOptions options) {
  return std::make_unique<GrpcClient>(std::move(options));
}

}  // namespace wfe::client
