// What a project's .gitignore files leave out.  Such files are nobody's source: they are not counted, not examined and
// not searched when a project is looked at.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "activities/sandbox/glob.h"

namespace wfe::sandbox {

/// The rules that hold for one directory: its own .gitignore and those of the directories above it.
class IgnoreRules {
 public:
  /// Adds the lines of the .gitignore that stands in `directory` ("" for the project's root).  Unreadable lines are
  /// left out.
  void Add(const std::string& directory, std::string_view text);
  /// Whether git would leave out `path`.  The last rule that matches decides, as in git.
  bool Ignores(std::string_view path, bool is_directory) const;
  bool empty() const { return rules_.empty(); }

 private:
  struct Rule {
    std::string base;        // With a slash at its end; "" for the root.
    std::string name;        // Compared as it is with the last component; "" when the pattern is none.
    GlobSet pattern;         // Over the path below base.
    bool negated = false;
    bool only_directories = false;
  };
  std::vector<Rule> rules_;
};

}  // namespace wfe::sandbox
