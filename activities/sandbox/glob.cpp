#include "activities/sandbox/glob.h"

#include <re2/re2.h>

namespace wfe::sandbox {

struct GlobSet::Expression {
  explicit Expression(const std::string& text) : compiled(text, Options()) {}
  static RE2::Options Options() {
    RE2::Options options(RE2::Quiet);
    options.set_encoding(RE2::Options::EncodingLatin1);  // Names are bytes, not always UTF-8.
    options.set_dot_nl(true);
    return options;
  }
  RE2 compiled;
};

std::string GlobToExpression(std::string_view pattern) {
  std::string expression;
  int braces = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '*') {
      if (pattern.substr(i).starts_with("**/")) {
        expression += "(?:.*/)?";
        i += 2;
      } else if (pattern.substr(i).starts_with("**")) {
        expression += ".*";
        ++i;
      } else {
        expression += "[^/]*";
      }
    } else if (c == '?') {
      expression += "[^/]";
    } else if (c == '{') {
      expression += "(?:";
      ++braces;
    } else if (c == '}' && braces > 0) {
      expression += ")";
      --braces;
    } else if (c == ',' && braces > 0) {
      expression += "|";
    } else if (c == '[') {
      const size_t end = pattern.find(']', i + 2);
      if (end == std::string_view::npos) {
        expression += "\\[";
        continue;
      }
      std::string set(pattern.substr(i + 1, end - i - 1));
      if (set.starts_with('!')) set[0] = '^';
      std::string escaped;
      for (const char member : set) escaped += member == '\\' || member == '[' ? std::string("\\") + member : std::string(1, member);
      expression += "[" + escaped + "]";
      i = end;
    } else {
      expression += RE2::QuoteMeta(re2::StringPiece(&pattern[i], 1));
    }
  }
  while (braces-- > 0) expression += ")";
  return expression;
}

GlobSet::GlobSet(const std::vector<std::string>& patterns) {
  std::string all;
  for (const std::string& pattern : patterns) {
    if (!CheckGlob(pattern)) continue;
    all += (all.empty() ? "" : "|") + ("(?:" + GlobToExpression(pattern) + ")");
  }
  if (!all.empty()) expression_ = std::make_shared<const Expression>(all);
}

bool GlobSet::Matches(std::string_view path) const {
  return expression_ != nullptr &&
         RE2::FullMatch(re2::StringPiece(path.data(), path.size()), expression_->compiled);
}

Status CheckGlob(const std::string& pattern) {
  if (pattern.empty()) return InvalidArgument("a pattern may not be empty");
  if (pattern.front() == '/' || pattern.starts_with("./") || pattern.starts_with("../")) {
    return InvalidArgument("the pattern \"" + pattern + "\" must be relative to the project, without ./ or ../");
  }
  if (pattern.size() > 500) return InvalidArgument("a pattern may have at most 500 characters");
  const GlobSet::Expression expression(GlobToExpression(pattern));
  if (!expression.compiled.ok()) return InvalidArgument("\"" + pattern + "\" is not a pattern for file names");
  return Ok();
}

}  // namespace wfe::sandbox
