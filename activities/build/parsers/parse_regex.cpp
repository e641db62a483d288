// Tools that print one finding a line (tsc): a pattern with named groups from the profile.

#include <re2/re2.h>

#include <map>

#include "activities/build/parsers/findings.h"
#include "activities/sandbox/text.h"

namespace wfe::build {
namespace {

/// "TS$code" with each $NAME replaced by that group; "" when a named group took no part in the match.
std::string Expand(const std::string& pattern, const std::map<std::string, std::string>& groups) {
  std::string expanded;
  for (size_t i = 0; i < pattern.size();) {
    if (pattern[i] != '$') {
      expanded += pattern[i++];
      continue;
    }
    size_t end = i + 1;
    while (end < pattern.size() && pattern[end] >= 'a' && pattern[end] <= 'z') ++end;
    const auto found = groups.find(pattern.substr(i + 1, end - i - 1));
    if (found == groups.end() || found->second.empty()) return "";
    expanded += found->second;
    i = end;
  }
  return expanded;
}

}  // namespace

ParsedOutput ParseRegex(const CheckSpec& check, const ToolOutput& output) {
  ParsedOutput parsed;
  const RE2 pattern(check.pattern, RE2::Quiet);
  if (!pattern.ok()) {
    parsed.problem = "the profile's pattern is not a regular expression";
    return parsed;
  }
  const int count = pattern.NumberOfCapturingGroups();
  const std::map<int, std::string>& names = pattern.CapturingGroupNames();
  std::vector<re2::StringPiece> values(static_cast<size_t>(count) + 1);
  for (const std::string_view stream : {output.out, output.err}) {
    bool continues = false;
    for (const std::string& line : sandbox::SplitLines(sandbox::CleanTerminalText(stream))) {
      if (!pattern.Match(line, 0, line.size(), RE2::UNANCHORED, values.data(), count + 1)) {
        // Lines that start with blanks continue the message above.
        if (continues && (line.starts_with(' ') || line.starts_with('\t'))) {
          parsed.findings.back().text += "\n" + RelativeText(line, output.roots);
        } else {
          continues = false;
        }
        continue;
      }
      std::map<std::string, std::string> groups;
      for (const auto& [index, name] : names) groups[name] = std::string(values[static_cast<size_t>(index)]);
      Finding finding;
      finding.path = RelativePath(groups["path"], output.roots);
      finding.line = ToNumber(groups["line"]);
      finding.column = ToNumber(groups["column"]);
      finding.text = RelativeText(groups["text"], output.roots);
      const std::string detail = Expand(check.detail, groups);
      finding.error_class = check.error_class + (detail.empty() ? "" : "_" + DetailFromName(detail));
      for (const auto& [code, error_class] : check.class_rules) {
        if (!RE2::FullMatch(groups["code"], code)) continue;
        finding.error_class = error_class;
        break;
      }
      // The code is what people search for; the class may have lost it.
      if (!detail.empty()) finding.text = detail + ": " + finding.text;
      parsed.findings.push_back(std::move(finding));
      continues = true;
    }
  }
  return parsed;
}

}  // namespace wfe::build
