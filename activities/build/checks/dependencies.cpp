#include "activities/build/checks/dependencies.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>

#include "activities/build/checks/lent.h"
#include "activities/build/profile/project_facts.h"
#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::build {
namespace {

namespace fs = std::filesystem;

/// In a directory that links stand in for a whole one: which cache entry they point to.
constexpr std::string_view kFarmMark = ".wfe-dependencies";

bool HasWildcard(const std::string& pattern) { return pattern.find_first_of("*?[{") != std::string::npos; }

/// The packages of a workspace have manifests of their own, and without them the installer makes other links.
bool IsWorkspace(const ProjectFacts& facts) {
  return facts.package().contains("workspaces") ||
         facts.Holds({.kind = Condition::Kind::kFile, .value = "pnpm-workspace.yaml", .contains = "", .parts = {}});
}

/// True when the project has a directory of its own with something in it.
Result<bool> BringsItsOwn(const DependencySpec& spec, const sandbox::SafeDir& dir) {
  if (!spec.in_project) return false;
  WFE_ASSIGN_OR_RETURN(const auto own, dir.Stat(spec.directory));
  if (!own.has_value() || own->kind != sandbox::FileKind::kDirectory) return false;
  // An empty one is only the place where the cache is mounted; one of links was made here.
  WFE_ASSIGN_OR_RETURN(const auto mark, dir.Stat(spec.directory + "/" + std::string(kFarmMark)));
  if (mark.has_value()) return false;
  std::error_code error;
  return fs::directory_iterator(dir.path() + "/" + spec.directory, error) != fs::directory_iterator();
}

Result<std::vector<std::string>> InstallerFiles(const DependencySpec& spec, const sandbox::SafeDir& dir) {
  std::set<std::string> files = {spec.manifest, spec.lock};
  std::vector<std::string> patterns;
  for (const std::string& pattern : spec.also) {
    if (HasWildcard(pattern)) {
      patterns.push_back(pattern);
      continue;
    }
    WFE_ASSIGN_OR_RETURN(const auto entry, dir.Stat(pattern));
    if (entry.has_value() && entry->kind == sandbox::FileKind::kFile) files.insert(pattern);
  }
  if (!patterns.empty()) {
    WFE_ASSIGN_OR_RETURN(const ProjectFacts facts, ProjectFacts::Read(dir));
    if (!spec.nested || IsWorkspace(facts)) {
      for (std::string& path : facts.Matching(patterns)) files.insert(std::move(path));
    }
  }
  return std::vector<std::string>(files.begin(), files.end());
}

/// Directories of that name in a cache entry, beside the top one: "packages/a/node_modules".
std::vector<std::string> NestedDirectories(const std::string& entry, const std::string& name) {
  std::vector<std::string> found;
  std::error_code error;
  fs::recursive_directory_iterator at(entry, error);
  for (const fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) {
    if (at->path().filename() != name) continue;
    at.disable_recursion_pending();
    const std::string relative = at->path().string().substr(entry.size() + 1);
    if (relative != name && at->is_directory(error) && !at->is_symlink(error)) found.push_back(relative);
  }
  std::sort(found.begin(), found.end());
  return found;
}

Status Link(const sandbox::SafeDir& dir, const std::string& target, const std::string& path) {
  if (::symlinkat(target.c_str(), dir.fd(), path.c_str()) == 0) return Ok();
  return Internal("cannot link " + dir.path() + "/" + path + ": " + std::strerror(errno));
}

/// A directory whose entries are links into the cache, but for the links to the workspace's own packages, which are
/// copied: there they must lead to the working directory.
Status MakeFarm(const sandbox::SafeDir& dir, const std::string& from, const std::string& to) {
  WFE_RETURN_IF_ERROR(dir.MakeDirectories(to));
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(from, error)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_symlink(error)) {
      WFE_RETURN_IF_ERROR(Link(dir, fs::read_symlink(entry.path(), error).string(), to + "/" + name));
    } else if (name.starts_with('@')) {
      WFE_RETURN_IF_ERROR(MakeFarm(dir, entry.path().string(), to + "/" + name));
    } else {
      WFE_RETURN_IF_ERROR(Link(dir, entry.path().string(), to + "/" + name));
    }
  }
  return Ok();
}

