#include "engine/frontend/call_stream.h"

#include <algorithm>
#include <utility>

#include "engine/frontend/call_progress.h"
#include "engine/frontend/method.h"
#include "engine/runtime/admission.h"

namespace wfe::frontend {

/// One call of a stream, as handlers see it.
class CallStream::StreamCall final : public ServerCall {
 public:
  StreamCall(std::shared_ptr<CallStream> stream, uint64_t id, bool is_poll, Instant deadline)
      : stream_(std::move(stream)), id_(id), deadline_(deadline), holds_credit_(is_poll) {}

  uint64_t id() const { return id_; }
  /// Whether it holds one of the stream's credits; guarded by the stream's lock.
  bool holds_credit() const { return holds_credit_; }
  void GiveCreditBack() { holds_credit_ = false; }

  Instant Deadline() const override { return deadline_; }
  bool Supports(std::string_view feature) const override { return NamesFeature(stream_->features_, feature); }
  // While the call is dispatched the stream is being read, so it is not closed.
  std::optional<std::string_view> Metadata(std::string_view name) const override {
    const std::lock_guard lock(stream_->mutex_);
    return stream_->carrier_ == nullptr ? std::nullopt : stream_->carrier_->Metadata(name);
  }
  std::string Peer() const override {
    const std::lock_guard lock(stream_->mutex_);
    return stream_->carrier_ == nullptr ? std::string() : stream_->carrier_->Peer();
  }
  bool IsCancelled() const override { return progress_.IsCancelled(); }
  void OnCancel(Function<void()> callback) override { progress_.OnCancel(std::move(callback)); }
  void Reply(Result<std::string> response) override {
    progress_.Answered();
    stream_->Reply(id_, std::move(response));
  }

  void Cancelled() { progress_.Cancel(); }

 private:
  const std::shared_ptr<CallStream> stream_;
  const uint64_t id_;
  const Instant deadline_;
  bool holds_credit_;
  CallProgress progress_;
};

namespace {

void SetFailure(const Error& error, calls::v1::Answer* answer) {
  auto& failure = *answer->mutable_failure();
  failure.set_code(static_cast<int32_t>(error.code));
  failure.set_message(error.message);
  for (const ErrorDetail& detail : error.details) {
    auto& told = *failure.add_details();
    told.set_type_name(detail.type_name);
    told.set_value(detail.bytes);
  }
}

/// An answer's part of a frame, nearly.
size_t BytesOf(const calls::v1::Answer& answer) {
  return answer.response().size() + answer.failure().ByteSizeLong() + 16;
}

}  // namespace

void CallStream::Open(FrameCarrier& carrier, std::string supported_features) {
  features_ = std::move(supported_features);
  {
    const std::lock_guard lock(mutex_);
    carrier_ = &carrier;
  }
  Flush();
}

void CallStream::Received(const calls::v1::CallerFrame& frame) {
  // What is given up makes room for what comes in the same frame, which may be given up in it, too.
  for (const uint64_t id : frame.cancelled()) Cancel(id);
  for (const calls::v1::Call& call : frame.calls()) Start(call);
  if (frame.calls().empty()) return;
  for (const uint64_t id : frame.cancelled()) {
    if (id >= frame.calls(0).id()) Cancel(id);
  }
}

void CallStream::Start(const calls::v1::Call& call) {
  constexpr Duration kLongest = std::chrono::hours(24);
  const Instant deadline =
      call.timeout_ns() > 0 ? monotonic_.Now() + std::min(Duration(call.timeout_ns()), kLongest) : Instant::max();
  const std::string_view path = call.path();
  const size_t slash = path.rfind('/');
  const bool is_path = !path.empty() && path.front() == '/' && slash > 0;
  const std::string_view service = is_path ? path.substr(1, slash - 1) : std::string_view();
  const std::string_view method = is_path ? path.substr(slash + 1) : std::string_view();
  auto started = std::make_shared<StreamCall>(shared_from_this(), call.id(), IsTaskPoll(service, method), deadline);
  FrameCarrier* broken = nullptr;
  Status entered = Ok();
  {
    const std::lock_guard lock(mutex_);
    if (carrier_ == nullptr) return;
    if (call.id() <= last_id_) {
      broken = carrier_;
    } else {
      last_id_ = call.id();
      entered = Enter(started);
    }
  }
  if (broken != nullptr) return broken->End(InvalidArgument("the ids of the calls of a stream must grow"));
  if (!entered) return Reply(call.id(), std::move(entered).error());
  if (!is_path) {
    return started->Reply(
        Unimplemented("a call's path is \"/SERVICE/METHOD\", not \"" + std::string(path.substr(0, 100)) + "\""));
  }
  dispatcher_.Dispatch(service, method, call.request(), std::move(started));
}

Status CallStream::Enter(const std::shared_ptr<StreamCall>& call) {
  if (static_cast<int64_t>(calls_.size()) >= limits_.max_calls) {
    return runtime::SystemOverloaded(std::to_string(limits_.max_calls) +
                                     " calls of one stream are in progress (max_streams_per_connection)");
  }
  if (call->holds_credit() && polls_ >= limits_.max_polls) {
    return runtime::SystemOverloaded(std::to_string(limits_.max_polls) +
                                     " polls of one stream wait for a task (max_polls_per_stream)");
  }
  calls_.emplace(call->id(), call);
  if (call->holds_credit()) ++polls_;
  return Ok();
}

void CallStream::TakeCreditFrom(StreamCall& call) {
  if (!call.holds_credit()) return;
  call.GiveCreditBack();
  --polls_;
}

std::shared_ptr<CallStream::StreamCall> CallStream::Leave(uint64_t id) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return nullptr;
  std::shared_ptr<StreamCall> call = std::move(found->second);
  calls_.erase(found);
  TakeCreditFrom(*call);
  return call;
}

