// A worker's machine for the tests of nodes.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "activities/nodes/examine.h"
#include "activities/nodes/node_tests.h"
#include "engine/base/check.h"
#include "tests/activities/build/compliance_test_support.h"

namespace wfe::nodes::test {

/// Reads a text, counts its words, asks a tool: nothing is wrong with it.
inline constexpr const char* kCleanNode = R"py("""Counts the words of a text."""
import json
import sys
from collections import Counter

from node_runtime import call_tool


def count(text):
    words = text.split()
    return {"words": len(words), "most": Counter(words).most_common(1)[0][0]}


def main():
    data = json.load(sys.stdin)
    result = count(data.get("text", "a b a"))
    result["language"] = call_tool("language", {"text": data.get("text", "")})
    print(json.dumps(result))


if __name__ == "__main__":
    main()
)py";

class NodeMachine : public testing::Test {
 protected:
  NodeMachine() {
    config_.work_root = root_ / "work";
    config_.path = "/usr/local/bin:/usr/bin:/bin";
    config_.heartbeat_interval = std::chrono::milliseconds(20);
  }
  void SetUp() override {
    const auto python = NodeSettings(config_).Python();
    if (!python) GTEST_SKIP() << python.error().message;
    if (!python->has_pyflakes || !python->has_isort)
      GTEST_SKIP() << "python3-pyflakes and python3-isort are not installed";
  }
  const NodeSettings& settings() {
    if (!settings_.has_value()) settings_.emplace(config_);
    return *settings_;
  }

  ExaminedNode Examine(const std::string& text, std::string_view language = kPython) {
    return ExamineSource({.text = text, .tools = {}, .required_tools = {}, .repair = true}, language);
  }
  ExaminedNode ExamineSource(const NodeSource& source, std::string_view language = kPython) {
    auto examined = ExamineNodes(settings(), language, {&source, 1});
    WFE_CHECK(examined.has_value(), examined.error().message);
    return std::move(examined->front());
  }
  static const NodeCheck& Check(const ExaminedNode& node, std::string_view name) {
    const auto found = std::ranges::find(node.checks, name, &NodeCheck::name);
    WFE_CHECK(found != node.checks.end(), std::string(name));
    return *found;
  }
  /// A question about one check of a text.  All of a test's are answered at its end, by one process of the examiner.
  struct Asked {
    NodeMachine* machine;
    size_t index;
    /// "rule:line rule:line" of what is left of the check.
    void Gives(const std::string& rules) { machine->asked_[index].expected = rules; }
  };
  Asked Rules(const std::string& text, std::string_view check) {
    return Rules(NodeSource{.text = text, .tools = {}, .required_tools = {}}, check);
  }
  Asked Rules(NodeSource source, std::string_view check) {
    asked_.push_back({.source = std::move(source), .check = std::string(check), .expected = {}});
    return {.machine = this, .index = asked_.size() - 1};
  }
  void TearDown() override {
    if (asked_.empty()) return;
    std::vector<NodeSource> sources;
    for (const Question& one : asked_) sources.push_back(one.source);
    const auto examined = ExamineNodes(settings(), kPython, sources);
    ASSERT_TRUE(examined.has_value()) << examined.error().message;
    for (size_t i = 0; i < asked_.size(); ++i) {
      std::string rules;
      for (const NodeFinding& finding : Check((*examined)[i], asked_[i].check).findings) {
        rules += (rules.empty() ? "" : " ") + finding.rule + ":" + std::to_string(finding.line);
      }
      EXPECT_EQ(rules, asked_[i].expected) << Told((*examined)[i]) << asked_[i].source.text;
    }
  }
  static double Score(const ExaminedNode& node, std::string_view language = kPython) {
    return OverallScore(language, node.checks);
  }
  /// Every check that is no plain pass, for messages of failed tests.
  static std::string Told(const ExaminedNode& node) {
    std::string told;
    for (const NodeCheck& check : node.checks) {
      if (check.status == kPass && !check.auto_fixed) continue;
      told += check.name + " " + check.status + ": " + check.message + "\n";
      for (const NodeFinding& finding : check.findings) {
        told += "  " + finding.rule + ":" + std::to_string(finding.line) + " " + finding.message + "\n";
      }
    }
    return told;
  }
  NodeTestReport RunTests(NodeUnderTest node) {
    if (node.language.empty()) node.language = kPython;
    auto report = RunNodeTests(settings(), node, {});
    WFE_CHECK(report.has_value(), report.error().message);
    return *std::move(report);
  }

  struct Question {
    NodeSource source;
    std::string check;
    std::string expected;
  };
  const wfe::test::TempDir root_;
  std::vector<Question> asked_;
  NodeConfig config_;
  std::optional<NodeSettings> settings_;
};

/// A node around lines of main() and, above it, helpers.
inline std::string NodeOf(const std::string& main_lines, const std::string& above = "",
                          const std::string& imports = "import json\nimport sys\n") {
  std::string text = imports + (above.empty() ? "" : "\n" + above) + "\n\ndef main():\n";
  size_t start = 0;
  while (start < main_lines.size()) {
    const size_t end = std::min(main_lines.find('\n', start), main_lines.size());
    text += "    " + main_lines.substr(start, end - start) + "\n";
    start = end + 1;
  }
  return text + "\n\nif __name__ == \"__main__\":\n    main()\n";
}

}  // namespace wfe::nodes::test
