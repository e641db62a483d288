// Whether this process is a fork of the one that opened an engine: it has none of the engine's threads.
#pragma once

#include <cstdint>

namespace wfe::embedded {

/// Grows in every forked child from the first call on.  Cheap.
uint64_t ForkCount();

}  // namespace wfe::embedded
