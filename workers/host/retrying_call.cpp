#include "workers/host/retrying_call.h"

#include "workers/host/backoff.h"

namespace wfe::worker {
namespace {

/// Keeps itself alive through its callbacks; ends when `alive` has expired.
class RetryingCall : public std::enable_shared_from_this<RetryingCall> {
 public:
  RetryingCall(const Environment& environment, std::weak_ptr<const void> alive, std::string method,
               std::shared_ptr<const google::protobuf::MessageLite> request, RetryOptions options,
               Function<void(Result<std::string>)> done)
      : environment_(environment),
        alive_(std::move(alive)),
        method_(std::move(method)),
        request_(std::move(request)),
        options_(options),
        done_(std::move(done)) {}

  void Try() {
    environment_.client.Call(
        client::kWorkflowService, method_, *request_,
        {.timeout = options_.timeout, .executor = &environment_.strand, .waits_for_connection = true},
        [self = shared_from_this()](Result<std::string> answer) { self->Answered(std::move(answer)); });
  }

 private:
  void Answered(Result<std::string> answer) {
    if (alive_.expired()) return;
    if (answer || !IsTransient(answer.error().code) || IsTooLarge(answer.error())) return done_(std::move(answer));
    const Duration delay = backoff_.Next(environment_.ids);
    if (options_.give_up_at && environment_.clock.Now() + delay > *options_.give_up_at) return done_(std::move(answer));
    environment_.timers.After(delay, environment_.strand, [self = shared_from_this()] {
      if (!self->alive_.expired()) self->Try();
    });
  }

  Environment environment_;
  std::weak_ptr<const void> alive_;
  std::string method_;
  std::shared_ptr<const google::protobuf::MessageLite> request_;
  RetryOptions options_;
  Function<void(Result<std::string>)> done_;
  Backoff backoff_{std::chrono::milliseconds(100), std::chrono::seconds(5)};
};

}  // namespace

void CallWithRetries(const Environment& environment, std::weak_ptr<const void> alive, std::string method,
                     std::shared_ptr<const google::protobuf::MessageLite> request, RetryOptions options,
                     Function<void(Result<std::string>)> done) {
  std::make_shared<RetryingCall>(environment, std::move(alive), std::move(method), std::move(request), options,
                                 std::move(done))
      ->Try();
}

}  // namespace wfe::worker
