#include "tests/simulation/stream.h"

#include <algorithm>
#include <utility>

#include "engine/base/serialize.h"

namespace wfe::simulation {

Stream::Stream(Network& network, Link& link)
    : network_(network),
      link_(&link),
      executor_(network.loop_),
      mux_(std::make_shared<client::CallMux>(*this, executor_)) {}

Instant Stream::ArrivalAfter(Instant& last) {
  last = std::max(last, network_.loop_.Now() + network_.Delay(*link_));
  return last;
}

void Stream::Open() {
  network_.loop_.Trace(link_->name_ + " opens a stream of calls");
  network_.loop_.After(ArrivalAfter(last_up_) - network_.loop_.Now(), [self = shared_from_this()] { self->Arrive(); });
}

void Stream::Arrive() {
  if (broken()) return;
  if (network_.dispatcher_ == nullptr) return Break("connection refused: the server is down");
  server_ = std::make_shared<frontend::CallStream>(static_cast<frontend::Dispatcher&>(network_), *network_.clock_,
                                                   executor_, frontend::CallStreamLimits{.max_polls = 2});
  network_.streams_.push_back(weak_from_this());
  server_->Open(*this, "follows-next-run-id");
}

void Stream::Send(const calls::v1::CallerFrame& frame) {
  if (broken()) {
    mux_->Sent();
    return;
  }
  EventLoop& loop = network_.loop_;
  loop.Trace(link_->name_ + ": a frame with " + std::to_string(frame.calls_size()) + " calls -> ");
  loop.Mark(Serialize(frame));
  const bool breaks = network_.random_.Chance(network_.options_.break_stream);
  loop.After(ArrivalAfter(last_up_) - loop.Now(), [self = shared_from_this(), frame, breaks] {
    if (self->broken()) return;
    if (breaks) return self->Break("connection reset");
    if (self->server_ != nullptr) self->server_->Received(frame);
  });
  // Out of the process is not yet there.
  loop.After(std::min(network_.options_.min_delay, last_up_ - loop.Now()), [self = shared_from_this()] {
    if (!self->broken()) self->mux_->Sent();
  });
}

void Stream::Send(const calls::v1::ServerFrame& frame) {
  if (broken()) {
    if (server_ != nullptr) server_->Sent();
    return;
  }
  EventLoop& loop = network_.loop_;
  loop.Trace(link_->name_ + ": a frame with " + std::to_string(frame.answers_size()) + " answers <- ");
  loop.Mark(Serialize(frame));
  const bool breaks = network_.random_.Chance(network_.options_.break_stream);
  loop.After(ArrivalAfter(last_down_) - loop.Now(), [self = shared_from_this(), frame, breaks] {
    if (self->broken()) return;
    if (breaks) return self->Break("connection reset");
    self->mux_->Received(frame);
  });
  loop.After(std::min(network_.options_.min_delay, last_down_ - loop.Now()), [self = shared_from_this()] {
    if (self->server_ != nullptr) self->server_->Sent();
  });
}

void Stream::End(Error why) { network_.violations_.push_back("the engine ended a stream: " + why.ToString()); }

void Stream::Break(const std::string& why) {
  if (broken()) return;
  network_.loop_.Trace(link_->name_ + ": its stream breaks: " + why);
  CloseServerSoon();
  link_ = nullptr;
  mux_->Broken(Unavailable(why));
}

void Stream::Abandon() {
  if (broken()) return;
  CloseServerSoon();
  link_ = nullptr;
  mux_ = nullptr;  // the calls of a dead process end without a word
}

void Stream::CloseServerSoon() {
  if (server_ == nullptr) return;
  network_.loop_.After(network_.Delay(*link_), [self = shared_from_this()] {
    if (const auto server = std::exchange(self->server_, nullptr)) server->Closed();
  });
}

void Stream::ServerDied() {
  if (const auto server = std::exchange(server_, nullptr)) server->Closed();
  if (broken()) return;
  network_.loop_.After(network_.Delay(*link_),
                       [self = shared_from_this()] { self->Break("connection reset: the server is gone"); });
}

}  // namespace wfe::simulation
