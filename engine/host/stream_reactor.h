// A stream of calls over gRPC.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/frontend/call_stream.h"
#include "engine/host/grpc_bytes.h"
#include "engine/host/transport.h"

namespace wfe::host {

/// Lives from the beginning of the stream to its OnDone, as gRPC wants it.
class StreamReactor final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                            private frontend::FrameCarrier {
 public:
  StreamReactor(grpc::CallbackServerContext& context, frontend::Dispatcher& dispatcher, Transport& transport);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override { Close(grpc::Status::CANCELLED); }
  void OnDone() override;

  /// Ends the stream when the calls in progress have been answered.  While it is in Transport::streams.
  void EndWhenIdle() { stream_->EndWhenIdle(); }

 private:
  std::optional<std::string_view> Metadata(std::string_view name) const override { return HeaderOf(context_, name); }
  std::string Peer() const override { return context_.peer(); }
  void Send(const calls::v1::ServerFrame& frame) override;
  bool Hold(int64_t bytes) override { return transport_.answers.Take(bytes); }
  void Free(int64_t bytes) override { transport_.answers.Give(bytes); }
  void End(Error why) override;

  /// Ends the stream, once: now, or when the frame that is on its way is out.
  void Close(grpc::Status status);

  grpc::CallbackServerContext& context_;
  Transport& transport_;
  const std::shared_ptr<frontend::CallStream> stream_;
  grpc::ByteBuffer read_;
  grpc::ByteBuffer written_;
  uint64_t watch_ = 0;  // of the frame on its way: whoever does not read it loses the stream

  std::mutex mutex_;
  std::optional<grpc::Status> ended_;  // guarded by mutex_; how the stream shall end
};

}  // namespace wfe::host
