#include "tests/layout/layer_table.h"

#include <regex>

#include "tests/layout/source_tree.h"

namespace wfe::layout {
namespace {

/// The `quoted` names of one cell.
std::set<std::string> QuotedNames(const std::string& cell) {
  static const std::regex kQuoted("`([^`]+)`");
  std::set<std::string> names;
  for (std::sregex_iterator match(cell.begin(), cell.end(), kQuoted), end; match != end; ++match) {
    names.insert((*match)[1]);
  }
  return names;
}

std::vector<std::string> Cells(const std::string& row) {
  std::vector<std::string> cells;
  size_t begin = 1;
  for (size_t bar = row.find('|', 1); bar != std::string::npos; bar = row.find('|', begin)) {
    cells.push_back(row.substr(begin, bar - begin));
    begin = bar + 1;
  }
  return cells;
}

/// The body rows of the table that follows the line `<!-- table: NAME -->`.
std::vector<std::vector<std::string>> Rows(std::string_view page, std::string_view name) {
  const std::string mark = "<!-- table: " + std::string(name) + " -->";
  std::vector<std::vector<std::string>> rows;
  bool inside = false;
  int seen = 0;
  for (const std::string& line : Lines(page)) {
    if (line == mark) {
      inside = true;
    } else if (inside && line.starts_with('|')) {
      if (++seen > 2) rows.push_back(Cells(line));  // after the heading and the rule under it
    } else if (inside && seen > 0) {
      break;
    }
  }
  return rows;
}

}  // namespace

LayerTable::LayerTable(std::string_view page) {
  for (const auto& cells : Rows(page, "layers")) {
    if (cells.size() < 2) continue;
    for (const std::string& folder : QuotedNames(cells[0])) {
      allowed_[folder] = QuotedNames(cells[1]);
      if (cells[1].find("anything") != std::string::npos) unrestricted_.insert(folder);
    }
  }
  for (bool grew = true; grew;) {
    grew = false;
    for (auto& [folder, reach] : allowed_) {
      std::set<std::string> more;
      for (const std::string& step : reach) {
        if (const auto next = allowed_.find(step); next != allowed_.end())
          more.insert(next->second.begin(), next->second.end());
      }
      const size_t before = reach.size();
      reach.merge(more);
      grew = grew || reach.size() > before;
    }
  }
  for (const auto& cells : Rows(page, "libraries")) {
    if (cells.size() < 2) continue;
    for (const std::string& prefix : QuotedNames(cells[0])) library_homes_[prefix] = QuotedNames(cells[1]);
  }
}

std::optional<std::string> LayerTable::FolderOf(std::string_view path) const {
  // Temporal's messages, and ours, are generated from what stands in schemas/.
  if (path.starts_with("temporal/api/") || path.starts_with("wfe/") || path.starts_with("google/rpc/"))
    return "schemas";
  std::optional<std::string> found;
  for (const auto& [folder, reach] : allowed_) {
    if (IsInside(path, folder) && (!found || folder.size() > found->size())) found = folder;
  }
  return found;
}

bool LayerTable::Allows(const std::string& from, const std::string& to) const {
  if (from == to || unrestricted_.contains(from)) return true;
  const auto reach = allowed_.find(from);
  return reach != allowed_.end() && reach->second.contains(to);
}

}  // namespace wfe::layout
