#include "activities/sandbox/source_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "activities/sandbox/ignore_rules.h"

namespace wfe::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxIgnoreBytes = 4ull << 20;
constexpr size_t kMaxWalked = 1'000'000;

}  // namespace

const std::vector<std::string>& ForeignDirectories() {
  static const std::vector<std::string> names = {"node_modules",  ".git",  ".wfe",        ".gemini",     ".venv",
                                                 "venv",          ".tox",  "__pycache__", ".mypy_cache", ".ruff_cache",
                                                 ".pytest_cache", ".yarn", ".pnpm-store", ".hg",         ".svn"};
  return names;
}

Result<SourceFiles> FindSourceFiles(const SafeDir& dir, size_t max_files) {
  SourceFiles found;
  IgnoreRules rules;
  const auto& foreign = ForeignDirectories();
  size_t walked = 0;
  // Directories in order, so that each one's .gitignore is known before what it speaks of.
  std::vector<std::string> queue = {""};
  for (size_t next = 0; next < queue.size(); ++next) {
    const std::string directory = queue[next];
    const std::string prefix = directory.empty() ? "" : directory + "/";
    std::error_code error;
    std::vector<fs::directory_entry> entries;
    // A link is an entry like any other here: it is never followed, so a loop of links ends at its first one.
    for (fs::directory_iterator at(dir.path() + "/" + directory, error), end; !error && at != end;
         at.increment(error)) {
      entries.push_back(*at);
      if (++walked > kMaxWalked) {
        return ResourceExhausted("the project " + dir.path() + " holds more than " + std::to_string(kMaxWalked) +
                                 " entries");
      }
    }
    if (directory.empty() && error) return NotFound("cannot list " + dir.path() + ": " + error.message());
    for (const fs::directory_entry& entry : entries) {
      if (entry.path().filename() != ".gitignore" || !entry.is_regular_file(error) || entry.is_symlink(error)) continue;
      if (const auto text = dir.Read(prefix + ".gitignore", kMaxIgnoreBytes)) rules.Add(directory, *text);
    }
    for (const fs::directory_entry& entry : entries) {
      const std::string name = entry.path().filename().string();
      const std::string path = prefix + name;
      const fs::file_type type = entry.symlink_status(error).type();
      if (type == fs::file_type::directory) {
        if (std::find(foreign.begin(), foreign.end(), name) != foreign.end() || rules.Ignores(path, true)) continue;
        queue.push_back(path);
      } else if (path == "audit_trace.jsonl" || rules.Ignores(path, false)) {
        continue;
      } else if (type == fs::file_type::regular && dir.CheckPath(path)) {
        found.files.push_back(path);
        if (found.files.size() > max_files) {
          return ResourceExhausted("the project " + dir.path() + " holds more than " + std::to_string(max_files) +
                                   " files that git does not ignore; name a smaller directory, or list what is not "
                                   "source in .gitignore");
        }
      } else {
        ++found.others;
      }
    }
  }
  std::sort(found.files.begin(), found.files.end());
  return found;
}

}  // namespace wfe::sandbox