/// Takes away what an earlier placing left: a link, or a directory of links.
Status Clear(const sandbox::SafeDir& dir, const std::string& name) {
  WFE_ASSIGN_OR_RETURN(const auto present, dir.Stat(name));
  if (!present.has_value()) return Ok();
  if (present->kind == sandbox::FileKind::kSymlink) return dir.Remove(name);
  WFE_ASSIGN_OR_RETURN(const auto mark, dir.Stat(name + "/" + std::string(kFarmMark)));
  std::error_code error;
  // remove_all does not follow links.
  if (mark.has_value()) fs::remove_all(dir.path() + "/" + name, error);
  return Ok();
}

Status PlaceLinks(const DependencyPlace& place, const DependencySpec& spec, const sandbox::SafeDir& dir) {
  std::vector<std::string> names = {spec.directory};
  const std::vector<std::string> nested =
      spec.nested ? NestedDirectories(place.entry, spec.directory) : std::vector<std::string>();
  names.insert(names.end(), nested.begin(), nested.end());
  const bool workspace = spec.nested && place.files.size() > 2;
  for (const std::string& name : names) {
    WFE_RETURN_IF_ERROR(Clear(dir, name));
    ::unlinkat(dir.fd(), name.c_str(), AT_REMOVEDIR);  // An empty mount point of a sandboxed run.
    if (!workspace) {
      WFE_RETURN_IF_ERROR(Link(dir, place.entry + "/" + name, name));
      continue;
    }
    WFE_RETURN_IF_ERROR(MakeFarm(dir, place.entry + "/" + name, name));
    WFE_RETURN_IF_ERROR(dir.Write(name + "/" + std::string(kFarmMark), place.hash + "\n"));
  }
  return Ok();
}

/// The checkout's directory, where it is all that the project needs: the packages of a workspace have more of them.
Result<std::string> LentFor(const DependencySpec& spec, const sandbox::SafeDir& dir) {
  const std::string lent = spec.in_project ? LentDirectory(dir, spec.directory) : "";
  if (lent.empty() || !spec.nested) return lent;
  WFE_ASSIGN_OR_RETURN(const ProjectFacts facts, ProjectFacts::Read(dir));
  return IsWorkspace(facts) ? std::string() : lent;
}

/// "../..": the nearest directory above that says it is a workspace's root and has the lock file; "" for none.
std::string RootWithLock(const sandbox::SafeDir& dir, const DependencySpec& spec) {
  constexpr int kMostLevels = 6;
  std::error_code error;
  if (!spec.nested) return "";
  std::string up = "..";
  for (int level = 0; level < kMostLevels; ++level, up += "/..") {
    const std::string at = dir.path() + "/" + up + "/";
    std::ifstream manifest(at + spec.manifest);
    const std::string text(std::istreambuf_iterator<char>(manifest), {});
    const bool root = text.find("\"workspaces\"") != std::string::npos || fs::exists(at + "pnpm-workspace.yaml", error);
    if (root && fs::is_regular_file(at + spec.lock, error)) return up;
    if (fs::exists(at + ".git", error)) return "";
  }
  return "";
}

/// One more directory of the checkout that the commands find in the working directory.
Status PlaceLent(const sandbox::SafeDir& dir, const std::string& name, const std::string& lent, bool sandboxed,
                 PlacedDependencies& placed) {
  WFE_RETURN_IF_ERROR(Clear(dir, name));
  if (!sandboxed) {
    ::unlinkat(dir.fd(), name.c_str(), AT_REMOVEDIR);  // An empty mount point of a sandboxed run.
    return Link(dir, lent, name);
  }
  WFE_RETURN_IF_ERROR(dir.MakeDirectories(name));
  placed.mounts.emplace_back(lent, std::string(sandbox::kSandboxWorkDir) + "/" + name);
  // Its scripts name their interpreter by its place in the checkout.
  placed.mounts.emplace_back(lent, lent);
  return Ok();
}

