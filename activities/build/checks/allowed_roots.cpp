#include "activities/build/checks/allowed_roots.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "activities/sandbox/text.h"

namespace wfe::build {
namespace {

namespace fs = std::filesystem;

bool IsWithin(std::string_view path, std::string_view root) {
  if (root == "/") return true;
  return path == root || (path.starts_with(root) && path.size() > root.size() && path[root.size()] == '/');
}

}  // namespace

Result<std::string> ResolveExisting(const std::string& path) {
  if (path.empty() || path.front() != '/' || path.find('\0') != std::string::npos) {
    return InvalidArgument("the directory \"" + sandbox::Printable(path) + "\" must be an absolute path");
  }
  std::string existing = path;
  std::string rest;
  while (true) {
    const std::unique_ptr<char, decltype(&::free)> real(::realpath(existing.c_str(), nullptr), &::free);
    if (real != nullptr) {
      const std::string resolved = real.get();
      return rest.empty() ? resolved : (resolved == "/" ? "" : resolved) + rest;
    }
    if (errno != ENOENT) {
      return PermissionDenied("the directory " + sandbox::Printable(path) +
                              " cannot be followed: " + std::strerror(errno));
    }
    struct stat info = {};
    if (::lstat(existing.c_str(), &info) == 0) {
      return PermissionDenied("the directory " + sandbox::Printable(path) + " leads through a link that goes nowhere");
    }
    const size_t slash = existing.find_last_of('/');
    const std::string last = existing.substr(slash + 1);
    if (last == "..")
      return PermissionDenied("the directory " + sandbox::Printable(path) + " has a \"..\" that cannot be followed");
    if (!last.empty() && last != ".") rest = "/" + last + rest;
    existing = slash == 0 ? "/" : existing.substr(0, slash);
  }
}

AllowedRoots::AllowedRoots(const std::vector<std::string>& roots) {
  for (const std::string& root : roots) {
    std::error_code ignored;
    auto resolved = ResolveExisting(fs::absolute(root, ignored).lexically_normal().string());
    if (resolved) roots_.push_back(*std::move(resolved));
  }
}

Result<std::string> AllowedRoots::Check(const std::string& path) const {
  WFE_ASSIGN_OR_RETURN(const std::string real, ResolveExisting(path));
  for (const std::string& root : roots_) {
    if (IsWithin(real, root)) return real;
  }
  const std::string shown = sandbox::Printable(real);
  return PermissionDenied("this worker may not touch " + sandbox::Printable(path) +
                          (real == path ? std::string() : " (which is " + shown + ")") +
                          ": allow it with `wfe worker --allow " + shown +
                          "` or, under [worker] in wfe.toml, allowed_roots = [\"" + shown + "\"]");
}

std::vector<std::string> DirectoriesNamedBy(const nlohmann::json& input) {
  std::vector<std::string> named;
  if (!input.is_object()) return named;
  const auto add = [&](const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string()) return;
    if (!found->get_ref<const std::string&>().empty()) named.push_back(found->get<std::string>());
  };
  for (const char* key : {"working_dir", "project_dir", "output_dir"}) add(input, key);
  const auto sources = input.find("sources");
  if (sources != input.end() && sources->is_array()) {
    for (const nlohmann::json& source : *sources) {
      if (source.is_object() && source.value("kind", nlohmann::json()) == "directory") add(source, "location");
    }
  }
  return named;
}

}  // namespace wfe::build
