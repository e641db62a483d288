// What stands in a project, as far as profiles ask: its files (git-ignored and installed ones left out), what its
// manifests depend on, and the conditions over both.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "activities/sandbox/safe_files.h"
#include "activities/sandbox/source_files.h"
#include "engine/base/result.h"

namespace wfe::build {

/// A question about a project.  Data of a profile: {"file": "tsconfig*.json"}, {"dependency": "jest"}, ...
struct Condition {
  enum class Kind { kAlways, kFile, kDependency, kScript, kAny, kAll, kNot };
  Kind kind = Kind::kAlways;
  std::string value;             ///< Pattern of a path, name of a dependency or of a script.
  std::string contains;          ///< kFile: one of the files holds this text.
  std::vector<Condition> parts;  ///< kAny, kAll, kNot (one).
};

class ProjectFacts {
 public:
  /// Walks the project.  RESOURCE_EXHAUSTED when it has more than `max_files` that count.
  static Result<ProjectFacts> Read(const sandbox::SafeDir& dir, size_t max_files = 100'000);

  /// Sorted relative paths of regular files.
  const std::vector<std::string>& files() const { return files_; }
  std::vector<std::string> Matching(const std::vector<std::string>& globs) const;
  /// Nothing of the user's stands here (what wfe and git keep does not count).
  bool empty() const { return files_.empty() && others_ == 0; }

  bool Holds(const Condition& condition) const;
  /// Why it holds, for people: "tsconfig.json is there and package.json depends on jest".
  std::string Evidence(const Condition& condition) const;

  /// package.json of the root; an empty object when there is none or it is no JSON object.
  const nlohmann::json& package() const { return package_; }
  /// Names that the manifests (package.json, pyproject.toml, requirements*.txt, ...) depend on, lower case.
  const std::set<std::string>& dependencies() const { return dependencies_; }
  std::string Text(const std::string& path) const;

 private:
  explicit ProjectFacts(const sandbox::SafeDir& dir) : dir_(&dir) {}
  void ReadPackage(const std::string& path);
  void ReadPython();
  std::string FileFor(const Condition& condition) const;

  const sandbox::SafeDir* dir_;  // The caller's; must outlive the facts.
  std::vector<std::string> files_;
  size_t others_ = 0;  // Links, pipes, names no path can hold (SEC-M6): not files, but not nothing.
  nlohmann::json package_ = nlohmann::json::object();
  std::set<std::string> dependencies_;
};

}  // namespace wfe::build
