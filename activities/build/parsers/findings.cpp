#include "activities/build/parsers/findings.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace wfe::build {

ParsedOutput ParseOutput(const CheckSpec& check, const ToolOutput& output) {
  switch (check.parser) {
    case ParserKind::kNone:
      return {};
    case ParserKind::kRegex:
      return ParseRegex(check, output);
    case ParserKind::kEslintJson:
      return ParseEslintJson(check, output);
    case ParserKind::kJestJson:
      return ParseJestJson(check, output);
    case ParserKind::kJunitXml:
      return ParseJunitXml(check, output);
    case ParserKind::kGccText:
      return ParseGccText(check, output);
    case ParserKind::kRuffJson:
      return ParseRuffJson(check, output);
    case ParserKind::kGoTestJson:
      return ParseGoTestJson(check, output);
    case ParserKind::kCargoText:
      return ParseCargoText(check, output);
  }
  return {};
}

int64_t ToNumber(const std::string& text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string DetailFromName(std::string_view name) {
  std::string detail;
  for (const char c : name) {
    detail += std::isalnum(static_cast<unsigned char>(c)) != 0
                  ? static_cast<char>(std::toupper(static_cast<unsigned char>(c)))
                  : '_';
  }
  return detail;
}

std::string RelativePath(std::string_view path, const std::vector<std::string>& roots) {
  size_t longest = 0;
  for (const std::string& root : roots) {
    if (root.size() > longest && path.size() > root.size() && path.starts_with(root) && path[root.size()] == '/') {
      longest = root.size();
    }
  }
  if (longest > 0) path.remove_prefix(longest + 1);
  while (path.starts_with("./")) path.remove_prefix(2);
  return std::string(path);
}

std::string RelativeText(std::string_view text, const std::vector<std::string>& roots) {
  std::vector<std::string> prefixes;
  for (const std::string& root : roots) {
    if (!root.empty()) prefixes.push_back(root + "/");
  }
  std::sort(prefixes.begin(), prefixes.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  std::string result;
  result.reserve(text.size());
  size_t i = 0;
  while (i < text.size()) {
    // Within a longer path the same letters mean something else ("lib/w/x").
    const char before = i == 0 ? ' ' : text[i - 1];
    const bool path_start = std::isalnum(static_cast<unsigned char>(before)) == 0 &&
                            std::string_view("/._-").find(before) == std::string_view::npos;
    const bool after_scheme = i >= 7 && text.substr(i - 7, 7) == "file://";
    const std::string* cut = nullptr;
    if (text[i] == '/' && (path_start || after_scheme)) {
      for (const std::string& prefix : prefixes) {
        if (text.substr(i).starts_with(prefix)) {
          cut = &prefix;
          break;
        }
      }
    }
    if (cut != nullptr) {
      if (after_scheme) result.resize(result.size() - 7);
      i += cut->size();
    } else {
      result += text[i++];
    }
  }
  return result;
}

}  // namespace wfe::build
