#include "workers/client/call_mux.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/base/serialize.h"
#include "engine/base/strand.h"

namespace wfe::client {
namespace {

Result<std::string> AnswerOf(calls::v1::Answer& answer) {
  if (!answer.has_failure()) return std::move(*answer.mutable_response());
  const auto& failure = answer.failure();
  Error error{static_cast<StatusCode>(failure.code()), failure.message(), {}};
  for (const auto& detail : failure.details()) error.details.push_back({detail.type_name(), detail.value()});
  return error;
}

/// Its part of a frame, nearly.
size_t BytesOf(const calls::v1::Call& call) { return call.request().size() + call.path().size() + 32; }

}  // namespace

class CallMux::Handle final : public CallHandle {
 public:
  Handle(std::weak_ptr<CallMux> mux, uint64_t id) : mux_(std::move(mux)), id_(id) {}
  void Cancel() override {
    if (const auto mux = mux_.lock()) mux->Cancel(id_, Cancelled("the caller has given the call up"));
  }

 private:
  const std::weak_ptr<CallMux> mux_;
  const uint64_t id_;
};

std::shared_ptr<CallHandle> CallMux::Call(std::string_view service, std::string_view method,
                                          const google::protobuf::MessageLite& request, const CallOptions& options,
                                          Instant now, Function<void(Result<std::string>)>& done) {
  calls::v1::Call call;
  call.mutable_path()->append("/").append(service).append("/").append(method);
  call.set_timeout_ns(options.timeout.count());
  *call.mutable_request() = Serialize(request);
  const size_t bytes = BytesOf(call);
  uint64_t id = 0;
  bool flush = false;
  {
    const std::lock_guard lock(mutex_);
    // One that is too large for a frame goes as a call of its own, where it is refused or not.
    if (broken_ || max_calls_ == 0 || bytes > max_frame_bytes_) return nullptr;
    if (static_cast<int64_t>(calls_.size()) >= max_calls_) return nullptr;
    // A poll that waited here for another one's answer could keep its queue waiting for a minute.
    const bool needs_credit = options.polls_for_task && max_polls_ > 0;
    if (needs_credit && polls_ >= max_polls_) return nullptr;
    if (needs_credit) ++polls_;
    id = next_id_++;
    call.set_id(id);
    const Instant deadline = now + options.timeout;
    calls_.emplace(id, Pending{std::move(done), options.executor, deadline, std::string(method), needs_credit});
    deadlines_.emplace(deadline, id);
    *outbox_.add_calls() = std::move(call);
    outbox_bytes_ += bytes;
    flush = PostFlush();
  }
  if (flush) executor_.Post([self = shared_from_this()] { self->Flush(); });
  return std::make_shared<Handle>(weak_from_this(), id);
}

bool CallMux::TakeOutOfFrame(uint64_t id) {
  auto& calls = *outbox_.mutable_calls();
  const auto found = std::lower_bound(calls.begin(), calls.end(), id,
                                      [](const calls::v1::Call& call, uint64_t wanted) { return call.id() < wanted; });
  if (found == calls.end() || found->id() != id) return false;
  outbox_bytes_ -= BytesOf(*found);
  calls.erase(found);
  return true;
}

bool CallMux::PostFlush() { return !sending_ && !std::exchange(flush_posted_, true); }

void CallMux::Flush() {
  calls::v1::CallerFrame frame;
  {
    const std::lock_guard lock(mutex_);
    flush_posted_ = false;
    if (broken_ || sending_ || (outbox_.calls().empty() && outbox_.cancelled().empty())) return;
    frame.mutable_cancelled()->Swap(outbox_.mutable_cancelled());
    if (outbox_bytes_ <= max_frame_bytes_) {
      frame.mutable_calls()->Swap(outbox_.mutable_calls());
      outbox_bytes_ = 0;
    } else {
      size_t taken = 0;
      int count = 0;
      for (auto& call : *outbox_.mutable_calls()) {
        const size_t bytes = BytesOf(call);
        if (taken + bytes > max_frame_bytes_) break;
        taken += bytes;
        ++count;
        *frame.add_calls() = std::move(call);
      }
      outbox_.mutable_calls()->DeleteSubrange(0, count);
      outbox_bytes_ -= taken;
    }
    sending_ = true;
  }
  // Not under the lock: the transport may go on with this stream's next event on this thread.
  sender_->Send(frame);
}

bool CallMux::Sent() {
  {
    const std::lock_guard lock(mutex_);
    sending_ = false;
    if (broken_) return false;
  }
  Flush();
  return true;
}

void CallMux::Received(calls::v1::ServerFrame frame) {
  std::vector<std::pair<Pending, Result<std::string>>> answered;
  answered.reserve(static_cast<size_t>(frame.answers_size()));
  {
    const std::lock_guard lock(mutex_);
    if (frame.has_welcome()) {
      max_calls_ = frame.welcome().max_calls();
      max_polls_ = frame.welcome().max_polls();
      // Half, because cancellations, which are not counted, ride along.
      max_frame_bytes_ = static_cast<size_t>(std::max<int64_t>(0, frame.welcome().max_frame_bytes() / 2));
    }
    for (calls::v1::Answer& answer : *frame.mutable_answers()) {
      const auto found = calls_.find(answer.id());
      if (found == calls_.end()) continue;  // given up meanwhile
      answered.emplace_back(Take(found), AnswerOf(answer));
    }
  }
  const InlineScope scope(WorkLength::kMayBeLong);  // gRPC has two callback threads or more
  for (auto& [pending, answer] : answered) Deliver(std::move(pending), std::move(answer));
}

CallMux::Pending CallMux::Take(Calls::iterator call) {
  deadlines_.erase({call->second.deadline, call->first});
  Pending taken = std::move(call->second);
  if (taken.holds_credit) --polls_;
  calls_.erase(call);
  return taken;
}

void CallMux::Deliver(Pending pending, Result<std::string> answer) {
  if (pending.executor == nullptr) return pending.done(std::move(answer));
  pending.executor->Post(
      [done = std::move(pending.done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
}

void CallMux::Cancel(uint64_t id, Error why) {
  Pending pending;
  bool flush = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    pending = Take(found);
    if (!TakeOutOfFrame(id)) outbox_.add_cancelled(id);
    flush = PostFlush();
  }
  if (flush) executor_.Post([self = shared_from_this()] { self->Flush(); });
  Deliver(std::move(pending), std::move(why));
}

bool CallMux::Broken(const Error& why) {
  Calls calls;
  bool idle = false;
  {
    const std::lock_guard lock(mutex_);
    broken_ = true;
    calls.swap(calls_);
    deadlines_.clear();
    outbox_.Clear();
    idle = !sending_;
  }
  for (auto& [id, pending] : calls) Deliver(std::move(pending), why);
  return idle;
}

Instant CallMux::Expire(Instant now) {
  std::vector<std::pair<uint64_t, std::string>> over;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = deadlines_.begin(); it != deadlines_.end() && it->first <= now; ++it) {
      over.emplace_back(it->second, calls_.at(it->second).method);
    }
  }
  for (auto& [id, method] : over) Cancel(id, DeadlineExceeded(method + " was not answered in time"));
  return NextExpiry();
}

bool CallMux::usable() const {
  const std::lock_guard lock(mutex_);
  return !broken_ && max_calls_ > 0;
}

Instant CallMux::NextExpiry() const {
  const std::lock_guard lock(mutex_);
  return deadlines_.empty() ? Instant::max() : deadlines_.begin()->first;
}

}  // namespace wfe::client
