// Messages as bytes, and maps in order: the same message always gives the same bytes.
//
// Protobuf leaves the order of a map's entries to chance, also within one process.  What is stored, hashed, compared or
// sent goes through here, so that a simulated world repeats itself and equal values have equal hashes (T4, WIRE-F26).
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace google::protobuf {
class MessageLite;
}

namespace wfe {

/// The message's bytes, with the entries of its maps sorted by their keys.
std::string Serialize(const google::protobuf::MessageLite& message);
/// The same, at the end of `bytes`.
void AppendSerialized(const google::protobuf::MessageLite& message, std::string* bytes);
/// The same as field `number` of a message whose bytes `bytes` are.
void AppendSubMessage(int number, const google::protobuf::MessageLite& message, std::string* bytes);
/// The same, at `to`, which has room for message.ByteSizeLong() bytes; that was just called.
void SerializeInto(const google::protobuf::MessageLite& message, size_t size, void* to);

/// The entries of a map in the order of their keys, for loops whose order can be seen.
template <class Map>
auto InOrder(Map& map) {
  std::vector<decltype(&*map.begin())> entries;
  entries.reserve(map.size());
  for (auto& entry : map) entries.push_back(&entry);
  std::sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
  return entries;
}

}  // namespace wfe
