#include "activities/build/checks/starter_files.h"

#include <algorithm>

#include "activities/sandbox/glob.h"

namespace wfe::build {
namespace {

/// Files that say "here is a project", whatever its language.
const std::vector<std::string> kManifests = {
    "package.json",   "pyproject.toml", "setup.py",     "setup.cfg",      "requirements*.txt", "CMakeLists.txt",
    "go.mod",         "Cargo.toml",     "Makefile",     "meson.build",    "configure.ac",      "pom.xml",
    "build.gradle*",  "Gemfile",        "composer.json", "mix.exs",       "*.sln",             "*.csproj",
    "deno.json",      "WORKSPACE",      "BUILD.bazel"};

const StarterFile* StarterAt(const Profile& profile, const std::string& path) {
  for (const StarterFile& file : profile.starter_files) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

bool IsOurs(const Profile& profile, const sandbox::SafeDir& dir, const std::string& path) {
  const StarterFile* starter = StarterAt(profile, path);
  if (starter == nullptr) return false;
  const auto content = dir.Read(path);
  return content && *content == starter->content;
}

/// A manifest, its lock file, settings of the installer and words for people: what somebody began with before there was
/// anything to examine.
bool HoldsOnlyManifests(const Profile& profile, const ProjectFacts& facts, const sandbox::SafeDir& dir, bool again) {
  std::vector<std::string> patterns = {"README*", "LICEN[CS]E*", "COPYING*", "CHANGELOG*", "*.md", ".git*", ".github/**",
                                       ".editorconfig", ".nvmrc", ".node-version", ".python-version"};
  for (const DependencySpec& choice : profile.dependency_choices) {
    patterns.insert(patterns.end(), {choice.manifest, choice.lock});
    for (const std::string& pattern : choice.also) {
      if (pattern.find('*') == std::string::npos) patterns.push_back(pattern);
    }
  }
  const sandbox::GlobSet plain(patterns);
  return std::all_of(facts.files().begin(), facts.files().end(), [&](const std::string& path) {
    return plain.Matches(path) || (again && IsOurs(profile, dir, path));
  });
}

}  // namespace

Result<std::string> ResolveMode(const ModeRequest& request, const Profile& profile, const ProjectFacts& facts,
                                const sandbox::SafeDir& dir) {
  if (request.mode != "auto" && request.mode != "create" && request.mode != "change") {
    return InvalidArgument("mode takes auto, create or change, not \"" + request.mode + "\"");
  }
  if (request.mode == "change") return std::string("change");
  if (facts.empty()) return std::string("create");
  std::string foreign;
  bool ours = false;
  for (const std::string& path : facts.Matching(kManifests)) {
    if (IsOurs(profile, dir, path)) {
      ours = true;
    } else if (foreign.empty()) {
      foreign = path;
    }
  }
  if (!foreign.empty() && HoldsOnlyManifests(profile, facts, dir, request.again)) foreign.clear();
  if (request.mode == "create") {
    if (foreign.empty()) return std::string("create");
    return FailedPrecondition("a new project was asked for (mode create), and " + dir.path() + " holds " + foreign +
                              " already; use mode change, or an empty directory");
  }
  if (!foreign.empty() || !request.profile_named) return std::string("change");
  // A profile that begins no project of its own is asked for where there is one.
  if (profile.starter_files.empty() && !request.again) return std::string("change");
  return std::string(!ours || request.again ? "create" : "change");
}

std::vector<const StarterFile*> MissingStarterFiles(const Profile& profile, const ProjectFacts& facts) {
  std::vector<const StarterFile*> missing;
  for (const StarterFile& file : profile.starter_files) {
    const bool there = std::binary_search(facts.files().begin(), facts.files().end(), file.path);
    bool other_of_its_kind = false;
    for (const std::string& pattern : profile.protected_files) {
      const sandbox::GlobSet kind({pattern});
      if (!kind.Matches(file.path)) continue;
      other_of_its_kind = other_of_its_kind || !facts.Matching({pattern}).empty();
    }
    // Our lock file does not fit another manifest.
    const bool lock = std::any_of(
        profile.dependency_choices.begin(), profile.dependency_choices.end(), [&](const DependencySpec& choice) {
          return file.path == choice.lock && file.path != choice.manifest &&
                 std::binary_search(facts.files().begin(), facts.files().end(), choice.manifest);
        });
    if (!there && !other_of_its_kind && !lock) missing.push_back(&file);
  }
  return missing;
}

}  // namespace wfe::build
