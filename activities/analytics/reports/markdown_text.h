// Markdown from text that nobody has vouched for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wfe::analytics::reports {

/// `text` on one line, shown as it is: no markup, no HTML, no end of a table cell.
std::string EscapeMarkdown(std::string_view text);

/// `text` as code on one line, whatever backticks are in it.  `in_table`: also safe between the bars of a table.
std::string MarkdownCode(std::string_view text, bool in_table = false);

/// A fenced block that nothing in `text` can end.
std::string MarkdownFence(std::string_view text, std::string_view language);

/// A table; cells are markdown already.  `numeric` columns are aligned to the right.
std::string MarkdownTable(const std::vector<std::string>& head, const std::vector<bool>& numeric,
                          const std::vector<std::vector<std::string>>& rows);

}  // namespace wfe::analytics::reports
