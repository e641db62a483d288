#include "activities/prompts/text_diff.h"

#include <algorithm>
#include <map>

#include "activities/prompts/context_template.h"

namespace wfe::prompts {
namespace {

constexpr int kContextLines = 3;
constexpr int kMaxEdits = 4000;  // Bounds the memory of the search: one row for each edit.

/// One line of the way from the old text to the new one.
struct Edit {
  char kind;  // ' ' both, '-' old only, '+' new only
  std::string_view line;
};

/// With their line ends, so that a missing last one shows.
std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

using Lines = std::vector<std::string_view>;

/// Myers' greedy search ("An O(ND) Difference Algorithm"): reach[k] is how far into `a` the best way with d edits gets
/// on the diagonal x - y = k.  The rows of all d are kept and walked back.
std::vector<Edit> ShortestEdits(const Lines& a, const Lines& b) {
  const int n = static_cast<int>(a.size());
  const int m = static_cast<int>(b.size());
  const int limit = std::min(n + m, kMaxEdits);
  std::vector<std::vector<int>> rows;
  const auto best = [&](int d, int k) {  // of row d - 1: one step right or down, then along the diagonal
    const auto& last = rows.back();
    const auto at = [&](int diagonal) { return last[static_cast<size_t>(diagonal + d - 1)]; };
    const bool down = k == -d || (k != d && at(k - 1) < at(k + 1));
    return down ? at(k + 1) : at(k - 1) + 1;
  };
  for (int d = 0; d <= limit; ++d) {
    std::vector<int> row(static_cast<size_t>(2 * d + 1), -1);
    for (int k = -d; k <= d; k += 2) {
      int x = d == 0 ? 0 : best(d, k);
      while (x < n && x - k < m && x - k >= 0 && a[static_cast<size_t>(x)] == b[static_cast<size_t>(x - k)]) ++x;
      row[static_cast<size_t>(k + d)] = x;
      if (x < n || x - k < m) continue;
      std::vector<Edit> edits;
      int y = x - k;
      for (; d > 0; --d) {
        const auto at = [&](int diagonal) { return rows.back()[static_cast<size_t>(diagonal + d - 1)]; };
        const bool down = k == -d || (k != d && at(k - 1) < at(k + 1));
        const int from = down ? at(k + 1) : at(k - 1);
        const int start = down ? from : from + 1;
        for (; x > start; --y) edits.push_back({' ', a[static_cast<size_t>(--x)]});
        edits.push_back(down ? Edit{'+', b[static_cast<size_t>(--y)]} : Edit{'-', a[static_cast<size_t>(--x)]});
        k += down ? 1 : -1;
        rows.pop_back();
      }
      while (x > 0) edits.push_back({' ', a[static_cast<size_t>(--x)]});
      std::ranges::reverse(edits);
      return edits;
    }
    rows.push_back(std::move(row));
  }
  std::vector<Edit> edits;
  for (const std::string_view line : a) edits.push_back({'-', line});
  for (const std::string_view line : b) edits.push_back({'+', line});
  return edits;
}

std::vector<Edit> EditsBetween(std::string_view old_text, std::string_view new_text) {
  Lines a = SplitLines(old_text);
  Lines b = SplitLines(new_text);
  size_t head = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) ++head;
  size_t tail = 0;
  while (tail < a.size() - head && tail < b.size() - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
  std::vector<Edit> edits;
  for (size_t i = 0; i < head; ++i) edits.push_back({' ', a[i]});
  const auto middle = [&](const Lines& lines) {
    return Lines(lines.begin() + static_cast<ptrdiff_t>(head), lines.end() - static_cast<ptrdiff_t>(tail));
  };
  for (const Edit& edit : ShortestEdits(middle(a), middle(b))) edits.push_back(edit);
  for (size_t i = a.size() - tail; i < a.size(); ++i) edits.push_back({' ', a[i]});
  return edits;
}

/// "12,3", as hunk headers write it; an empty range names the line before it.
std::string Range(int first, int count) {
  if (count == 1) return std::to_string(first);
  return std::to_string(count == 0 ? first - 1 : first) + "," + std::to_string(count);
}

std::string Unified(const std::vector<Edit>& edits) {
  std::string text;
  std::string section;  // the heading above the hunk, in the old text
  int old_line = 1;
  int new_line = 1;
  bool fenced = false;
  const auto pass = [&](const Edit& edit) {
    if (edit.kind != '+') {
      if (edit.line.starts_with("```")) fenced = !fenced;
      if (!fenced && edit.line.starts_with("## ")) section = edit.line.substr(3, edit.line.find('\n') - 3);
    }
    old_line += edit.kind != '+';
    new_line += edit.kind != '-';
  };
  const size_t context = kContextLines;
  for (size_t i = 0, shown = 0; i < edits.size();) {
    while (i < edits.size() && edits[i].kind == ' ') ++i;
    if (i == edits.size()) break;
    const size_t begin = std::max(shown, i >= context ? i - context : 0);
    size_t end = i;  // one past the last change of this hunk
    for (size_t j = i; j < edits.size() && j < end + 2 * context + 1; ++j) {
      if (edits[j].kind != ' ') end = j + 1;
    }
    i = end;
    end = std::min(end + context, edits.size());
    for (; shown < begin; ++shown) pass(edits[shown]);
    const int old_first = old_line;
    const int new_first = new_line;
    std::string body;
    std::string above = section;
    bool changed = false;
    for (; shown < end; ++shown) {
      const Edit& edit = edits[shown];
      if (!changed && edit.kind != ' ') above = section;
      changed = changed || edit.kind != ' ';
      pass(edit);
      body += edit.kind + std::string(edit.line);
      if (!edit.line.ends_with('\n')) body += "\n\\ No newline at end of file\n";
    }
    text += "@@ -" + Range(old_first, old_line - old_first) + " +" + Range(new_first, new_line - new_first) + " @@" +
            (above.empty() ? "" : " " + above) + "\n" + body;
  }
  return text;
}

SectionChange CountChange(std::string section, std::string change, std::string_view old_text,
                          std::string_view new_text) {
  SectionChange counted{.section = std::move(section), .change = std::move(change)};
  for (const Edit& edit : EditsBetween(old_text, new_text)) {
    counted.lines_added += edit.kind == '+';
    counted.lines_removed += edit.kind == '-';
  }
  return counted;
}

}  // namespace

TextDiff DiffTexts(std::string_view old_name, std::string_view old_text, std::string_view new_name,
                   std::string_view new_text) {
  TextDiff diff;
  if (old_text == new_text) return diff;
  diff.text = "--- " + std::string(old_name) + "\n+++ " + std::string(new_name) + "\n" +
              Unified(EditsBetween(old_text, new_text));
  const auto by_name = [](std::string_view text) {
    std::map<std::string, std::string> sections;  // sections of one name count as one
    for (const ContextSection& section : SplitSections(text)) sections[section.name] += section.text;
    return sections;
  };
  const auto before = by_name(old_text);
  auto after = by_name(new_text);
  for (const ContextSection& section : SplitSections(new_text)) {
    const auto now = after.extract(section.name);
    if (now.empty()) continue;
    const auto then = before.find(section.name);
    if (then == before.end()) {
      diff.sections.push_back(CountChange(section.name, "added", "", now.mapped()));
    } else if (then->second != now.mapped()) {
      diff.sections.push_back(CountChange(section.name, "changed", then->second, now.mapped()));
    }
  }
  after = by_name(new_text);
  for (const auto& [name, text] : before) {
    if (!after.contains(name)) diff.sections.push_back(CountChange(name, "removed", text, ""));
  }
  return diff;
}

}  // namespace wfe::prompts
