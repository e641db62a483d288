// Where a shard's offers go.  Matching sits behind it, so that another way of handing out tasks can take its place
// without touching the shard (design rule R7).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/function.h"
#include "engine/matching/matcher.h"
#include "engine/matching/task_ref.h"

namespace wfe::shard {

/// Callable from any thread; calls from one thread are carried out in order.
class TaskSink {
 public:
  virtual ~TaskSink() = default;
  /// A task that is there to be taken.  With `normal_queue`, `queue` is sticky and passed over when nobody polls it.
  struct Offered {
    matching::TaskRef task;
    matching::QueueKey queue;
    std::optional<std::string> normal_queue = std::nullopt;
  };
  /// What one transition has to offer, handed over at once.
  virtual void Offer(std::vector<Offered> offers) = 0;
  /// As Offer, for a task that makes sense only while somebody polls: when nobody did lately on either queue, it is
  /// not kept and `nobody` runs, on any strand.
  virtual void OfferIfPolled(matching::TaskRef task, matching::QueueKey queue, std::optional<std::string> normal_queue,
                             Function<void()> nobody) = 0;
  virtual void Withdraw(matching::TaskIdentity identity) = 0;
  /// All tasks of a closed run but its queries.
  virtual void WithdrawExecution(ExecutionKey key) = 0;
};

}  // namespace wfe::shard
