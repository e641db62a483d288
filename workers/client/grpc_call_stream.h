// A stream of calls over gRPC, as the caller opens it.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>

#include "workers/client/call_mux.h"
#include "workers/client/deadline_watch.h"

namespace wfe::client {

/// Opens itself, and holds itself until gRPC is done with it.
class GrpcCallStream final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                             public std::enable_shared_from_this<GrpcCallStream>,
                             private FrameSender {
 public:
  /// How a stream ended: at once with UNIMPLEMENTED where the server does not know them.
  using Ended = Function<void(const grpc::Status&)>;

  GrpcCallStream(Executor& flusher, TimerService& timers, Executor& timer_thread, const Clock& monotonic)
      : monotonic_(monotonic),
        mux_(std::make_shared<CallMux>(static_cast<FrameSender&>(*this), flusher)),
        deadlines_(std::make_shared<DeadlineWatch<CallMux>>(mux_, timers, timer_thread, monotonic)) {}

  grpc::ClientContext& context() { return context_; }
  /// `ended` runs last, on a thread of gRPC.
  void Open(grpc::GenericStub& stub, Ended ended);
  /// As CallMux::Call: nullptr when the call has to go another way.
  std::shared_ptr<CallHandle> Call(std::string_view service, std::string_view method,
                                   const google::protobuf::MessageLite& request, const CallOptions& options,
                                   Function<void(Result<std::string>)>& done);
  /// Breaks the stream off: its calls fail with CANCELLED, some in here.
  void Cancel();
  bool usable() const { return mux_->usable(); }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  void Send(const calls::v1::CallerFrame& frame) override;
  /// No more frames; lets gRPC end the stream when none is on its way.
  void Break(const Error& why);

  const Clock& monotonic_;
  const std::shared_ptr<CallMux> mux_;
  const std::shared_ptr<DeadlineWatch<CallMux>> deadlines_;
  grpc::ClientContext context_;
  grpc::ByteBuffer read_;
  grpc::ByteBuffer written_;
  Ended ended_;
  std::shared_ptr<GrpcCallStream> self_;  // until OnDone
  std::atomic<bool> broken_ = false;
};

}  // namespace wfe::client
