// A time that others have written, or why it is none.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe {

/// What ParseIso8601 reads.  INVALID_ARGUMENT quotes what is no time and shows one.
inline Result<Instant> ReadIso8601(const std::string& text) {
  if (const std::optional<Instant> at = ParseIso8601(text)) return *at;
  return InvalidArgument("\"" + text + "\" is not a time like 2026-01-31T02:00:00.000Z");
}

}  // namespace wfe
