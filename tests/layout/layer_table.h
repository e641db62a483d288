// The two tables of docs/ARCHITECTURE.md that say which folder may use which, and which library lives where.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace wfe::layout {

class LayerTable {
 public:
  /// Reads the tables from the text of the page.  A folder's row names what it includes itself; what those may include
  /// is allowed to it as well.
  explicit LayerTable(std::string_view page);

  /// The row a file or an include path belongs to: the longest folder of the table it is inside.
  /// Generated messages belong to `schemas`; what is in no row belongs to nobody.
  std::optional<std::string> FolderOf(std::string_view path) const;

  bool Allows(const std::string& from, const std::string& to) const;

  /// The folders that may include headers whose path starts with `prefix`; the keys are the prefixes.
  const std::map<std::string, std::set<std::string>>& library_homes() const { return library_homes_; }

  size_t folder_count() const { return allowed_.size(); }

 private:
  std::map<std::string, std::set<std::string>> allowed_;  // closed under "may include what it includes"
  std::set<std::string> unrestricted_;
  std::map<std::string, std::set<std::string>> library_homes_;
};

}  // namespace wfe::layout
