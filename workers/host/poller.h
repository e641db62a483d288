// One long poll after another on one task queue.
#pragma once

#include <google/protobuf/message_lite.h>

#include <functional>
#include <memory>
#include <string>

#include "workers/host/backoff.h"
#include "workers/host/environment.h"

namespace wfe::worker {

/// Server answers within 60 s; its own deadline is a little later, so that an answer with a task is never cut off.
inline constexpr Duration kLongPollTimeout = std::chrono::seconds(70);

/// Polls while it may; one call at a time.  Lives on the worker's strand; owned by shared_ptr because answers and
/// timers may come after its owner has gone.
class Poller : public std::enable_shared_from_this<Poller> {
 public:
  struct Options {
    std::string method;       ///< "PollWorkflowTaskQueue".
    std::string description;  ///< For messages: "activity tasks of queue q".
    std::shared_ptr<const google::protobuf::MessageLite> request;
    /// Asked before each poll with the number of polls of this queue that are out; while false the poller rests until
    /// Wake.
    std::function<bool(size_t polls_out)> may_poll;
    /// Shared by the pollers of one queue.
    std::shared_ptr<size_t> polls_out = std::make_shared<size_t>(0);
    /// Shared likewise, so that one line says it: the last poll failed.
    std::shared_ptr<bool> in_trouble = std::make_shared<bool>(false);
    /// Takes an answer; false when it held no task.
    std::function<bool(const std::string& bytes)> on_answer;
    /// After Stop: the last call has ended.
    std::function<void()> on_stopped;
  };

  Poller(const Environment& environment, Options options);

  /// Begins, or continues when it was resting.
  void Wake();
  /// Cancels the poll in progress and begins no other.  A task that was on its way is still delivered.
  void Stop();
  /// A call is out.
  bool polling() const { return calling_; }

 private:
  void Poll();
  void Answered(Result<std::string> answer);
  void PollAfter(Duration delay);

  Environment environment_;
  Options options_;
  std::shared_ptr<client::CallHandle> call_;
  bool calling_ = false;
  bool waiting_ = false;  // A timer will poll.
  bool stopped_ = false;
  Instant called_at_;
  Backoff backoff_{std::chrono::milliseconds(100), std::chrono::seconds(10)};
};

}  // namespace wfe::worker
