// The words of a list filter.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace wfe::visibility {

struct FilterToken {
  enum class Kind { kName, kString, kNumber, kOperator, kOpen, kClose, kComma, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;     ///< Of a string: without quotes and escapes.
  size_t position = 0;  ///< 1-based, in bytes, where it begins.

  /// A name spelled like this, in any case; strings and `names in backquotes` are never keywords.
  bool IsKeyword(std::string_view keyword) const;
  bool quoted = false;
};

/// Always ends with a kEnd.  INVALID_ARGUMENT naming the position of what is no token.
Result<std::vector<FilterToken>> TokenizeFilter(std::string_view query);

/// Compares ASCII letters in any case.
bool EqualsIgnoringCase(std::string_view a, std::string_view b);

}  // namespace wfe::visibility
