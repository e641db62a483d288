#include "tools/demo/direct_client.h"

#include <google/protobuf/message_lite.h>

#include "engine/base/check.h"
#include "engine/base/serialize.h"

namespace wfe::demo {

/// Both ends of one call.  Its timer holds it until the answer or the deadline.
class DirectClient::PendingCall final : public client::CallHandle,
                                        public frontend::ServerCall,
                                        public std::enable_shared_from_this<PendingCall> {
 public:
  PendingCall(StrandLoop& loop, Executor& executor, Function<void(Result<std::string>)> done)
      : loop_(loop), executor_(executor), done_(std::move(done)) {}

  void Start(Executor& strand, const std::string& method, Duration timeout) {
    deadline_ = loop_.Now() + timeout;
    timer_ = loop_.After(timeout, strand, [self = shared_from_this(), method] {
      self->GiveUp(DeadlineExceeded(method + ": deadline exceeded"));
    });
  }

  // The caller's end.
  void Cancel() override { GiveUp(Cancelled("the call was cancelled by its caller")); }

  // The engine's end.
  Instant Deadline() const override { return deadline_; }
  bool IsCancelled() const override { return cancelled_; }
  void OnCancel(Function<void()> callback) override {
    if (cancelled_) return callback();
    on_cancel_ = std::move(callback);
  }
  void Reply(Result<std::string> response) override {
    on_cancel_ = nullptr;
    Finish(std::move(response));
  }

 private:
  void GiveUp(Error error) {
    if (finished_) return;
    Finish(std::move(error));
    cancelled_ = true;
    if (auto callback = std::move(on_cancel_)) callback();
  }
  void Finish(Result<std::string> answer) {
    if (finished_) return;
    finished_ = true;
    loop_.Cancel(timer_);
    executor_.Post([done = std::move(done_), answer = std::move(answer)]() mutable { done(std::move(answer)); });
  }

  StrandLoop& loop_;
  Executor& executor_;
  Function<void(Result<std::string>)> done_;
  Instant deadline_;
  TimerService::TimerId timer_ = 0;
  bool finished_ = false;
  bool cancelled_ = false;
  Function<void()> on_cancel_;
};

std::shared_ptr<client::CallHandle> DirectClient::Call(std::string_view service, std::string_view method,
                                                       const google::protobuf::MessageLite& request,
                                                       const client::CallOptions& options,
                                                       Function<void(Result<std::string>)> done) {
  WFE_CHECK(options.executor != nullptr, "a call needs an executor");
  auto call = std::make_shared<PendingCall>(loop_, *options.executor, std::move(done));
  call->Start(strand_, std::string(method), options.timeout);
  strand_.Post(
      [this, call, service = std::string(service), method = std::string(method), bytes = Serialize(request)] {
        if (!call->IsCancelled()) dispatcher_.Dispatch(service, method, bytes, call);
      });
  return call;
}

}  // namespace wfe::demo
