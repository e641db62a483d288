#include "engine/shard/history_bytes.h"

#include <google/protobuf/io/coded_stream.h>

#include "engine/base/check.h"
#include "engine/history/framing.h"

namespace wfe::shard {

std::vector<std::string_view> CutHistory(std::string_view history) {
  std::vector<std::string_view> events;
  while (!history.empty()) {
    const std::string_view before = history;
    WFE_CHECK(history::TakeEvent(history).has_value(), "stored events are not a History");
    events.push_back(before.substr(0, before.size() - history.size()));
  }
  return events;
}

void AppendField(std::string& out, int number, std::string_view message) {
  using google::protobuf::io::CodedOutputStream;
  uint8_t header[16];
  uint8_t* end = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(number) << 3 | 2, header);
  end = CodedOutputStream::WriteVarint64ToArray(message.size(), end);
  out.append(reinterpret_cast<const char*>(header), static_cast<size_t>(end - header));
  out.append(message);
}

void HistoryTail::Append(EventId first, int32_t count, std::string_view bytes) {
  if (count == 0) return;
  if (empty() || first != end()) {
    Clear();
    first_ = first;
  }
  size_t at = bytes_.size();
  for (const std::string_view event : CutHistory(bytes)) {
    begins_.push_back(static_cast<uint32_t>(at));
    at += event.size();
  }
  WFE_CHECK(end() == first + count, "a batch holds as many events as it says");
  bytes_ += bytes;
}

void HistoryTail::TrimBefore(EventId first) {
  if (empty() || first <= first_) return;
  if (first >= end()) return Clear();
  const auto gone = static_cast<size_t>(first - first_);
  const uint32_t cut = begins_[gone];
  bytes_.erase(0, cut);
  begins_.erase(begins_.begin(), begins_.begin() + static_cast<std::ptrdiff_t>(gone));
  for (uint32_t& begin : begins_) begin -= cut;
  first_ = first;
}

std::string_view HistoryTail::From(EventId first) const {
  WFE_CHECK(Covers(first));
  if (first == end()) return {};
  return std::string_view(bytes_).substr(begins_[static_cast<size_t>(first - first_)]);
}

std::string_view HistoryTail::Range(EventId first, EventId end) const {
  const std::string_view rest = From(first);
  return rest.substr(0, rest.size() - From(end).size());
}

std::string_view StripField(std::string_view field) {
  const auto event = history::TakeEvent(field);
  WFE_CHECK(event.has_value() && field.empty(), "stored events are not a History");
  return *event;
}

}  // namespace wfe::shard