/// What no profile places.
Status PlaceOtherLent(const sandbox::SafeDir& dir, bool sandboxed, PlacedDependencies& placed) {
  for (const char* name : {"node_modules", ".venv"}) {
    const std::string at = std::string(sandbox::kSandboxWorkDir) + "/" + name;
    const bool mounted = std::any_of(placed.mounts.begin(), placed.mounts.end(),
                                     [&at](const auto& mount) { return mount.second == at; });
    const bool done = mounted || placed.seen_as.ends_with(std::string("/") + name);
    const std::string lent = done ? "" : LentDirectory(dir, name);
    if (!lent.empty()) WFE_RETURN_IF_ERROR(PlaceLent(dir, name, lent, sandboxed, placed));
  }
  return Ok();
}

/// A package.json of which a package manager would make an empty lock file.
bool NamesNoDependencies(const DependencySpec& spec, const std::string& manifest) {
  if (!spec.manifest.ends_with("package.json")) return false;
  const nlohmann::json package = ParseJson(manifest);
  if (!package.is_object()) return false;
  constexpr std::array kNames = {"dependencies",     "devDependencies",     "optionalDependencies",
                                 "peerDependencies", "bundledDependencies", "workspaces"};
  return std::none_of(kNames.begin(), kNames.end(), [&](const char* name) {
    const auto found = package.find(name);
    return found != package.end() && !found->empty();
  });
}

}  // namespace

bool IsThere(const DependencyPlace& place) {
  std::error_code error;
  return fs::is_directory(place.directory, error);
}

Result<DependencyPlace> LocateDependencies(const ComplianceSettings& settings, const Profile& profile,
                                           const sandbox::SafeDir& dir) {
  DependencyPlace place;
  if (!profile.dependencies.has_value()) {
    place.reason = profile.dependency_choices.empty() ? "the profile installs nothing"
                                                      : "the project has no lock file that the profile knows, so "
                                                        "nothing is installed and what is there is used";
    return place;
  }
  const DependencySpec& spec = *profile.dependencies;
  WFE_ASSIGN_OR_RETURN(const bool own, BringsItsOwn(spec, dir));
  if (own) {
    place.directory = dir.path() + "/" + spec.directory;
    place.ready = true;
    place.reason = "the project's own " + spec.directory + " is used as it is";
    return place;
  }
  WFE_ASSIGN_OR_RETURN(const std::string lent, LentFor(spec, dir));
  if (!lent.empty()) {
    place.directory = lent;
    place.ready = place.lent = true;
    place.reason = "the checkout's own " + spec.directory + " is used as it is";
    return place;
  }
  const auto lock = dir.Read(spec.lock);
  if (!lock && !spec.lock_required) {
    place.reason = "there is no " + spec.lock + ", so nothing is installed";
    return place;
  }
  const auto manifest = dir.Read(spec.manifest);
  const std::string root = lock ? "" : RootWithLock(dir, spec);
  if (!lock && root.empty() && manifest && NamesNoDependencies(spec, *manifest)) {
    place.reason = spec.manifest + " names no dependencies, so nothing is installed";
    return place;
  }
  place.needed = true;
  if (!manifest)
    return FailedPrecondition("the project has no readable " + spec.manifest + ": " + manifest.error().message);
  if (!lock) {
    if (!root.empty()) {
      return FailedPrecondition("the project has no " + spec.lock + " of its own; it is a part of what stands in " +
                                root + ", which has one: build with --dir there, and name the part in a check of your own "
                                "(--check 'npm test -w NAME'), or install the dependencies into the project yourself");
    }
    return FailedPrecondition("the project has no readable " + spec.lock + " (" + lock.error().message +
                              "); dependencies are only installed from a lock file: make one with the project's "
                              "package manager, or install the dependencies into the project yourself");
  }
  WFE_ASSIGN_OR_RETURN(place.files, InstallerFiles(spec, dir));
  Sha256Stream hash;
  const auto add = [&hash](std::string_view text) {
    hash.Update(text);
    hash.Update(std::string_view("\0", 1));
  };
  for (const std::string& path : place.files) {
    WFE_ASSIGN_OR_RETURN(const std::string content, dir.Read(path));
    add(path);
    add(content);
  }
  for (const auto& argv : spec.install) {
    for (const std::string& word : argv) add(word);
  }
  place.hash = ToHex(hash.Finish());
  place.entry = settings.config.work_root + "/deps/" + place.hash;
  place.directory = place.entry + "/" + spec.directory;
  place.ready = IsThere(place);
  std::string command;
  for (const auto& argv : spec.install) command += (command.empty() ? "" : " && ") + sandbox::JoinCommand(argv);
  place.reason = place.ready ? "installed already from " + spec.lock + " (" + spec.manager + ")"
                             : "to be installed from " + spec.lock + " by `" + command + "`";
  return place;
}

