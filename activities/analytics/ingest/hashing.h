// Open addressing, as the dictionaries and the entry ids do it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wfe::analytics {

inline uint64_t MixBits(uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93;
  return x ^ (x >> 32);
}

/// A slot for a hash whose high bits are good: a multiplication in place of a division.
inline size_t SlotOfHash(uint64_t hash, size_t slots) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<size_t>(static_cast<Wide>(hash) * slots >> 64);
}

/// Slots for `count` things that will hardly grow any more: seven eighths full.
inline size_t TightSlots(size_t count) { return count + count / 7 + 1; }

}  // namespace wfe::analytics
