#include "tests/simulation/network.h"

#include <google/protobuf/message_lite.h>

#include <algorithm>

#include "engine/base/check.h"
#include "engine/base/serialize.h"
#include "tests/simulation/stream.h"

namespace wfe::simulation {

using namespace std::chrono_literals;

/// The caller's side.
class Link::PendingCall final : public client::CallHandle, public std::enable_shared_from_this<PendingCall> {
 public:
  PendingCall(Link& link, uint64_t number) : link_(&link), number_(number) {}

  void Cancel() override { Finish(Cancelled(method + " was cancelled by its caller"), "cancelled"); }

  /// Gives the answer to the caller, unless it has one.
  void Finish(Result<std::string> answer, std::string_view how) {
    if (link_ == nullptr) return;
    EventLoop& loop = link_->network_.loop_;
    loop.Trace(Name() + " <- " + (answer ? std::to_string(answer->size()) + " bytes" : answer.error().ToString()) +
               (how.empty() ? "" : " (" + std::string(how) + ")"));
    if (answer) loop.Mark(*answer);
    executor->Post([done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
    Abandon();
  }
  /// The caller does not wait any more.
  void Abandon();

  bool open() const { return link_ != nullptr; }
  Link& link() const { return *link_; }
  std::string Name() const { return link_->name_ + " #" + std::to_string(number_) + " " + method; }

  std::string service;
  std::string method;
  std::string request;
  Instant deadline;  // in true time
  Executor* executor = nullptr;
  Function<void(Result<std::string>)> done;
  std::vector<std::weak_ptr<Network::Leg>> legs;

 private:
  Link* link_;  // null once it is over
  const uint64_t number_;
};

/// The engine's side.
class Network::Leg final : public frontend::ServerCall, public std::enable_shared_from_this<Leg> {
 public:
  Leg(Network& network, std::shared_ptr<Link::PendingCall> call, bool is_duplicate)
      : network_(network), call_(std::move(call)), method_(call_->method), is_duplicate_(is_duplicate) {
    deadline_ = network.clock_->Now() + std::max(Duration::zero(), call_->deadline - network.loop_.Now());
  }
  ~Leg() override {
    if (alive_ && !replied_ && !cancelled_)
      network_.violations_.push_back("the engine dropped a call of " + method_ + " unanswered");
  }

  Instant Deadline() const override { return deadline_; }
  bool IsCancelled() const override { return cancelled_; }
  void OnCancel(Function<void()> callback) override {
    if (cancelled_) return callback();
    on_cancel_ = std::move(callback);
  }
  void Reply(Result<std::string> response) override;

  /// The caller has gone, and the engine hears of it now.
  void CancelNow() {
    if (!alive_ || cancelled_) return;
    cancelled_ = true;
    call_ = nullptr;
    if (auto callback = std::move(on_cancel_); callback && !replied_) callback();
  }
  /// The engine has died.
  void Die() {
    alive_ = false;
    on_cancel_ = nullptr;
    if (call_ != nullptr && call_->open() && !is_duplicate_ && !replied_) BreakSoon();
    call_ = nullptr;
  }
  void CancelAfter(Duration delay) {
    network_.loop_.After(delay, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->CancelNow();
    });
  }

 private:
  void BreakSoon() {
    network_.loop_.After(network_.Delay(call_->link()), [call = call_] {
      call->Finish(Unavailable("connection reset: the server is gone"), "server died");
    });
  }

  Network& network_;
  std::shared_ptr<Link::PendingCall> call_;
  const std::string method_;
  const bool is_duplicate_;
  Instant deadline_;
  bool alive_ = true;
  bool cancelled_ = false;
  bool replied_ = false;
  Function<void()> on_cancel_;
};

void Link::PendingCall::Abandon() {
  if (link_ == nullptr) return;
  Link& link = *std::exchange(link_, nullptr);
  for (const auto& weak : legs) {
    // A caller that gives up says so, if the network lets it.
    if (const auto leg = weak.lock()) leg->CancelAfter(link.network_.Delay(link));
  }
  done = nullptr;
  const auto keep = shared_from_this();
  link.calls_.erase(number_);
}

void Network::Leg::Reply(Result<std::string> response) {
  if (!alive_) return;
  if (replied_) {
    network_.violations_.push_back("the engine answered a call of " + method_ + " twice");
    return;
  }
  replied_ = true;
  on_cancel_ = nullptr;
  if (call_ == nullptr || is_duplicate_ || !call_->open()) return;
  if (network_.random_.Chance(network_.options_.lose_response)) {
    network_.loop_.Trace(call_->Name() + ": the response is lost");
    if (network_.random_.Chance(0.5)) BreakSoon();  // else the caller waits for its deadline
    return;
  }
  network_.loop_.After(network_.Delay(call_->link()), [call = call_, response = std::move(response)]() mutable {
    call->Finish(std::move(response), "");
  });
}

Link::Link(Network& network, std::string name) : network_(network), name_(std::move(name)) {}

Link::~Link() {
  if (stream_ != nullptr) stream_->Abandon();
  while (!calls_.empty()) calls_.begin()->second->Abandon();
}

void Link::Clog(Duration time) {
  network_.loop_.Trace(name_ + " is cut off for a while");
  clogged_until_ = network_.loop_.Now() + time;
}

std::shared_ptr<client::CallHandle> Link::Call(std::string_view service, std::string_view method,
                                               const google::protobuf::MessageLite& request,
                                               const client::CallOptions& options,
                                               Function<void(Result<std::string>)> done) {
  WFE_CHECK(options.executor != nullptr, "a call needs an executor");
  if (auto handle = CallByStream(service, method, request, options, done)) return handle;
  const uint64_t number = next_call_++;
  auto call = std::make_shared<PendingCall>(*this, number);
  call->service = service;
  call->method = method;
  call->request = Serialize(request);
  call->executor = options.executor;
  call->done = std::move(done);
  EventLoop& loop = network_.loop_;
  call->deadline = loop.Now() + options.timeout;
  calls_.emplace(number, call);
  loop.Trace(call->Name() + " -> " + std::to_string(call->request.size()) + " bytes");
  loop.Mark(call->request);
  loop.After(options.timeout, [weak = std::weak_ptr(call)] {
    if (const auto late = weak.lock(); late && late->open()) {
      late->Finish(DeadlineExceeded(late->method + ": deadline exceeded"), "deadline");
    }
  });

  Random& random = network_.random_;
  const NetworkOptions& faults = network_.options_;
  if (random.Chance(faults.duplicate)) {
    loop.After(network_.Delay(*this) * static_cast<int64_t>(random.Between(1, 4)),
               [&network = network_, call] { network.Arrive(call, true); });
  }
  const Duration delay = network_.Delay(*this);
  if (random.Chance(faults.lose_request)) {
    loop.Trace(call->Name() + ": the request is lost");
    if (random.Chance(0.5)) {
      loop.After(delay, [call] { call->Finish(Unavailable("connection reset"), "lost"); });
    }
    return call;
  }
  loop.After(delay, [&network = network_, call] { network.Arrive(call, false); });
  return call;
}

std::shared_ptr<client::CallHandle> Link::CallByStream(std::string_view service, std::string_view method,
                                                       const google::protobuf::MessageLite& request,
                                                       const client::CallOptions& options,
                                                       Function<void(Result<std::string>)>& done) {
  if (!network_.options_.streams) return nullptr;
  EventLoop& loop = network_.loop_;
  if (stream_ == nullptr || stream_->broken()) {
    if (loop.Now() < stream_again_at_) return nullptr;
    stream_again_at_ = loop.Now() + 200ms;
    stream_ = std::make_shared<Stream>(network_, *this);
    stream_->Open();
    return nullptr;
  }
  auto handle = stream_->mux().Call(service, method, request, options, loop.Now(), done);
  if (handle != nullptr) {
    loop.After(options.timeout, [weak = std::weak_ptr(stream_), &loop] {
      if (const auto stream = weak.lock(); stream && !stream->broken()) stream->mux().Expire(loop.Now());
    });
  }
  return handle;
}

Network::Network(EventLoop& loop, Random random, const NetworkOptions& options)
    : loop_(loop), random_(std::move(random)), options_(options) {}

Network::~Network() = default;

void Network::ServerUp(frontend::Dispatcher& dispatcher, const Clock& clock) {
  ++incarnation_;
  dispatcher_ = &dispatcher;
  clock_ = &clock;
}

void Network::ServerDown() {
  dispatcher_ = nullptr;
  clock_ = nullptr;
  const auto legs = std::move(legs_);
  legs_.clear();
  for (const auto& [number, weak] : legs) {
    if (const auto leg = weak.lock()) leg->Die();
  }
  for (const auto& weak : std::exchange(streams_, {})) {
    if (const auto stream = weak.lock()) stream->ServerDied();
  }
}

void Network::Dispatch(std::string_view service, std::string_view method, std::string_view request,
                       std::shared_ptr<frontend::ServerCall> call) {
  if (dispatcher_ == nullptr) return;  // the stream, or the process, is about to go
  ++arrivals_[std::string(method)];
  dispatcher_->Dispatch(service, method, request, std::move(call));
}

void Network::Heal() {
  const NetworkOptions calm;
  options_.break_stream = 0;
  options_.slow = 0;
  options_.lose_request = options_.lose_response = options_.duplicate = 0;
  options_.max_delay = calm.max_delay;
}

Duration Network::Delay(const Link& link) {
  Duration delay = random_.Between(options_.min_delay, options_.max_delay);
  if (random_.Chance(options_.slow)) delay += random_.Between(Duration::zero(), options_.slow_delay);
  return std::max(delay, link.clogged_until_ - loop_.Now() + delay);
}

void Network::Arrive(const std::shared_ptr<Link::PendingCall>& call, bool is_duplicate) {
  // A request whose caller has gone may still arrive: it was on its way.
  if (dispatcher_ == nullptr) {
    if (!is_duplicate) call->Finish(Unavailable("connection refused: the server is down"), "server down");
    return;
  }
  if (!call->open() && !is_duplicate) {
    loop_.Mark("late arrival");
    is_duplicate = true;
  }
  ++arrivals_[call->method];
  auto leg = std::make_shared<Leg>(*this, call, is_duplicate);
  legs_.emplace(next_leg_++, leg);
  std::erase_if(legs_, [](const auto& entry) { return entry.second.expired(); });
  loop_.Trace((call->open() ? call->Name() : call->method) + (is_duplicate ? " arrives once more" : " arrives"));
  if (is_duplicate) {
    // Nobody waits for it; the engine learns that sooner or later.
    leg->CancelAfter(random_.Between(Duration(1ms), Duration(20s)));
  } else {
    call->legs.push_back(leg);
  }
  // A server gives up at the deadline by itself, too.
  leg->CancelAfter(call->deadline - loop_.Now());
  dispatcher_->Dispatch(call->service, call->method, call->request, leg);
}

}  // namespace wfe::simulation
