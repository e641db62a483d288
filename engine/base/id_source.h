// Where fresh ids and random numbers come from.  Passed in, so that a whole engine can run from a seed.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/time.h"

namespace wfe {

/// Callable from any thread unless the implementation says otherwise.
class IdSource {
 public:
  virtual ~IdSource() = default;
  /// 64 uniform random bits.
  virtual uint64_t NextRandom() = 0;
  /// A random (version 4) UUID in lower case.
  std::string NewUuid();
  /// A UUID that sorts by the time it was made (version 7): that of a run (WIRE-F17).
  std::string NewRunId(Instant now);
};

/// The operating system's randomness; thread-safe.
class SystemIdSource final : public IdSource {
 public:
  uint64_t NextRandom() override;
};

/// The same ids for the same seed; one thread only.
class SeededIdSource final : public IdSource {
 public:
  explicit SeededIdSource(uint64_t seed) : state_(seed) {}
  uint64_t NextRandom() override;

 private:
  uint64_t state_;
};

}  // namespace wfe
