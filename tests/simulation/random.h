// Random decisions of a simulation.  Every part of the world draws from its own stream, so that a change in one part
// moves the others as little as possible.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/fnv.h"
#include "engine/base/id_source.h"
#include "engine/base/time.h"

namespace wfe::simulation {

class Random {
 public:
  explicit Random(uint64_t seed) : source_(seed) {}

  uint64_t Next() { return source_.NextRandom(); }
  /// 0 … bound - 1; `bound` is positive.
  uint64_t Below(uint64_t bound) { return Next() % bound; }
  /// Both ends included.
  int64_t Between(int64_t first, int64_t last) {
    return first + static_cast<int64_t>(Below(static_cast<uint64_t>(last - first) + 1));
  }
  Duration Between(Duration first, Duration last) { return Duration(Between(first.count(), last.count())); }
  bool Chance(double probability) { return static_cast<double>(Next() >> 11) * 0x1p-53 < probability; }

  /// A stream of its own for `purpose`.
  Random Fork(std::string_view purpose) {
    Fnv1a seed(Next());
    seed.Add(purpose);
    return Random(seed.value());
  }

 private:
  SeededIdSource source_;
};

}  // namespace wfe::simulation
