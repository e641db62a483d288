#include "tests/layout/source_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace wfe::layout {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = WFE_SOURCE_DIR;

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

/// Names that .gitignore lists: what is built here, and what people's runs leave.  One with a slash before it is of the
/// top level only.
struct IgnoredNames {
  std::set<std::string> anywhere = {".git"};
  std::set<std::string> at_top;
};

const IgnoredNames& Ignored() {
  static const IgnoredNames kNames = [] {
    IgnoredNames names;
    for (std::string pattern : Lines(ReadSource(".gitignore"))) {
      const bool top = pattern.starts_with('/');
      std::erase(pattern, '/');
      (top ? names.at_top : names.anywhere).insert(pattern);
    }
    return names;
  }();
  return kNames;
}

bool IsForeign(const fs::path& path) {
  const std::string name = path.filename();
  const bool top = path.lexically_normal().parent_path() == kRoot.lexically_normal();  // "./build" is one, too
  return Ignored().anywhere.contains(name) || (top && Ignored().at_top.contains(name));
}

}  // namespace

std::vector<SourceFile> ReadTree(const std::vector<std::string>& folders, const std::vector<std::string>& suffixes) {
  std::vector<SourceFile> files;
  for (const std::string& folder : folders) {
    if (!fs::exists(kRoot / folder)) continue;
    for (auto entry = fs::recursive_directory_iterator(kRoot / folder); entry != fs::recursive_directory_iterator();
         ++entry) {
      if (entry->is_directory() && IsForeign(entry->path())) {
        entry.disable_recursion_pending();
        continue;
      }
      if (!entry->is_regular_file()) continue;
      const std::string path = entry->path().lexically_normal().lexically_relative(kRoot).generic_string();
      const bool wanted = suffixes.empty() || std::ranges::any_of(suffixes, [&](const std::string& suffix) {
                            return path.ends_with(suffix);
                          });
      if (wanted) files.push_back({path, ReadFile(entry->path())});
    }
  }
  std::ranges::sort(files, {}, &SourceFile::path);
  return files;
}

std::string ReadSource(const std::string& path) {
  EXPECT_TRUE(fs::is_regular_file(kRoot / path)) << path << " is missing";
  return ReadFile(kRoot / path);
}

std::vector<std::string> TopLevelNames() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kRoot)) {
    if (!IsForeign(entry.path())) names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string_view CommentOf(std::string_view path, std::string_view line) {
  const bool slashes =
      path.ends_with(".h") || path.ends_with(".cpp") || path.ends_with(".ts") || path.ends_with(".proto");
  const std::string_view mark = slashes ? "//" : "#";
  for (size_t at = line.find(mark); at != std::string_view::npos; at = line.find(mark, at + mark.size())) {
    // Not the slashes of an address, nor those of `///`.
    if (at == 0 || line[at - 1] != ':') return line.substr(at);
  }
  return {};
}

bool IsInside(std::string_view path, std::string_view folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

}  // namespace wfe::layout
