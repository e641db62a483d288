// Differences between two texts, line by line, as people read them and `patch` takes them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wfe::prompts {

struct SectionChange {
  std::string section;  ///< Empty: before the first heading.
  std::string change;   ///< "changed", "added" or "removed".
  int lines_added = 0;
  int lines_removed = 0;
};

struct TextDiff {
  /// A unified diff with three lines of context; each hunk names the section it is in.  Empty when the texts are equal.
  std::string text;
  /// The sections (see SplitSections) that differ: those of the newer text in its order, then the removed ones.
  std::vector<SectionChange> sections;
};

/// The same texts always give the same diff.  Texts that differ in more than 4,000 lines are shown as replaced there.
TextDiff DiffTexts(std::string_view old_name, std::string_view old_text, std::string_view new_name,
                   std::string_view new_text);

}  // namespace wfe::prompts
