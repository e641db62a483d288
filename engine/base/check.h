// Checks that are on in every build.  A failed one means the code is wrong, not its input: the process says where and
// why, and stops.  The engine is safe to kill at any time, so stopping is better than continuing with a wrong state.
#pragma once

#include <string_view>

namespace wfe {

/// Prints `FILE:LINE: CHECK failed: EXPRESSION message` to stderr and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* expression, std::string_view message = {});

}  // namespace wfe

/// Stops the process unless `condition` holds.  An optional second argument is a message (string-like).
#define WFE_CHECK(condition, ...)                                                    \
  do {                                                                               \
    if (!(condition)) [[unlikely]]                                                   \
      ::wfe::CheckFailed(__FILE__, __LINE__, #condition __VA_OPT__(, ) __VA_ARGS__); \
  } while (false)
