// jest --json --outputFile=F and vitest --reporter=json --outputFile=F: the same shape.

#include <re2/re2.h>

#include <nlohmann/json.hpp>

#include "activities/build/parsers/findings.h"
#include "activities/sandbox/text.h"
#include "engine/base/parse_json.h"

namespace wfe::build {
namespace {

using nlohmann::json;

std::string FailureDetail(const std::string& message) {
  if (message.find("thrown: \"Exceeded timeout of") != std::string::npos ||
      RE2::PartialMatch(message, "^Error: Test timed out in \\d+ms")) {
    return "_TIMEOUT";
  }
  if (message.starts_with("AssertionError") || RE2::PartialMatch(message, "^(?:\\w*Error: )?expect\\(") ||
      message.find("\nExpected: ") != std::string::npos || message.find("\nReceived: ") != std::string::npos) {
    return "_ASSERTION";
  }
  return "_EXCEPTION";
}

/// The message without its stack, and the first place of the stack that lies in the project.
void ReadMessage(const std::string& raw, const ToolOutput& output, Finding& finding) {
  static const RE2 kFrame("^\\s+at (?:.* \\()?((?:file://)?/?[^\\s():]+):(\\d+):(\\d+)\\)?$");
  const std::string message = RelativeText(sandbox::CleanTerminalText(raw), output.roots);
  for (const std::string& line : sandbox::SplitLines(message)) {
    std::string path;
    int64_t line_number = 0;
    int64_t column = 0;
    if (RE2::FullMatch(line, kFrame, &path, &line_number, &column)) {
      const bool of_project = !path.starts_with("/") && !path.starts_with("node:") && !path.starts_with("file:") &&
                              path.find("node_modules") == std::string::npos;
      if (of_project && finding.line == 0) {
        finding.path = path;
        finding.line = line_number;
        finding.column = column;
      }
      continue;
    }
    static const RE2 kStackLine("^\\s+at ");
    if (RE2::PartialMatch(line, kStackLine)) continue;
    finding.text += finding.text.empty() ? line : "\n" + line;
  }
  while (!finding.text.empty() && (finding.text.back() == '\n' || finding.text.back() == ' ')) finding.text.pop_back();
}

void ReadSuite(const json& suite, const CheckSpec& check, const ToolOutput& output, ParsedOutput& parsed) {
  const std::string suite_path = RelativePath(suite.value("name", ""), output.roots);
  bool any_failed = false;
  for (const json& test : suite.value("assertionResults", json::array())) {
    if (test.value("status", "") != "failed") continue;
    any_failed = true;
    std::string message;
    for (const json& part : test.value("failureMessages", json::array())) {
      if (part.is_string()) message += (message.empty() ? "" : "\n") + part.get<std::string>();
    }
    Finding finding;
    finding.error_class = check.error_class + FailureDetail(sandbox::CleanTerminalText(message));
    ReadMessage(message, output, finding);
    if (finding.path.empty()) finding.path = suite_path;
    finding.text = sandbox::CleanTerminalText(test.value("fullName", test.value("title", ""))) + ": " + finding.text;
    parsed.findings.push_back(std::move(finding));
  }
  if (suite.value("status", "") == "failed" && !any_failed) {
    Finding finding;
    finding.error_class = check.error_class + "_SUITE";
    ReadMessage(suite.value("message", ""), output, finding);
    if (finding.path.empty()) finding.path = suite_path;
    parsed.findings.push_back(std::move(finding));
  }
}

}  // namespace

ParsedOutput ParseJestJson(const CheckSpec& check, const ToolOutput& output) {
  ParsedOutput parsed;
  const std::string_view text = Source(check, output);
  const json document = ParseJson(text);
  if (!document.is_object() || !document.contains("testResults")) {
    // Some versions leave no file when no test matches; the report is then the sentence itself.
    if (text.empty() && (output.err.starts_with("No tests found") || output.out.starts_with("No tests found") ||
                         output.err.find("No test files found") != std::string_view::npos)) {
      parsed.tests_total = 0;
      return parsed;
    }
    parsed.problem = text.empty() ? "it left no result" : "its result is not a test report";
    return parsed;
  }
  try {
    parsed.examined.emplace();
    for (const json& suite : document.at("testResults")) {
      parsed.examined->push_back(RelativePath(suite.value("name", ""), output.roots));
    }
    for (const json& suite : document.at("testResults")) ReadSuite(suite, check, output, parsed);
    parsed.tests_total = document.at("numTotalTests").get<int64_t>();
    parsed.tests_failed = document.at("numFailedTests").get<int64_t>();
    parsed.tests_skipped = document.value("numPendingTests", int64_t{0}) + document.value("numTodoTests", int64_t{0});
    if (!document.at("success").get<bool>() && parsed.findings.empty() && *parsed.tests_total > 0) {
      parsed.findings.push_back({.path = "",
                                 .line = 0,
                                 .column = 0,
                                 .error_class = check.error_class,
                                 .text = "the run was not successful, though no test is reported as failed"});
    }
  } catch (const json::exception& e) {
    parsed = {};
    parsed.problem = std::string("its result is not a test report: ") + JsonErrorText(e);
  }
  return parsed;
}

}  // namespace wfe::build
