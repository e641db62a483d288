#include "engine/history/framing.h"

#include <cstdint>

namespace wfe::history {
namespace {

enum WireType : uint64_t { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

std::optional<uint64_t> TakeVarint(std::string_view& bytes) {
  uint64_t value = 0;
  for (size_t at = 0; at < bytes.size() && at < 10; ++at) {
    const auto byte = static_cast<uint8_t>(bytes[at]);
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * at);
    if ((byte & 0x80) != 0) continue;
    bytes.remove_prefix(at + 1);
    return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> TakeBytes(std::string_view& bytes, uint64_t length) {
  if (length > bytes.size()) return std::nullopt;
  const std::string_view taken = bytes.substr(0, static_cast<size_t>(length));
  bytes.remove_prefix(taken.size());
  return taken;
}

std::optional<std::string_view> TakeLengthDelimited(std::string_view& bytes) {
  const auto length = TakeVarint(bytes);
  return length ? TakeBytes(bytes, *length) : std::nullopt;
}

/// False when the field's value is not there or of a kind that proto3 does not have.
bool Skip(std::string_view& bytes, uint64_t wire_type) {
  switch (wire_type) {
    case kVarint:
      return TakeVarint(bytes).has_value();
    case kFixed64:
      return TakeBytes(bytes, 8).has_value();
    case kFixed32:
      return TakeBytes(bytes, 4).has_value();
    case kLengthDelimited:
      return TakeLengthDelimited(bytes).has_value();
    default:
      return false;
  }
}

}  // namespace

std::optional<std::string_view> TakeEvent(std::string_view& history) {
  std::string_view rest = history;
  if (TakeVarint(rest) != (static_cast<uint64_t>(kEventField) << 3 | kLengthDelimited)) return std::nullopt;
  const auto event = TakeLengthDelimited(rest);
  if (event) history = rest;
  return event;
}

std::optional<std::string_view> FindField(std::string_view message, int number) {
  std::string_view found;
  while (!message.empty()) {
    const auto tag = TakeVarint(message);
    if (!tag) return std::nullopt;
    if (*tag == (static_cast<uint64_t>(number) << 3 | kLengthDelimited)) {
      const auto value = TakeLengthDelimited(message);
      if (!value) return std::nullopt;
      found = *value;
    } else if (!Skip(message, *tag & 7)) {
      return std::nullopt;
    }
  }
  return found;
}

}  // namespace wfe::history
