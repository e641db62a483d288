// What all calls of a gRPC server share.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <unordered_set>

#include "engine/base/strand.h"
#include "engine/base/time.h"
#include "engine/frontend/call_stream.h"
#include "engine/host/answer_budget.h"

namespace wfe::host {

class StreamReactor;

/// The streams of calls that are open.  Thread-safe.
class OpenStreams {
 public:
  explicit OpenStreams(size_t limit) : limit_(limit) {}
  /// False when there are too many already.
  bool Add(StreamReactor& stream);
  void Remove(StreamReactor& stream);
  /// Each ends when its calls have been answered.
  void EndWhenIdle();
  size_t limit() const { return limit_; }

 private:
  const size_t limit_;
  std::mutex mutex_;
  std::unordered_set<StreamReactor*> streams_;  // guarded by mutex_
};

struct Transport {
  Transport(const Clock& clock, Executor& pool, int64_t max_unread_bytes, Duration patience,
            frontend::CallStreamLimits limits, size_t max_call_streams)
      : monotonic(clock),
        answers(max_unread_bytes, patience),
        stream_limits(limits),
        streams(max_call_streams),
        senders{Strand(pool), Strand(pool), Strand(pool), Strand(pool)} {}

  /// Where the frames of a new stream are sent from.
  Strand& NextSender() { return senders[next_sender.fetch_add(1, std::memory_order_relaxed) % senders.size()]; }

  const Clock& monotonic;
  AnswerBudget answers;
  const frontend::CallStreamLimits stream_limits;
  OpenStreams streams;
  std::array<Strand, 4> senders;
  std::atomic<size_t> next_sender = 0;
};

}  // namespace wfe::host
