// A poll's way: park at matching, take the task at its shard, answer; again when the task turned out void.
#pragma once

#include <memory>
#include <string>

#include "engine/base/function.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/matching/matcher.h"
#include "engine/runtime/fwd.h"

namespace wfe::runtime {

/// Who waits for a task.  Called from any thread.
class Poller {
 public:
  virtual ~Poller() = default;
  virtual bool Gone() const = 0;
  /// Runs `callback` once when the caller goes away before the answer, at once if it has already; on any thread.
  virtual void OnGone(Function<void()> callback) = 0;
  /// A serialized task, or nothing; exactly once.
  virtual void Answer(Result<std::string> answer) = 0;
};

struct TaskPoll {
  matching::QueueKey queue;
  bool sticky = false;
  std::string identity;
  std::string worker;  ///< Its instance key, or empty.
  Instant deadline;    ///< When it is answered with nothing, on Services::WaitClock().
};

/// Answers with a task, or with an empty response when none came in time (pitfall 6).
void Poll(Services& services, TaskPoll wanted, std::shared_ptr<Poller> poller);

}  // namespace wfe::runtime
