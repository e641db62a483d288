#include "activities/sandbox/ignore_rules.h"

#include "activities/sandbox/text.h"

namespace wfe::sandbox {
namespace {

constexpr size_t kMaxRules = 5000;

std::string_view LastComponent(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

void IgnoreRules::Add(const std::string& directory, std::string_view text) {
  for (std::string line : SplitLines(text)) {
    if (rules_.size() >= kMaxRules) return;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty() || line[0] == '#' || line.size() > 500) continue;
    Rule rule;
    rule.base = directory.empty() ? "" : directory + "/";
    if (line[0] == '!') {
      rule.negated = true;
      line.erase(0, 1);
    }
    if (line.starts_with('\\')) line.erase(0, 1);
    if (line.ends_with('/')) {
      rule.only_directories = true;
      line.pop_back();
    }
    if (line.empty()) continue;
    // A slash at the beginning or in the middle ties the pattern to this directory; without one it holds below too.
    const bool anchored = line.find('/') != std::string::npos;
    if (line[0] == '/') line.erase(0, 1);
    if (!anchored && line.find_first_of("*?[{\\") == std::string::npos) {
      rule.name = line;
      rules_.push_back(std::move(rule));
      continue;
    }
    // git knows no braces.
    std::string pattern;
    for (const char c : line) pattern += c == '{' ? std::string("[{]") : c == '}' ? std::string("[}]") : std::string(1, c);
    rule.pattern = GlobSet({anchored ? pattern : "**/" + pattern});
    rules_.push_back(std::move(rule));
  }
}

bool IgnoreRules::Ignores(std::string_view path, bool is_directory) const {
  for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
    if (rule->only_directories && !is_directory) continue;
    if (!path.starts_with(rule->base)) continue;
    const std::string_view below = path.substr(rule->base.size());
    const bool matches = rule->name.empty() ? rule->pattern.Matches(below) : LastComponent(below) == rule->name;
    if (matches) return !rule->negated;
  }
  return false;
}

}  // namespace wfe::sandbox
