// Signals of one name as a queue.
#pragma once

#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "workers/sdk/future.h"
#include "workers/sdk/fwd.h"

namespace wfe::sdk {

namespace detail {

/// At most one of the two is non-empty.
class SignalQueue {
 public:
  void Push(nlohmann::json signal) {
    while (!receivers_.empty()) {
      std::shared_ptr<FutureStateBase> receiver = std::move(receivers_.front());
      receivers_.pop_front();
      if (receiver->ready()) continue;  // cancelled meanwhile
      receiver->ResolveJson(signal);
      return;
    }
    signals_.push_back(std::move(signal));
  }
  void Take(std::shared_ptr<FutureStateBase> receiver) {
    if (signals_.empty()) {
      receivers_.push_back(std::move(receiver));
      return;
    }
    const nlohmann::json signal = Pop();
    receiver->ResolveJson(signal);
  }
  nlohmann::json Pop() {
    nlohmann::json signal = std::move(signals_.front());
    signals_.pop_front();
    return signal;
  }
  /// Drops the signals that `accepts` does not take.
  template <class F>
  void Keep(const F& accepts) {
    std::erase_if(signals_, [&](const nlohmann::json& signal) { return !accepts(signal); });
  }
  bool empty() const { return signals_.empty(); }
  size_t size() const { return signals_.size(); }

 private:
  std::deque<nlohmann::json> signals_;
  std::deque<std::shared_ptr<FutureStateBase>> receivers_;
};

}  // namespace detail

/// A light handle; copies are the same channel.  Signals that nobody has taken are kept.
template <class T>
class SignalChannel {
 public:
  SignalChannel(WorkflowContext& ctx, detail::SignalQueue& queue) : ctx_(ctx), queue_(queue) {}

  /// The next signal, now or later; receivers are served in order.  A Receive() that is started is owed a signal: to
  /// wait with a timeout use `co_await ctx.WaitCondition([&] { return !channel.empty(); }, 5s)` and then TryReceive().
  Future<T> Receive();
  /// The next signal if there is one.
  std::optional<T> TryReceive() {
    if (queue_.empty()) return std::nullopt;
    return queue_.Pop().template get<T>();
  }
  bool empty() const { return queue_.empty(); }
  size_t size() const { return queue_.size(); }

 private:
  WorkflowContext& ctx_;
  detail::SignalQueue& queue_;
};

}  // namespace wfe::sdk
