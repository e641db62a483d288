// Histories as bytes: stored events are cut and spliced, never re-encoded (design rule R4).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ids.h"

namespace wfe::shard {

/// The events of a serialized History as views into it, each with the tag and length it has there.  CHECKs that the
/// bytes are a History: they come from our own store, which has verified them.
std::vector<std::string_view> CutHistory(std::string_view history);

/// Appends `message` as length-delimited field `number`: a sub-message or bytes that are already encoded.
void AppendField(std::string& out, int number, std::string_view message);

/// Events that follow each other, such as the latest ones of a live history, so that the next sticky workflow task
/// needs no read.  Each is found without looking at the others.
class HistoryTail {
 public:
  /// Events must follow on the last ones; otherwise the tail begins anew with them.
  void Append(EventId first, int32_t count, std::string_view bytes);
  /// Forgets events before `first`.
  void TrimBefore(EventId first);
  void Clear() { *this = HistoryTail(); }

  bool empty() const { return begins_.empty(); }
  EventId first() const { return first_; }
  EventId end() const { return first_ + static_cast<EventId>(begins_.size()); }  ///< One past the last.
  bool Covers(EventId first) const { return !empty() && first >= first_ && first <= end(); }
  /// Events [first, end()); `first` must be covered.
  std::string_view From(EventId first) const;
  /// Events [first, end); both must be covered.
  std::string_view Range(EventId first, EventId end) const;
  size_t size_bytes() const { return bytes_.size() + begins_.size() * sizeof(uint32_t); }

 private:
  EventId first_ = 0;
  std::string bytes_;
  std::vector<uint32_t> begins_;  // of each event in bytes_
};

/// The HistoryEvent inside what CutHistory gives.
std::string_view StripField(std::string_view field);

}  // namespace wfe::shard