void CallStream::Cancel(uint64_t id) {
  std::shared_ptr<StreamCall> call;
  {
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    call = found->second;
    TakeCreditFrom(*call);  // its caller takes it for given back
  }
  call->Cancelled();
}

void CallStream::Reply(uint64_t id, Result<std::string> response) {
  Waiting waiting;
  waiting.answer.set_id(id);
  if (response) {
    waiting.answer.set_response(*std::move(response));
  } else {
    SetFailure(response.error(), &waiting.answer);
  }
  std::shared_ptr<StreamCall> left;  // goes without the lock
  {
    const std::lock_guard lock(mutex_);
    left = Leave(id);
    if (carrier_ == nullptr) return;
    waiting.bytes = BytesOf(waiting.answer);
    waiting.held = carrier_->Hold(static_cast<int64_t>(waiting.bytes));
    if (!waiting.held) {
      waiting.answer.clear_response();
      SetFailure(runtime::SystemOverloaded(
                     "too many answers wait for callers that do not read them (max_unread_answer_bytes)"),
                 &waiting.answer);
      waiting.bytes = BytesOf(waiting.answer);
    }
    outbox_.push_back(std::move(waiting));
    if (flush_posted_ || sending_) return;
    flush_posted_ = true;
  }
  executor_.Post([self = shared_from_this()] { self->Flush(); });
}

bool CallStream::FillFrame(calls::v1::ServerFrame* frame) {
  const bool is_first = !std::exchange(welcomed_, true);
  if (is_first) {
    frame->mutable_welcome()->set_max_calls(limits_.max_calls);
    frame->mutable_welcome()->set_max_frame_bytes(limits_.max_frame_bytes);
    frame->mutable_welcome()->set_max_polls(limits_.max_polls);
  }
  size_t bytes = 0;
  while (!outbox_.empty()) {
    Waiting& next = outbox_.front();
    bytes += next.bytes;
    if (frame->answers_size() > 0 && bytes > limits_.max_answer_frame_bytes) break;
    sending_held_ += next.HeldBytes();
    *frame->add_answers() = std::move(next.answer);
    outbox_.pop_front();
  }
  return is_first || frame->answers_size() > 0;
}

void CallStream::Flush() {
  calls::v1::ServerFrame frame;
  FrameCarrier* carrier = nullptr;
  bool over = false;
  {
    const std::lock_guard lock(mutex_);
    flush_posted_ = false;
    if (carrier_ == nullptr || sending_) return;
    carrier = carrier_;
    sending_ = FillFrame(&frame);
    over = !sending_ && ending_ && calls_.empty();
    if (!sending_ && !over) return;
  }
  // Not under the lock: the transport may go on with this stream's next event on this thread.
  if (over) return carrier->End(Unavailable("the server is stopping"));
  carrier->Send(frame);
}

bool CallStream::Sent() {
  {
    const std::lock_guard lock(mutex_);
    sending_ = false;
    if (carrier_ == nullptr) return false;
    carrier_->Free(std::exchange(sending_held_, 0));
  }
  Flush();
  return true;
}

void CallStream::EndWhenIdle() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  Flush();
}

bool CallStream::Closed() {
  std::unordered_map<uint64_t, std::shared_ptr<StreamCall>> calls;
  bool idle = false;
  {
    const std::lock_guard lock(mutex_);
    if (carrier_ != nullptr) {
      int64_t held = std::exchange(sending_held_, 0);
      for (const Waiting& waiting : outbox_) held += waiting.HeldBytes();
      carrier_->Free(held);
    }
    carrier_ = nullptr;
    outbox_.clear();
    calls.swap(calls_);
    polls_ = 0;
    idle = !sending_;
  }
  for (const auto& [id, call] : calls) call->Cancelled();
  return idle;
}

int64_t CallStream::calls_in_progress() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int64_t>(calls_.size());
}

}  // namespace wfe::frontend
