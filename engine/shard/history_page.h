// Stored events, a page at a time.  Reads block on the disk and may be large, so a page can be read on any thread.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/storage/execution_store.h"

namespace wfe::shard {

/// How much of a history is asked for at once.
struct PageRange {
  EventId first = 1;
  EventId end = 1;  ///< One past the last.
  int max_events = INT32_MAX;
  int64_t max_bytes = INT64_MAX;  ///< A single event may be larger.
};

/// Events from the front of a range: as many as fit in a page.
class EventsPage {
 public:
  explicit EventsPage(const PageRange& range) : range_(range), next_(range.first) {}

  /// Takes what belongs to the page from a serialized History that begins with event `id`.
  void Take(EventId id, std::string_view history);

  bool full() const { return full_ || next_ >= range_.end || count_ >= range_.max_events; }
  EventId next() const { return next_; }  ///< The first event that is not in it.
  int count() const { return count_; }
  int64_t room() const { return range_.max_bytes - static_cast<int64_t>(bytes_.size()); }
  std::string TakeBytes() { return std::move(bytes_); }

 private:
  const PageRange range_;
  EventId next_;
  int count_ = 0;
  bool full_ = false;
  std::string bytes_;
};

/// Some events, a serialized History.
struct EventsRead {
  std::string bytes;
  EventId next = 1;  ///< The first event of the range that did not fit.
};

/// DATA_LOSS when an event is missing.  Callable from any thread.
Result<EventsRead> ReadPage(const storage::ExecutionStore& store, const ExecutionKey& key, const PageRange& range);

/// The newest events of the range, newest first: those from `next` on, which is its first event when all fit.
Result<EventsRead> ReadPageReverse(const storage::ExecutionStore& store, const ExecutionKey& key, PageRange range);

}  // namespace wfe::shard
