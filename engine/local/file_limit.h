// How many files this process may open.
#pragma once

#include <cstdint>

#include "engine/base/result.h"

namespace wfe::local {

/// Raises the soft limit of open files to the hard one and says what it is now.  FAILED_PRECONDITION: it is too low for a
/// store.
Result<int64_t> RaiseFileLimit();

}  // namespace wfe::local
