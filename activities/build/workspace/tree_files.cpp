#include "activities/build/workspace/tree_files.h"

#include <algorithm>
#include <filesystem>

namespace wfe::build {
namespace {

namespace fs = std::filesystem;

Error CannotRead(const fs::path& path, const std::error_code& error) {
  return PermissionDenied("cannot read " + path.string() + ": " + error.message());
}

}  // namespace

Status CopyDirectory(const std::string& from, const std::string& to, const std::vector<std::string>& skip_names,
                     const std::string& skip_path, const CopyLimits& limits, const std::function<bool()>& alive) {
  std::error_code error;
  fs::create_directories(to, error);
  if (error) return Internal("cannot make " + to + ": " + error.message());
  fs::recursive_directory_iterator it(from, fs::directory_options::none, error);
  if (error) return CannotRead(from, error);
  uint64_t entries = 0;
  uint64_t bytes = 0;
  std::vector<std::pair<fs::path, fs::perms>> directories;  // their bits last: one may be read-only
  for (const fs::recursive_directory_iterator end; it != end; it.increment(error)) {
    if (error) return CannotRead(from, error);
    const fs::path& source = it->path();
    const bool top = it.depth() == 0;
    if (source == skip_path ||
        (top && std::find(skip_names.begin(), skip_names.end(), source.filename()) != skip_names.end())) {
      it.disable_recursion_pending();
      continue;
    }
    if (++entries % 256 == 0 && !alive()) return Cancelled("the activity was cancelled");
    if (entries > limits.max_entries) {
      return ResourceExhausted(from + " holds more than " + std::to_string(limits.max_entries) +
                               " files; that is too much to copy");
    }
    const fs::path target = fs::path(to) / source.lexically_relative(from);
    const fs::file_status status = it->symlink_status(error);
    if (error) return CannotRead(source, error);
    if (fs::is_symlink(status)) {
      fs::copy_symlink(source, target, error);
    } else if (fs::is_directory(status)) {
      fs::create_directory(target, error);
      directories.emplace_back(target, status.permissions());
    } else if (fs::is_regular_file(status)) {
      bytes += it->file_size(error);
      if (bytes > limits.max_bytes) {
        return ResourceExhausted(from + " holds more than " + std::to_string(limits.max_bytes >> 20) +
                                 " MiB; that is too much to copy");
      }
      fs::copy_file(source, target, fs::copy_options::overwrite_existing, error);
    }
    if (error) return Internal("cannot copy " + source.string() + ": " + error.message());
  }
  if (error) return CannotRead(from, error);
  for (const auto& [path, bits] : directories) fs::permissions(path, bits, error);
  return Ok();
}

Result<int> RemovePlantedRepositories(const std::string& dir, const std::function<bool()>& alive) {
  std::error_code error;
  std::vector<fs::path> planted;
  uint64_t entries = 0;
  fs::recursive_directory_iterator it(dir, fs::directory_options::skip_permission_denied, error);
  for (const fs::recursive_directory_iterator end; !error && it != end; it.increment(error)) {
    if (++entries % 1024 == 0 && !alive()) return Cancelled("the activity was cancelled");
    if (it->path().filename() != ".git") continue;
    it.disable_recursion_pending();
    planted.push_back(it->path());
  }
  if (error) return Internal("cannot look through " + dir + ": " + error.message());
  for (const fs::path& path : planted) {
    fs::remove_all(path, error);
    if (error) return Internal("cannot remove " + path.string() + ": " + error.message());
  }
  return static_cast<int>(planted.size());
}

bool IsEmptyProject(const std::string& dir) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(dir, error)) {
    const std::string name = entry.path().filename().string();
    if (name != ".wfe" && name != "audit_trace.jsonl") return false;
  }
  return !error;
}

}  // namespace wfe::build
