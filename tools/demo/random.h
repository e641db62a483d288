// Random numbers of the simulated agents: each step of each build draws from a sequence of its own, so that what one
// build does changes nothing for another.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/hash.h"

namespace wfe::demo {

/// The same numbers for the same seed and label, on every machine: only additions and multiplications, no libm.
class Random {
 public:
  Random(uint64_t seed, std::string_view label) {
    const Sha256Digest digest = Sha256({std::to_string(seed), "/", label});
    for (int i = 0; i < 8; ++i) state_ = state_ << 8 | digest[static_cast<size_t>(i)];
  }

  uint64_t Next() {  // SplitMix64
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  /// In [0, 1).
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  bool Chance(double probability) { return Uniform() < probability; }
  /// Both ends included.
  int64_t Between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(Next() % static_cast<uint64_t>(high - low + 1));
  }
  /// Nearly normal (a sum of twelve uniforms) with this mean and relative deviation; at least three tenths of the mean.
  int64_t Around(double mean, double relative_deviation) {
    double z = -6;
    for (int i = 0; i < 12; ++i) z += Uniform();
    const double factor = 1 + relative_deviation * z;
    return static_cast<int64_t>(mean * (factor < 0.3 ? 0.3 : factor));
  }

 private:
  uint64_t state_ = 0;
};

}  // namespace wfe::demo
