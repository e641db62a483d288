#include "activities/analytics/reports/markdown_text.h"

#include <algorithm>

#include "engine/base/printable.h"

namespace wfe::analytics::reports {
namespace {

/// Control characters would end the line or worse; those that turn the direction of text show as escapes.
std::string OneLine(std::string_view text) {
  std::string line;
  for (const char c : text) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  return PrintableLine(line);
}

size_t LongestRun(std::string_view text, char wanted) {
  size_t longest = 0;
  size_t run = 0;
  for (const char c : text) {
    run = c == wanted ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

}  // namespace

std::string EscapeMarkdown(std::string_view text) {
  static constexpr std::string_view kSpecial = "\\`*_{}[]#|~";
  std::string out;
  for (const char c : OneLine(text)) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      if (kSpecial.find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  // A marker of a list at the start of a line.
  if (out.starts_with("- ") || out.starts_with("+ ")) out.insert(0, "\\");
  return out;
}

std::string MarkdownCode(std::string_view text, bool in_table) {
  std::string line = OneLine(text);
  if (line.empty()) return "";
  if (in_table) {
    for (size_t at = line.find('|'); at != std::string::npos; at = line.find('|', at + 2)) line.insert(at, "\\");
  }
  const std::string ticks(LongestRun(line, '`') + 1, '`');
  const bool needs_space = line.front() == '`' || line.back() == '`';
  const std::string space = needs_space ? " " : "";
  return ticks + space + line + space + ticks;
}

std::string MarkdownFence(std::string_view text, std::string_view language) {
  const std::string fence(std::max<size_t>(3, LongestRun(text, '`') + 1), '`');
  std::string out = fence + std::string(language) + "\n" + PrintableText(text);
  if (!out.ends_with('\n')) out += '\n';
  return out + fence + "\n";
}

std::string MarkdownTable(const std::vector<std::string>& head, const std::vector<bool>& numeric,
                          const std::vector<std::vector<std::string>>& rows) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string text = "|";
    for (const std::string& cell : cells) text += " " + cell + (cell.empty() ? "|" : " |");
    return text + "\n";
  };
  std::string table = line(head) + "|";
  for (const bool is_numeric : numeric) table += is_numeric ? "---:|" : "---|";
  table += "\n";
  for (const std::vector<std::string>& row : rows) table += line(row);
  return table;
}

}  // namespace wfe::analytics::reports
