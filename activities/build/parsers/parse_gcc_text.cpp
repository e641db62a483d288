// Compilers and linkers that print FILE:LINE:COLUMN: error: TEXT (g++, clang), as a build tool passes them on.

#include <re2/re2.h>

#include <set>

#include "activities/build/parsers/findings.h"
#include "activities/sandbox/text.h"

namespace wfe::build {

ParsedOutput ParseGccText(const CheckSpec& check, const ToolOutput& output) {
  static const RE2 kCompiler("^(\\S[^:]*):(\\d+):(?:(\\d+):)? (?:fatal )?error: (.*)$");
  static const RE2 kLinker(
      "(undefined reference to .*|multiple definition of .*|cannot find -l\\S+.*|undefined symbol: .*|"
      "duplicate symbol: .*)");
  static const RE2 kLinkerPlace(
      "^(?:\\S*ld(?:\\.\\w+)?: )?(?:(\\S+?):(?:(\\d+):)? ?(?:\\([^)]*\\): )?)?(?:in function|undefined|multiple)");
  static const RE2 kLinkerEnd("(?:ld returned \\d+ exit status|linker command failed)");
  ParsedOutput parsed;
  std::set<std::string> seen;  // A header's error is printed once for every file that includes it.
  bool linker_failed = false;
  bool linker_explained = false;
  for (const std::string_view stream : {output.err, output.out}) {
    for (const std::string& line : sandbox::SplitLines(sandbox::CleanTerminalText(stream))) {
      Finding finding;
      std::string line_number;
      std::string column;
      std::string text;
      if (RE2::FullMatch(line, kCompiler, &finding.path, &line_number, &column, &text)) {
        finding.error_class = check.error_class;
      } else if (RE2::PartialMatch(line, kLinker, &text)) {
        finding.error_class = "LINK_ERROR";
        linker_explained = true;
        RE2::PartialMatch(line, kLinkerPlace, &finding.path, &line_number);
        if (finding.path.ends_with(".o") || finding.path.ends_with("ld")) finding.path.clear();
      } else {
        linker_failed = linker_failed || RE2::PartialMatch(line, kLinkerEnd);
        continue;
      }
      finding.path = RelativePath(finding.path, output.roots);
      finding.text = RelativeText(text, output.roots);
      finding.line = line_number.empty() ? 0 : std::stoll(line_number.substr(0, 9));
      finding.column = column.empty() ? 0 : std::stoll(column.substr(0, 9));
      const std::string key = finding.path + ":" + line_number + ":" + column + ":" + text;
      if (seen.insert(key).second) parsed.findings.push_back(std::move(finding));
    }
  }
  if (linker_failed && !linker_explained) {
    parsed.findings.push_back(
        {.path = "", .line = 0, .column = 0, .error_class = "LINK_ERROR", .text = "the linker failed"});
  }
  return parsed;
}

}  // namespace wfe::build