namespace {

/// What the profile asks for.
Status PlaceOfProfile(const ComplianceSettings& settings, const Profile& profile, const sandbox::SafeDir& dir,
                      bool sandboxed, PlacedDependencies& placed) {
  const DependencySpec& spec = *profile.dependencies;
  const auto place = LocateDependencies(settings, profile, dir);
  // A project without manifest or lock file has no dependencies; its checks then say MISSING_TOOL themselves.
  if (!place || !place->ready) return Ok();
  placed.directory = place->directory;
  const std::string work = sandboxed ? std::string(sandbox::kSandboxWorkDir) : dir.path();
  placed.seen_as = spec.in_project ? work + "/" + spec.directory : sandboxed ? "/deps" : place->directory;
  if (place->lent) return PlaceLent(dir, spec.directory, place->directory, sandboxed, placed);
  if (!place->needed) return Ok();  // The project's own.
  if (!spec.in_project) {
    if (sandboxed) placed.mounts.emplace_back(place->directory, placed.seen_as);
    return Ok();
  }
  if (!sandboxed) {
    WFE_RETURN_IF_ERROR(PlaceLinks(*place, spec, dir));
    return Ok();
  }
  std::vector<std::string> names = {spec.directory};
  if (spec.nested) {
    for (std::string& name : NestedDirectories(place->entry, spec.directory)) names.push_back(std::move(name));
  }
  for (const std::string& name : names) {
    WFE_RETURN_IF_ERROR(Clear(dir, name));
    WFE_RETURN_IF_ERROR(dir.MakeDirectories(name));
    placed.mounts.emplace_back(place->entry + "/" + name, work + "/" + name);
  }
  for (const std::string& name : names) {
    for (const std::string& scratch : spec.scratch) {
      std::error_code error;
      // The mount point only; the cache itself stays as it is.
      fs::create_directories(place->entry + "/" + name + "/" + scratch, error);
      if (!error) placed.scratch.push_back(work + "/" + name + "/" + scratch);
    }
  }
  return Ok();
}

}  // namespace

Result<PlacedDependencies> PlaceDependencies(const ComplianceSettings& settings, const Profile& profile,
                                             const sandbox::SafeDir& dir, bool sandboxed) {
  PlacedDependencies placed;
  if (profile.dependencies.has_value()) {
    WFE_RETURN_IF_ERROR(PlaceOfProfile(settings, profile, dir, sandboxed, placed));
  }
  WFE_RETURN_IF_ERROR(PlaceOtherLent(dir, sandboxed, placed));
  return placed;
}

}  // namespace wfe::build
