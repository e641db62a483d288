#include "engine/shard/history_bytes.h"

#include <google/protobuf/io/coded_stream.h>

#include "engine/base/check.h"

namespace wfe::shard {
namespace {

constexpr char kEventTag = 0x0a;  // History.events, field 1, length-delimited

// Length of the field at the front of `bytes`, tag and length included; `header` gets the size of these two.
size_t FieldSize(std::string_view bytes, size_t* header) {
  WFE_CHECK(bytes.size() >= 2 && bytes[0] == kEventTag, "stored events are not a History");
  uint64_t length = 0;
  size_t at = 1;
  for (int shift = 0;; shift += 7) {
    WFE_CHECK(at < bytes.size() && shift < 35, "stored events are not a History");
    const auto byte = static_cast<uint8_t>(bytes[at++]);
    length |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) break;
  }
  WFE_CHECK(length <= bytes.size() - at, "stored events are not a History");
  *header = at;
  return at + static_cast<size_t>(length);
}

}  // namespace

std::vector<std::string_view> CutHistory(std::string_view history) {
  std::vector<std::string_view> events;
  size_t header = 0;
  while (!history.empty()) {
    const size_t size = FieldSize(history, &header);
    events.push_back(history.substr(0, size));
    history.remove_prefix(size);
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
  if (count_ == 0 || first != end()) {
    first_ = first;
    count_ = 0;
    bytes_.clear();
  }
  count_ += count;
  bytes_ += bytes;
}

void HistoryTail::TrimBefore(EventId first) {
  if (count_ == 0 || first <= first_) return;
  if (first >= end()) return Clear();
  const size_t cut = bytes_.size() - From(first).size();
  bytes_.erase(0, cut);
  count_ -= first - first_;
  first_ = first;
}

std::string_view HistoryTail::From(EventId first) const {
  WFE_CHECK(Covers(first));
  std::string_view rest = bytes_;
  size_t header = 0;
  for (EventId id = first_; id < first; ++id) rest.remove_prefix(FieldSize(rest, &header));
  return rest;
}

std::string_view HistoryTail::Range(EventId first, EventId end) const {
  const std::string_view rest = From(first);
  return rest.substr(0, rest.size() - From(end).size());
}

std::string_view StripField(std::string_view field) {
  size_t header = 0;
  const size_t size = FieldSize(field, &header);
  WFE_CHECK(size == field.size());
  return field.substr(header);
}

}  // namespace wfe::shard
