// JUnit's XML as ctest --output-junit and pytest --junitxml write it.

#include <re2/re2.h>

#include <functional>
#include <pugixml.hpp>
#include <set>

#include "activities/build/parsers/findings.h"
#include "activities/sandbox/text.h"

namespace wfe::build {
namespace {

std::string Cleaned(const std::string& raw, const ToolOutput& output) {
  std::string text =
      sandbox::KeepHeadAndTail(RelativeText(sandbox::CleanTerminalText(raw), output.roots), kTextLimit, nullptr);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

/// ctest writes a timeout as an ordinary failure; only its standard output tells.
std::set<std::string> TimedOutTests(std::string_view out) {
  static const RE2 kLine("Test\\s+#\\d+:\\s+(\\S+)\\s+\\.*\\*\\*\\*Timeout");
  std::set<std::string> names;
  for (const std::string& line : sandbox::SplitLines(out)) {
    std::string name;
    if (RE2::PartialMatch(line, kLine, &name)) names.insert(name);
  }
  return names;
}

void ReadCase(const pugi::xml_node& test, const CheckSpec& check, const ToolOutput& output,
              const std::set<std::string>& timed_out, ParsedOutput& parsed) {
  ++*parsed.tests_total;
  const std::string status = test.attribute("status").as_string();
  pugi::xml_node failure = test.child("failure");
  if (!failure) failure = test.child("error");
  if (!failure && status != "fail") {
    if (test.child("skipped") || status == "notrun" || status == "disabled") ++*parsed.tests_skipped;
    return;
  }
  ++*parsed.tests_failed;
  const std::string name = test.attribute("name").as_string();
  const std::string class_name = test.attribute("classname").as_string();
  Finding finding;
  finding.error_class = check.error_class + (timed_out.contains(name) ? "_TIMEOUT" : "");
  finding.path = RelativePath(test.attribute("file").as_string(), output.roots);
  finding.line = test.attribute("line").as_llong();
  finding.text = class_name.empty() || class_name == name ? name : class_name + "." + name;
  finding.text += timed_out.contains(name) ? ": took too long" : ": failed";
  for (const std::string& raw :
       {std::string(failure.attribute("message").as_string()), std::string(failure.text().as_string()),
        std::string(test.child("system-out").text().as_string()),
        std::string(test.child("system-err").text().as_string())}) {
    const std::string text = Cleaned(raw, output);
    if (!text.empty()) finding.text += "\n" + text;
  }
  parsed.findings.push_back(std::move(finding));
}

}  // namespace

ParsedOutput ParseJunitXml(const CheckSpec& check, const ToolOutput& output) {
  ParsedOutput parsed;
  if (!output.file.has_value()) {
    parsed.problem = "it left no result";
    return parsed;
  }
  // pugixml neither loads external entities nor expands declared ones.
  pugi::xml_document document;
  const pugi::xml_parse_result result = document.load_buffer(output.file->data(), output.file->size());
  if (!result) {
    parsed.problem = std::string("its result is not XML: ") + result.description();
    return parsed;
  }
  const pugi::xml_node root = document.document_element();
  if (std::string_view(root.name()) != "testsuite" && std::string_view(root.name()) != "testsuites") {
    parsed.problem = "its result is not a JUnit report";
    return parsed;
  }
  parsed.tests_total = 0;
  parsed.tests_failed = 0;
  parsed.tests_skipped = 0;
  const std::set<std::string> timed_out = TimedOutTests(output.out);
  const std::function<void(const pugi::xml_node&, int)> walk = [&](const pugi::xml_node& node, int depth) {
    for (const pugi::xml_node& child : node.children()) {
      const std::string_view name = child.name();
      if (name == "testcase") ReadCase(child, check, output, timed_out, parsed);
      if (name == "testsuite" && depth < 32) walk(child, depth + 1);
    }
  };
  walk(root, 0);
  return parsed;
}

}  // namespace wfe::build
