// go test -json: one object a line.  A test that fails is told by its last event; what it printed stands before it.

#include <re2/re2.h>

#include <map>
#include <nlohmann/json.hpp>

#include "activities/build/parsers/findings.h"
#include "activities/sandbox/text.h"
#include "engine/base/parse_json.h"

namespace wfe::build {
namespace {

using nlohmann::json;

/// "    add_test.go:7: got 3" → path and line of the finding.
void ReadPlace(const std::string& text, const std::vector<std::string>& roots, Finding& finding) {
  static const RE2 kPlace(R"((?m)^\s*((?:[\w./-]+/)?[\w.-]+\.go):(\d+)(?::(\d+))?:)");
  std::string path;
  std::string line;
  std::string column;
  if (!RE2::PartialMatch(text, kPlace, &path, &line, &column)) return;
  finding.path = RelativePath(path, roots);
  finding.line = ToNumber(line);
  finding.column = ToNumber(column);
}

std::string TextOf(const json& event, const char* key) {
  const auto found = event.find(key);
  return found != event.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

ParsedOutput ParseGoTestJson(const CheckSpec& check, const ToolOutput& output) {
  ParsedOutput parsed;
  parsed.tests_total = parsed.tests_failed = parsed.tests_skipped = 0;
  std::map<std::string, std::string> printed;  // Package, a blank and the test → what it printed.
  std::map<std::string, bool> package_failed_by_test;
  bool any = false;
  for (const std::string& line : sandbox::SplitLines(Source(check, output))) {
    if (!line.starts_with('{')) continue;
    const json event = ParseJson(line);
    if (!event.is_object()) continue;
    const std::string action = TextOf(event, "Action");
    if (action.empty()) continue;
    any = true;
    const std::string package = TextOf(event, "Package").empty() ? TextOf(event, "ImportPath") : TextOf(event, "Package");
    const std::string test = TextOf(event, "Test");
    std::string& text = printed[package + " " + test];
    if (action == "output" || action == "build-output") {
      if (text.size() < size_t{kTextLimit} * 4) text += TextOf(event, "Output");
      continue;
    }
    if (action != "pass" && action != "fail" && action != "skip" && action != "build-fail") continue;
    if (!test.empty()) {
      ++*parsed.tests_total;
      if (action == "skip") ++*parsed.tests_skipped;
      if (action != "fail") continue;
      ++*parsed.tests_failed;
      package_failed_by_test[package] = true;
    } else if (action == "pass" || action == "skip") {
      continue;
    } else if (action == "fail" && (package_failed_by_test[package] || event.contains("FailedBuild"))) {
      continue;  // Said by its tests, or by its build.
    }
    Finding finding;
    const bool build = action == "build-fail";
    const bool timeout = text.find("panic: test timed out") != std::string::npos;
    finding.error_class = build ? "COMPILE_ERROR" : check.error_class + (timeout ? "_TIMEOUT" : test.empty() ? "_SUITE" : "");
    ReadPlace(text, output.roots, finding);
    const std::string clean = sandbox::KeepHeadAndTail(RelativeText(sandbox::CleanTerminalText(text), output.roots),
                                                       kTextLimit, nullptr);
    finding.text = (test.empty() ? package : package + " " + test) + (build ? ": does not compile" : ": failed") +
                   (clean.empty() ? "" : "\n" + clean);
    while (finding.text.ends_with('\n')) finding.text.pop_back();
    parsed.findings.push_back(std::move(finding));
  }
  if (!any) {
    parsed = {};
    parsed.problem = "its result has no event of a test";
  }
  return parsed;
}

}  // namespace wfe::build
