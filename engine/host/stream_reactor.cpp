#include "engine/host/stream_reactor.h"

#include <utility>

#include "engine/base/serialize.h"
#include "engine/host/grpc_bytes.h"
#include "engine/runtime/admission.h"

namespace wfe::host {

bool OpenStreams::Add(StreamReactor& stream) {
  const std::lock_guard lock(mutex_);
  return streams_.size() < limit_ && streams_.insert(&stream).second;
}

void OpenStreams::Remove(StreamReactor& stream) {
  const std::lock_guard lock(mutex_);
  streams_.erase(&stream);
}

void OpenStreams::EndWhenIdle() {
  // Under the lock, so that none goes meanwhile; a stream that ends here goes on a thread of gRPC.
  const std::lock_guard lock(mutex_);
  for (StreamReactor* const stream : streams_) stream->EndWhenIdle();
}

StreamReactor::StreamReactor(grpc::CallbackServerContext& context, frontend::Dispatcher& dispatcher,
                             Transport& transport)
    : context_(context),
      transport_(transport),
      stream_(std::make_shared<frontend::CallStream>(dispatcher, transport.monotonic, transport.NextSender(),
                                                     transport.stream_limits)) {
  if (!transport_.streams.Add(*this)) {
    End(runtime::SystemOverloaded(std::to_string(transport_.streams.limit()) +
                                  " streams of calls are open (max_call_streams)"));
    return;
  }
  stream_->Open(*this, std::string(HeaderOf(context_, "supported-features").value_or("")));
  StartRead(&read_);
}

void StreamReactor::OnReadDone(bool ok) {
  if (!ok) return Close(grpc::Status::OK);
  calls::v1::CallerFrame frame;
  {
    grpc::Slice bytes;
    if (!OnePiece(read_, &bytes) || !frame.ParseFromArray(bytes.begin(), static_cast<int>(bytes.size()))) {
      return End(InvalidArgument("a frame of a stream of calls cannot be read"));
    }
  }
  read_.Clear();
  // The calls of a frame are dispatched in their order, then the strands that they woke are run, while another thread
  // reads on.
  const InlineScope scope;
  stream_->Received(frame);
  StartRead(&read_);
}

void StreamReactor::Send(const calls::v1::ServerFrame& frame) {
  written_ = ToBuffer(Serialize(frame));
  watch_ = transport_.answers.Watch(transport_.monotonic.Now(), [this] { context_.TryCancel(); });
  StartWrite(&written_);
}

void StreamReactor::OnWriteDone(bool ok) {
  transport_.answers.Unwatch(std::exchange(watch_, 0));
  // A frame that did not go out belongs to a stream that is over; the read or the cancellation says so, too.
  if (!ok) context_.TryCancel();
  if (!stream_->Sent()) Finish(*ended_);
}

void StreamReactor::End(Error why) { Close(ToStatus(why)); }

void StreamReactor::Close(grpc::Status status) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    ended_ = std::move(status);
  }
  if (stream_->Closed()) Finish(*ended_);
}

void StreamReactor::OnDone() {
  transport_.streams.Remove(*this);
  delete this;
}

}  // namespace wfe::host
