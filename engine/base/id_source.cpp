#include "engine/base/id_source.h"

#include <openssl/rand.h>

#include "engine/base/check.h"

namespace wfe {
namespace {

constexpr uint64_t kVariant = 0x80ull << 56;  // RFC 9562
constexpr uint64_t WithVersion(uint64_t high, uint64_t version) { return (high & ~0xf000ull) | version << 12; }

std::string UuidText(uint64_t high, uint64_t low) {
  low = (low & ~(0xc0ull << 56)) | kVariant;
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) text += '-';
    const uint64_t word = i < 16 ? high : low;
    text += kHex[(word >> (60 - 4 * (i % 16))) & 0xf];
  }
  return text;
}

}  // namespace

std::string IdSource::NewUuid() {
  const uint64_t high = WithVersion(NextRandom(), 4);
  return UuidText(high, NextRandom());
}

std::string IdSource::NewRunId(Instant now) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  const uint64_t high = WithVersion(static_cast<uint64_t>(since_epoch) << 16 | (NextRandom() & 0xffff), 7);
  return UuidText(high, NextRandom());
}

uint64_t SystemIdSource::NextRandom() {
  // One call of the generator serves 64 ids: it costs about a microsecond and runs are started by the thousand.
  thread_local uint64_t pool[64];
  thread_local size_t left = 0;
  if (left == 0) {
    WFE_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(pool), sizeof pool) == 1, "no randomness");
    left = 64;
  }
  return pool[--left];
}

uint64_t SeededIdSource::NextRandom() {
  // SplitMix64 (Steele, Lea, Flood 2014): any seed is a good one.
  uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

}  // namespace wfe
