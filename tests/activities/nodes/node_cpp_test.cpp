// SG-3: the C++ profile, in the same shape.
#include <gmock/gmock.h>

#include "activities/sandbox/toolchain.h"
#include "tests/activities/nodes/node_machine.h"

namespace wfe::nodes {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kCppNode = R"cpp(#include <iostream>
#include <string>

                                       int main() {
                                         std::string text;
                                         std::getline(std::cin, text);
                                         std::cout << "{\"length\": " << text.size() << "}\n";
                                         return 0;
                                       }
)cpp";

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

class NodeCpp : public test::NodeMachine {
 protected:
  void SetUp() override {
    if (!sandbox::LocateTool("g++", config_.path).problem.empty()) GTEST_SKIP() << "there is no g++ on this machine";
  }
  NodeCheck CheckOf(const std::string& text, std::string_view name) {
    const ExaminedNode node = Examine(text, kCpp);
    return Check(node, name);
  }
};

TEST_F(NodeCpp, ANodeWithoutAFaultHasTheFullScore) {
  const ExaminedNode node = Examine(kCppNode, kCpp);
  EXPECT_EQ(Score(node, kCpp), 1.0) << Told(node);
}

TEST_F(NodeCpp, WhatTheCompilerSaysIsToldByKind) {
  const NodeCheck syntax = CheckOf(Replaced(kCppNode, "return 0;", "return 0"), "syntax");
  EXPECT_EQ(syntax.status, kFail);
  EXPECT_EQ(syntax.line, 8);
  const NodeCheck name = CheckOf(Replaced(kCppNode, "text.size()", "txt.size()"), "undefined_names");
  EXPECT_THAT(name.message, HasSubstr("was not declared in this scope"));
  EXPECT_EQ(name.line, 7);
  const NodeCheck header = CheckOf(Replaced(kCppNode, "<string>", "<strings_of_nobody>"), "undefined_names");
  EXPECT_EQ(header.status, kFail);
  const NodeCheck warning = CheckOf(Replaced(kCppNode, "return 0;", "int unused;\n  return 0;"), "warnings");
  EXPECT_EQ(warning.rule, "-Wunused-variable");
  EXPECT_EQ(warning.score, 0.5);
}

TEST_F(NodeCpp, ASyntaxErrorCapsTheScore) {
  EXPECT_EQ(Score(Examine(Replaced(kCppNode, "return 0;", "return 0"), kCpp), kCpp), kSyntaxErrorCap);
}

TEST_F(NodeCpp, TheContractIsLookedForInCodeAndNotInComments) {
  EXPECT_EQ(CheckOf(Replaced(kCppNode, "std::getline(std::cin, text);", "// std::cin"), "stdin_use").rule,
            "stdin-not-read");
  EXPECT_EQ(CheckOf(Replaced(kCppNode, "int main()", "int run()"), "main_function").rule, "main-missing");
  EXPECT_EQ(CheckOf(Replaced(kCppNode, "std::cout", "std::cerr"), "json_output").rule, "output-missing");
  EXPECT_EQ(
      CheckOf(Replaced(kCppNode, "\"{\\\"length\\\": \" << text.size() << \"}\\n\"", "text.size()"), "json_output")
          .rule,
      "output-not-json");
}

TEST_F(NodeCpp, AFileIsFormattedWhereThatDoesNotBreakIt) {
  // A formatter of one trick stands for clang-format, which not every machine has.
  const auto formatter = [&](const std::string& script) {
    root_.Put("bin/clang-format", "#!/bin/sh\n" + script + "\n", true);
    config_.path = root_ / "bin" + ":/usr/bin:/bin";
    settings_.reset();
  };
  formatter("sed 's/\\t/  /g' node.cpp");
  const ExaminedNode good = Examine(Replaced(kCppNode, "  return 0;", "\treturn 0;"), kCpp);
  EXPECT_TRUE(Check(good, "formatting").auto_fixed) << Told(good);
  EXPECT_EQ(good.repaired, kCppNode);
  EXPECT_EQ(Check(Examine(kCppNode, kCpp), "formatting").status, kPass);
  EXPECT_FALSE(Examine(kCppNode, kCpp).repaired.has_value());

  formatter("sed 's/<string>/<nothing_of_the_kind>/' node.cpp");
  const ExaminedNode bad = Examine(kCppNode, kCpp);
  EXPECT_EQ(Check(bad, "formatting").status, kFail);
  EXPECT_FALSE(bad.repaired.has_value());
}

TEST_F(NodeCpp, WhatIsNotInstalledIsLeftOutAndSaid) {
  config_.path = "/usr/bin:/bin";
  for (const auto& [tool, check] : {std::pair("clang-format", "formatting"), std::pair("clang-tidy", "clang_tidy")}) {
    const NodeCheck made = CheckOf(kCppNode, check);
    if (made.status != kSkipped) continue;
    EXPECT_EQ(made.message, std::string(tool) + " is not installed");
  }
  config_.cxx = "compiler-of-nobody";
  settings_.reset();
  const NodeSource source{.text = kCppNode, .tools = {}, .required_tools = {}};
  EXPECT_THAT(ExamineNodes(settings(), kCpp, {&source, 1}).error().message,
              HasSubstr("need a compiler on the worker's machine"));
}

// AC-7
TEST_F(NodeCpp, ANodeIsCompiledAndRun) {
  const NodeTestReport report =
      RunTests({.language = std::string(kCpp),
                .text = kCppNode,
                .tools = nullptr,
                .cases = {{.name = "", .input = "abc", .expect = {{"equals", {{"length", 5}}}}}}});
  EXPECT_TRUE(report.passed) << json(report).dump(1);
  const NodeTestReport broken =
      RunTests({.language = std::string(kCpp), .text = "int main() { return x; }\n", .tools = nullptr, .cases = {}});
  EXPECT_EQ(broken.cases.at(0).outcome, kCaseNotCode);
  EXPECT_THAT(broken.message, HasSubstr("does not compile"));
}

}  // namespace
}  // namespace wfe::nodes
