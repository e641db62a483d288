// Without a sandbox the checked code can write to the dependencies that all builds of this machine share.  This notices,
// and throws them away, so that no later build runs a poisoned checker (SEC-M9).
#pragma once

#include <string>

namespace wfe::build {

class DependencyGuard {
 public:
  /// `directory`: the dependency directory inside its cache entry (…/deps/HASH/node_modules).
  explicit DependencyGuard(std::string directory);
  /// True: something was changed since, and the whole cache entry is gone.
  bool ThrowAwayWhenChanged() const;

 private:
  std::string directory_;
  std::string fingerprint_;
};

}  // namespace wfe::build
