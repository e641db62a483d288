// FNV-1a, 64 bits: a hash that is the same on every platform and in every run, for what must not depend on them.
#pragma once

#include <cstdint>
#include <string_view>

namespace wfe {

class Fnv1a {
 public:
  constexpr Fnv1a() = default;
  /// Goes on from a hash, or begins with a seed.
  constexpr explicit Fnv1a(uint64_t from) : hash_(from) {}
  constexpr void AddByte(uint8_t byte) { hash_ = (hash_ ^ byte) * 1099511628211ull; }
  constexpr void Add(std::string_view text) {
    for (const char c : text) AddByte(static_cast<uint8_t>(c));
  }
  constexpr uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 14695981039346656037ull;
};

}  // namespace wfe
