#include "activities/compliance/starter_files.h"

#include <algorithm>

#include "activities/compliance/glob.h"

namespace wfe::activities {
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

}  // namespace

Result<std::string> ResolveMode(const ModeRequest& request, const Profile& profile, const ProjectFacts& facts,
                                const SafeDir& dir) {
  if (request.mode != "auto" && request.mode != "create" && request.mode != "change") {
    return InvalidArgument("mode takes auto, create or change, not \"" + request.mode + "\"");
  }
  if (request.mode == "change") return std::string("change");
  if (facts.empty()) return std::string("create");
  std::string foreign;
  bool ours = false;
  for (const std::string& path : facts.Matching(kManifests)) {
    const StarterFile* starter = StarterAt(profile, path);
    const auto content = dir.Read(path);
    if (starter != nullptr && content && *content == starter->content) {
      ours = true;
    } else if (foreign.empty()) {
      foreign = path;
    }
  }
  if (request.mode == "create") {
    if (foreign.empty()) return std::string("create");
    return FailedPrecondition("a new project was asked for (mode create), and " + dir.path() + " holds " + foreign +
                              " already; use mode change, or an empty directory");
  }
  if (!foreign.empty() || !request.profile_named) return std::string("change");
  return std::string(!ours || request.again ? "create" : "change");
}

std::vector<const StarterFile*> MissingStarterFiles(const Profile& profile, const ProjectFacts& facts) {
  std::vector<const StarterFile*> missing;
  for (const StarterFile& file : profile.starter_files) {
    const bool there = std::binary_search(facts.files().begin(), facts.files().end(), file.path);
    bool other_of_its_kind = false;
    for (const std::string& pattern : profile.protected_files) {
      const GlobSet kind({pattern});
      if (!kind.Matches(file.path)) continue;
      other_of_its_kind = other_of_its_kind || !facts.Matching({pattern}).empty();
    }
    if (!there && !other_of_its_kind) missing.push_back(&file);
  }
  return missing;
}

}  // namespace wfe::activities
