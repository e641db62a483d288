#include "activities/analytics/ingest/find_files.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include "activities/trace/audit.h"
#include "activities/trace/trace_file.h"

namespace wfe::analytics {
namespace {

using Identity = std::pair<dev_t, ino_t>;

struct DirCloser {
  void operator()(DIR* dir) const { closedir(dir); }
};

struct Search {
  ParseReport& report;
  const std::function<Status(const std::string&)>& visiting;
  std::set<Identity> seen;
  std::vector<FoundFile> files;

  void Unreadable(const std::string& path, const char* what) {
    report.Add(path, 0, kProblemMalformed, std::string(what) + ": " + std::strerror(errno));
  }

  void Take(const std::string& path, const struct stat& status) {
    if (!seen.emplace(status.st_dev, status.st_ino).second) return;
    files.push_back({path, status.st_size});
    // The older parts of a rotated trace are read with it.
    for (const std::string& part : trace::TraceParts(path)) {
      struct stat info{};
      if (part != path && stat(part.c_str(), &info) == 0) files.back().bytes += info.st_size;
    }
  }

  /// The names in a directory that may matter, sorted.
  std::vector<std::string> Names(const std::string& path) {
    std::vector<std::string> names;
    const std::unique_ptr<DIR, DirCloser> dir(opendir(path.c_str()));
    if (!dir) {
      Unreadable(path, "cannot open the directory");
      return names;
    }
    while (true) {
      errno = 0;
      const dirent* const item = readdir(dir.get());
      if (item == nullptr) break;
      const std::string name = item->d_name;
      if (item->d_type == DT_LNK) continue;
      const bool may_be_directory = item->d_type == DT_DIR || item->d_type == DT_UNKNOWN;
      // Large and never a working directory.
      const bool skipped = name == "." || name == ".." || name == ".git" || name == "node_modules";
      if (!skipped && (may_be_directory || name == trace::kTraceFileName)) names.push_back(name);
    }
    if (errno != 0) Unreadable(path, "cannot read the directory");
    std::sort(names.begin(), names.end());
    return names;
  }

  Status Walk(const std::string& root) {
    std::vector<std::string> open = {root};  // the next one is the last
    while (!open.empty()) {
      const std::string path = std::move(open.back());
      open.pop_back();
      if (visiting) WFE_RETURN_IF_ERROR(visiting(path));
      std::vector<std::string> inside;
      for (const std::string& name : Names(path)) {
        const std::string child = (path.back() == '/' ? path : path + "/") + name;
        struct stat status{};
        if (lstat(child.c_str(), &status) != 0) {
          if (errno != ENOENT) Unreadable(child, "cannot look at it");
        } else if (S_ISLNK(status.st_mode)) {
          continue;
        } else if (S_ISDIR(status.st_mode)) {
          if (seen.emplace(status.st_dev, status.st_ino).second) inside.push_back(child);
        } else if (S_ISREG(status.st_mode) && name == trace::kTraceFileName) {
          Take(child, status);
        }
      }
      open.insert(open.end(), inside.rbegin(), inside.rend());
    }
    return Ok();
  }
};

}  // namespace

Result<std::vector<FoundFile>> FindTraceFiles(const std::string& root, ParseReport& report,
                                              const std::function<Status(const std::string& directory)>& visiting) {
  Search search{report, visiting, {}, {}};
  struct stat status{};
  if (stat(root.c_str(), &status) != 0) {
    search.Unreadable(root, "cannot open it");
  } else if (S_ISDIR(status.st_mode)) {
    search.seen.emplace(status.st_dev, status.st_ino);
    WFE_RETURN_IF_ERROR(search.Walk(root));
  } else {
    search.Take(root, status);
  }
  return std::move(search.files);
}

}  // namespace wfe::analytics
