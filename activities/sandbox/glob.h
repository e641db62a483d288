// Names of files by pattern, as profiles write them: "**/*.test.{ts,tsx}".
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace wfe::sandbox {

/// `*` and `?` stay within one path component, `**/` stands for any number of whole ones (none too), `{a,b}` for either,
/// `[abc]` for one character.  Patterns are matched against the whole relative path.
class GlobSet {
 public:
  GlobSet() = default;
  /// Patterns that do not compile match nothing; CheckGlob tells beforehand.
  explicit GlobSet(const std::vector<std::string>& patterns);

  bool Matches(std::string_view path) const;
  bool empty() const { return expression_ == nullptr; }

  struct Expression;  // Of glob.cpp.

 private:
  std::shared_ptr<const Expression> expression_;  // Shared: a compiled expression is large and never changes.
};

/// INVALID_ARGUMENT says what is wrong with a pattern.
Status CheckGlob(const std::string& pattern);

/// The regular expression (RE2) of one pattern, for a whole path.
std::string GlobToExpression(std::string_view pattern);

}  // namespace wfe::sandbox
