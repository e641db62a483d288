#include "activities/learning/cycle/patterns.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace wfe::learning {
namespace {

struct Kind {
  std::string_view name;
  std::vector<std::string_view> words;  ///< Any of them makes a line one of this kind.
};

/// The first that fits.  Python's and C++'s words beside each other: a line is never of both.
const std::vector<Kind>& Kinds() {
  static const std::vector<Kind> kKinds = {
      {"imports", {"import ", "#include "}},
      {"tools", {"call_tool("}},
      {"input", {"sys.stdin", "std::cin"}},
      {"output", {"sys.stdout", "json.dump", "std::cout", "print("}},
      {"entry point", {"def main(", "__name__", "int main(", "main()"}},
  };
  return kKinds;
}

std::string_view KindOf(std::string_view line) {
  for (const Kind& kind : Kinds()) {
    for (const std::string_view word : kind.words) {
      if (line.find(word) != std::string_view::npos) return kind.name;
    }
  }
  return {};
}

/// Without blanks at the end; empty for what is no structure.
std::string_view Structure(std::string_view line) {
  const size_t last = line.find_last_not_of(" \t\r");
  line = last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
  const size_t first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  const std::string_view words = line.substr(first);
  if (words.starts_with("# ") || words.starts_with("//") || words.size() < 4) return {};
  return line;
}

/// The distinct lines of a text, each with the place of its first.
std::map<std::string, size_t> LinesOf(std::string_view text) {
  std::map<std::string, size_t> lines;
  size_t number = 0;
  for (size_t at = 0; at <= text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (const std::string_view line = Structure(text.substr(at, end - at)); !line.empty()) {
      lines.try_emplace(std::string(line), number);
    }
    at = end + 1;
  }
  return lines;
}

struct CommonLine {
  std::string text;
  double mean_place = 0;
};

}  // namespace

std::vector<Pattern> ExtractPatterns(const std::vector<PatternExample>& examples) {
  std::vector<Pattern> patterns;
  const auto n = static_cast<int64_t>(examples.size());
  if (n < kMinExamples) return patterns;
  std::vector<std::map<std::string, size_t>> lines_of;
  std::map<std::string, std::pair<int64_t, double>> counts;  // line -> examples, sum of places
  for (const PatternExample& example : examples) {
    lines_of.push_back(LinesOf(example.text));
    for (const auto& [line, place] : lines_of.back()) {
      auto& [count, places] = counts[line];
      ++count;
      places += static_cast<double>(place);
    }
  }
  const auto needed = static_cast<int64_t>(std::ceil(kMinSupport * static_cast<double>(n)));
  std::map<std::string_view, std::vector<CommonLine>> common;
  for (const auto& [line, counted] : counts) {
    const auto& [count, places] = counted;
    const std::string_view kind = KindOf(line);
    if (count < needed || kind.empty()) continue;
    common[kind].push_back({.text = line, .mean_place = places / static_cast<double>(count)});
  }
  for (const Kind& kind : Kinds()) {
    const auto found = common.find(kind.name);
    if (found == common.end()) continue;
    std::vector<CommonLine>& lines = found->second;
    std::ranges::stable_sort(lines, {}, &CommonLine::mean_place);
    Pattern pattern{.name = std::string(kind.name), .examples = n};
    for (const CommonLine& line : lines) pattern.content += line.text + "\n";
    double score = 0;
    for (size_t i = 0; i < examples.size(); ++i) {
      const auto has = [&](const CommonLine& line) { return lines_of[i].contains(line.text); };
      if (!std::ranges::all_of(lines, has)) continue;
      ++pattern.support;
      score += examples[i].score;
      pattern.example_ids.push_back(examples[i].id);
    }
    // Lines that are frequent one by one and never together are no pattern.
    if (pattern.support == 0) continue;
    pattern.quality_score = score / static_cast<double>(pattern.support);
    patterns.push_back(std::move(pattern));
  }
  return patterns;
}

}  // namespace wfe::learning
