#include "engine/shard/history_page.h"

#include <algorithm>

#include "engine/base/check.h"
#include "engine/history/framing.h"
#include "engine/shard/history_bytes.h"

namespace wfe::shard {

void EventsPage::Take(EventId id, std::string_view history) {
  for (; !history.empty() && !full(); ++id) {
    const std::string_view before = history;
    WFE_CHECK(history::TakeEvent(history).has_value(), "stored events are not a History");
    if (id != next_) continue;
    const std::string_view event = before.substr(0, before.size() - history.size());
    full_ = count_ > 0 && static_cast<int64_t>(event.size()) > room();
    if (full_) return;
    bytes_ += event;
    ++count_;
    ++next_;
  }
}

Result<EventsRead> ReadPage(const storage::ExecutionStore& store, const ExecutionKey& key, const PageRange& range) {
  EventsPage page(range);
  while (!page.full() && (page.room() > 0 || page.count() == 0)) {
    const EventId before = page.next();
    WFE_ASSIGN_OR_RETURN(const std::vector<storage::EventBatch> batches,
                         store.ReadHistory(key, {before, range.end - 1}, std::max<int64_t>(page.room(), 1)));
    for (const storage::EventBatch& batch : batches) page.Take(batch.first_event_id, batch.bytes);
    if (page.next() > before || page.full()) continue;
    return DataLoss("event " + std::to_string(before) + " of " + key.ToString() + " is missing from the store");
  }
  const EventId next = page.next();
  return EventsRead{page.TakeBytes(), next};
}

Result<EventsRead> ReadPageReverse(const storage::ExecutionStore& store, const ExecutionKey& key, PageRange range) {
  range.first = std::max(range.first, range.end - range.max_events);
  EventsRead read;
  // When the bytes do not fit, what was read are the oldest events: the newer part is read again.
  do {
    if (read.next > range.first) range.first = read.next;
    WFE_ASSIGN_OR_RETURN(read, ReadPage(store, key, range));
  } while (read.next < range.end);
  const std::vector<std::string_view> events = CutHistory(read.bytes);
  EventsRead reversed{{}, range.first};
  reversed.bytes.reserve(read.bytes.size());
  for (auto event = events.rbegin(); event != events.rend(); ++event) reversed.bytes += *event;
  return reversed;
}

}  // namespace wfe::shard
