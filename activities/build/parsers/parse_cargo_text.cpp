// cargo test and cargo check/clippy with --message-format short: errors a line, "test NAME ... FAILED", the failures'
// output between "---- NAME stdout ----" and the next, and one "test result:" for each binary.

#include <re2/re2.h>

#include <map>

#include "activities/build/parsers/findings.h"
#include "activities/sandbox/text.h"

namespace wfe::build {
namespace {

void ReadErrors(const CheckSpec& check, const ToolOutput& output, ParsedOutput& parsed) {
  static const RE2 kError(R"(^([^\s:][^:]*):(\d+):(\d+): (error|warning)(?:\[(E\d+)\])?: (.*)$)");
  for (const std::string& line : sandbox::SplitLines(sandbox::CleanTerminalText(output.err))) {
    std::string path;
    std::string row;
    std::string column;
    std::string level;
    std::string code;
    std::string text;
    if (!RE2::FullMatch(line, kError, &path, &row, &column, &level, &code, &text)) continue;
    Finding finding;
    finding.path = RelativePath(path, output.roots);
    finding.line = ToNumber(row);
    finding.column = ToNumber(column);
    finding.error_class = "COMPILE_ERROR" + (code.empty() ? "" : "_" + code);
    if (check.error_class == "LINT_ERROR" && code.empty()) finding.error_class = "LINT_ERROR";
    finding.text = (code.empty() ? "" : code + ": ") + RelativeText(text, output.roots);
    (level == "warning" ? parsed.warnings : parsed.findings).push_back(std::move(finding));
  }
}

std::map<std::string, std::string> FailureTexts(const std::vector<std::string>& lines) {
  static const RE2 kHead(R"(^---- (.+) stdout ----$)");
  std::map<std::string, std::string> texts;
  std::string name;
  for (const std::string& line : lines) {
    if (RE2::FullMatch(line, kHead, &name)) continue;
    if (line == "failures:" || line.starts_with("test result:")) name.clear();
    if (!name.empty()) texts[name] += line + "\n";
  }
  return texts;
}

}  // namespace

ParsedOutput ParseCargoText(const CheckSpec& check, const ToolOutput& output) {
  ParsedOutput parsed;
  ReadErrors(check, output, parsed);
  static const RE2 kResult(R"(^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored)");
  static const RE2 kTest(R"(^test (.+?)(?: - .+)? \.\.\. FAILED$)");
  static const RE2 kPlace(R"(panicked at ([^\s:]+):(\d+):(\d+))");
  const std::vector<std::string> lines = sandbox::SplitLines(sandbox::CleanTerminalText(output.out));
  const std::map<std::string, std::string> texts = FailureTexts(lines);
  for (const std::string& line : lines) {
    std::string passed;
    std::string failed;
    std::string ignored;
    std::string name;
    if (RE2::PartialMatch(line, kResult, &passed, &failed, &ignored)) {
      parsed.tests_total = parsed.tests_total.value_or(0) + ToNumber(passed) + ToNumber(failed) + ToNumber(ignored);
      parsed.tests_failed = parsed.tests_failed.value_or(0) + ToNumber(failed);
      parsed.tests_skipped = parsed.tests_skipped.value_or(0) + ToNumber(ignored);
    } else if (RE2::FullMatch(line, kTest, &name)) {
      Finding finding;
      finding.error_class = check.error_class;
      finding.text = name + ": failed";
      if (const auto found = texts.find(name); found != texts.end()) {
        std::string text = sandbox::KeepHeadAndTail(RelativeText(found->second, output.roots), kTextLimit, nullptr);
        while (text.ends_with('\n')) text.pop_back();
        std::string row;
        std::string column;
        if (RE2::PartialMatch(text, kPlace, &finding.path, &row, &column)) {
          finding.line = ToNumber(row);
          finding.column = ToNumber(column);
        }
        finding.text += "\n" + text;
      }
      parsed.findings.push_back(std::move(finding));
    }
  }
  return parsed;
}

}  // namespace wfe::build
