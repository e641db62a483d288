#include "workers/host/poller.h"

#include <utility>

namespace wfe::worker {
namespace {

/// An empty answer sooner than this is not what a long poll is for; asking again at once could become a hot loop.
constexpr Duration kTooSoon = std::chrono::seconds(1);

}  // namespace

Poller::Poller(const Environment& environment, Options options)
    : environment_(environment), options_(std::move(options)) {}

void Poller::Wake() {
  if (calling_ || waiting_ || stopped_ || !options_.may_poll(*options_.polls_out)) return;
  Poll();
}

void Poller::Poll() {
  calling_ = true;
  ++*options_.polls_out;
  called_at_ = environment_.clock.Now();
  call_ = environment_.client.Call(client::kWorkflowService, options_.method, *options_.request,
                                   {.timeout = kLongPollTimeout,
                                    .executor = &environment_.strand,
                                    .waits_for_connection = true,
                                    .polls_for_task = true},
                                   [weak = weak_from_this()](Result<std::string> answer) {
                                     if (const auto self = weak.lock()) self->Answered(std::move(answer));
                                   });
}

void Poller::Stop() {
  stopped_ = true;
  if (call_ != nullptr) call_->Cancel();
}

void Poller::Answered(Result<std::string> answer) {
  calling_ = false;
  --*options_.polls_out;
  call_ = nullptr;
  const bool slow = environment_.clock.Now() - called_at_ >= kTooSoon;
  if (answer) {
    if (std::exchange(*options_.in_trouble, false)) {
      environment_.log(LogLevel::kInfo, "polls again for " + options_.description);
    }
    const bool had_task = options_.on_answer(*answer);
    if (stopped_) return options_.on_stopped();
    if (had_task || slow) {
      backoff_.Reset();
      return Wake();
    }
    return PollAfter(backoff_.Next(environment_.ids));
  }
  if (stopped_) return options_.on_stopped();
  if (answer.error().code == StatusCode::kDeadlineExceeded && slow) return Wake();
  if (!std::exchange(*options_.in_trouble, true)) {
    environment_.log(LogLevel::kWarning,
                     "cannot poll for " + options_.description + ", keeps trying: " + answer.error().ToString());
  }
  PollAfter(backoff_.Next(environment_.ids));
}

void Poller::PollAfter(Duration delay) {
  waiting_ = true;
  environment_.timers.After(delay, environment_.strand, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->waiting_ = false;
      self->Wake();
    }
  });
}

}  // namespace wfe::worker
