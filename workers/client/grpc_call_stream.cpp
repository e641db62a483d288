#include "workers/client/grpc_call_stream.h"

#include <utility>

#include "engine/base/serialize.h"

namespace wfe::client {
namespace {

constexpr const char* kPath = "/wfe.calls.v1.CallService/Open";

}  // namespace

void GrpcCallStream::Open(grpc::GenericStub& stub, Ended ended) {
  self_ = shared_from_this();
  ended_ = std::move(ended);
  stub.PrepareBidiStreamingCall(&context_, kPath, {}, this);
  AddHold();  // for frames, which begin on any thread; given back when the stream is broken and none is on its way
  StartRead(&read_);
  StartCall();
}

std::shared_ptr<CallHandle> GrpcCallStream::Call(std::string_view service, std::string_view method,
                                                 const google::protobuf::MessageLite& request,
                                                 const CallOptions& options,
                                                 Function<void(Result<std::string>)>& done) {
  auto handle = mux_->Call(service, method, request, options, monotonic_.Now(), done);
  if (handle != nullptr) deadlines_->Added();
  return handle;
}

void GrpcCallStream::Send(const calls::v1::CallerFrame& frame) {
  const grpc::Slice slice(frame.ByteSizeLong());
  SerializeInto(frame, slice.size(), const_cast<uint8_t*>(slice.begin()));
  written_ = grpc::ByteBuffer(&slice, 1);
  StartWrite(&written_);
}

void GrpcCallStream::OnWriteDone(bool ok) {
  if (!ok) context_.TryCancel();  // the read says the rest
  if (!mux_->Sent()) RemoveHold();
}

void GrpcCallStream::OnReadDone(bool ok) {
  if (!ok) return Break(Unavailable("the connection to the server is lost"));
  calls::v1::ServerFrame frame;
  grpc::Slice bytes;
  const bool readable = (read_.TrySingleSlice(&bytes).ok() || read_.DumpToSingleSlice(&bytes).ok()) &&
                        frame.ParseFromArray(bytes.begin(), static_cast<int>(bytes.size()));
  if (!readable) {
    context_.TryCancel();
    return Break(Internal("a frame of a stream of calls cannot be read"));
  }
  read_.Clear();
  StartRead(&read_);
  mux_->Received(std::move(frame));
}

void GrpcCallStream::Cancel() {
  Break(Cancelled("the client has ended its calls"));
  context_.TryCancel();
}

void GrpcCallStream::Break(const Error& why) {
  if (broken_.exchange(true)) return;
  if (mux_->Broken(why)) RemoveHold();
}

void GrpcCallStream::OnDone(const grpc::Status& status) {
  const std::shared_ptr<GrpcCallStream> self = std::move(self_);
  Ended ended = std::move(ended_);
  ended(status);
}

}  // namespace wfe::client
