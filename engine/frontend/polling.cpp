#include "engine/frontend/polling.h"

#include "engine/runtime/services.h"
#include "engine/runtime/task_delivery.h"

namespace wfe::frontend {

namespace {

class PollingCall final : public runtime::Poller {
 public:
  explicit PollingCall(Call call) : call_(std::move(call)) {}
  bool Gone() const override { return call_.IsCancelled(); }
  void OnGone(Function<void()> callback) override { call_.transport()->OnCancel(std::move(callback)); }
  void Answer(Result<std::string> answer) override {
    if (!answer) return call_.Fail(std::move(answer).error());
    call_.ReplyBytes(*std::move(answer));
  }

 private:
  const Call call_;
};

}  // namespace

void Poll(Services& services, matching::QueueKey queue, bool sticky, std::string identity, std::string worker,
          Call call) {
  const shard::Options& options = services.options.shard;
  runtime::TaskPoll poll{
      .queue = std::move(queue),
      .sticky = sticky,
      .identity = std::move(identity),
      .worker = std::move(worker),
      .deadline = call.WaitUntil(services.WaitClock().Now(), options.long_poll_timeout, options.long_poll_margin)};
  runtime::Poll(services, std::move(poll), std::make_shared<PollingCall>(std::move(call)));
}

}  // namespace wfe::frontend
