// AC-7, SG-1: nodes are run on given inputs, in the sandbox, and what went wrong is one sentence.
#include <gmock/gmock.h>

#include "tests/activities/nodes/node_machine.h"

namespace wfe::nodes {
namespace {

using nlohmann::json;
using test::kCleanNode;
using test::NodeOf;
using testing::AllOf;
using testing::HasSubstr;

class NodeRun : public test::NodeMachine {
 protected:
  NodeRun() { config_.limits.wall_clock = std::chrono::seconds(20); }
  /// The first case of a node whose main() has these lines, run on an empty object.
  NodeCaseReport RunLines(const std::string& lines, const std::string& imports = "import json\nimport sys\n") {
    return RunTests({.language = "", .text = NodeOf(lines, "", imports), .tools = nullptr, .cases = {}}).cases.at(0);
  }
  static NodeTestCase Case(json input, std::vector<NodeExpectation> expect) {
    return {.name = "", .input = std::move(input), .expect = std::move(expect)};
  }
};

const json kTools = {{"language", {{"answers", json::array()}, {"otherwise", "English"}}}};

TEST_F(NodeRun, ANodeIsJudgedByWhatItWrites) {
  const NodeTestReport report = RunTests(
      {.language = "",
       .text = kCleanNode,
       .tools = kTools,
       .cases = {
           Case({{"text", "b a b"}}, {{"equals", {{"words", 3}, {"most", "b"}, {"language", "English"}}}}),
           Case({{"text", "b a b"}}, {{"contains", {{"words", 3.0}}}, {"has_keys", {"most"}}, {"type", "object"}}),
           Case({{"text", "a"}}, {{"contains", {{"words", 2}}}}), Case({{"text", 3}}, {{"fails", nullptr}}),
           Case(json::object(), {})}});
  EXPECT_FALSE(report.passed);
  EXPECT_EQ(report.total, 5);
  EXPECT_EQ(report.failed, 1) << json(report).dump(1);
  EXPECT_EQ(report.cases[2].outcome, kCaseWrongOutput);
  EXPECT_EQ(report.message, "the node wrote what is 1 at /words and not 2 (case 3)");
  EXPECT_THAT(report.runs_with, HasSubstr("Python 3."));
}

TEST_F(NodeRun, WithoutCasesANodeIsRunOnAnEmptyObject) {
  const NodeTestReport report = RunTests({.language = "", .text = kCleanNode, .tools = kTools, .cases = {}});
  EXPECT_TRUE(report.passed) << report.message;
  EXPECT_EQ(report.total, 1);
}

TEST_F(NodeRun, AToolThatIsNotThereIsRefusedByName) {
  const NodeTestReport report =
      RunTests({.language = "", .text = kCleanNode, .tools = {{"weather", {{"answers", json::array()}}}}, .cases = {}});
  EXPECT_FALSE(report.passed);
  EXPECT_THAT(report.message, HasSubstr("there is no tool 'language'; known tools: weather"));
}

TEST_F(NodeRun, AToolCanBeAProgram) {
  const json tools = {{"language", {{"command", {"/bin/sh", "-c", "cat >/dev/null; echo '\"Norsk\"'"}}}}};
  const NodeTestReport report = RunTests({.language = "",
                                          .text = kCleanNode,
                                          .tools = tools,
                                          .cases = {Case({{"text", "a"}}, {{"contains", {{"language", "Norsk"}}}})}});
  EXPECT_TRUE(report.passed) << json(report).dump(1);
}

TEST_F(NodeRun, AnErrorOfTheNodeIsToldWithItsLine) {
  const NodeCaseReport report = RunLines("data = json.load(sys.stdin)\nprint(json.dumps(data['text']))");
  EXPECT_EQ(report.outcome, kCaseExitCode);
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_THAT(report.message, HasSubstr("ended with exit code 1: KeyError: 'text' (line 7) (an empty object)"));
  EXPECT_THAT(report.error_output, HasSubstr("Traceback"));
}

TEST_F(NodeRun, ANodeMaySayNoInItsOwnWords) {
  EXPECT_EQ(RunLines("print(json.dumps({'error': 'no text'}))\nsys.exit(1)").outcome, kCasePassed);
}

TEST_F(NodeRun, OutputThatIsNoSingleJsonValueIsToldAsWhatItIs) {
  EXPECT_THAT(RunLines("pass").message, HasSubstr("wrote nothing to standard output"));
  EXPECT_THAT(RunLines("print({'a': 1})").message,
              HasSubstr("wrote no JSON to standard output; it begins with \"{'a': 1}\""));
  EXPECT_THAT(RunLines("print('{}')\nprint('[]')").message, HasSubstr("more than one JSON value"));
}

TEST_F(NodeRun, WhatIsNoPythonIsToldAsTheExaminerTellsIt) {
  const auto said = [&](const std::string& text) {
    const NodeTestReport report = RunTests({.language = "", .text = text, .tools = nullptr, .cases = {}});
    EXPECT_EQ(report.cases.at(0).outcome, kCaseNotCode);
    return report.message;
  };
  EXPECT_THAT(said("Sure, here is the node that you asked for.\n"), HasSubstr("is prose and not Python"));
  EXPECT_THAT(said("import sys\nprint \"hello\"\n"), HasSubstr("is Python 2"));
  EXPECT_THAT(said("```python\na = 1\n```\n\n```python\nb = 2\n```\n"), HasSubstr("an answer with 2 code blocks"));
  EXPECT_THAT(said("def f(:\n"), HasSubstr("is not Python"));
}

TEST_F(NodeRun, AnEndlessLoopEndsAtTheTimeLimitAndTheCasesAfterItAreNotRun) {
  config_.limits.wall_clock = std::chrono::milliseconds(400);
  const NodeTestReport report = RunTests(
      {.language = "", .text = NodeOf("while True:\n    pass"), .tools = nullptr, .cases = {Case(1, {}), Case(2, {})}});
  EXPECT_EQ(report.cases.at(0).outcome, kCaseTimeLimit);
  EXPECT_EQ(report.message, "the node did not end within 400 ms (case 1)");
  EXPECT_EQ(report.cases.at(1).outcome, kCaseNotRun);
  EXPECT_EQ(report.failed, 2);
}

TEST_F(NodeRun, AHundredMegabytesOfOutputAreCountedAndNotKept) {
  const NodeCaseReport report = RunLines("line = 'x' * 1023\nfor _ in range(100 * 1024):\n    print(line)");
  EXPECT_EQ(report.outcome, kCaseOutputLimit) << report.message;
  EXPECT_THAT(report.message, HasSubstr("wrote 104857600 bytes to standard output; at most 1048576 are read"));
  EXPECT_LT(report.output.size(), 10'000U);
}

TEST_F(NodeRun, AForkBombIsStopped) {
  const NodeCaseReport report = RunLines("while True:\n    os.fork()", "import os\n");
  EXPECT_EQ(report.outcome, kCaseProcessLimit) << report.message;
  EXPECT_THAT(report.message, HasSubstr("started more than 64 processes"));
}

TEST_F(NodeRun, MemoryAndFilesHaveLimits) {
  config_.limits.memory_bytes = 96 << 20;
  EXPECT_EQ(
      RunLines(
          "import time\nkept = []\nwhile True:\n    kept.append(bytearray(b'x') * (1 << 20))\n    time.sleep(0.005)")
          .outcome,
      kCaseMemoryLimit);
}

TEST_F(NodeRun, ANodeFindsNothingOfTheCaseBefore) {
  const std::string text =
      NodeOf("first = not os.path.exists('left')\nopen('left', 'w').close()\nprint(json.dumps(first))", "",
             "import json\nimport os\n");
  const NodeTestReport report = RunTests({.language = "",
                                          .text = text,
                                          .tools = nullptr,
                                          .cases = {Case(1, {{"equals", true}}), Case(2, {{"equals", true}})}});
  EXPECT_TRUE(report.passed) << report.message;
}

TEST_F(NodeRun, WhatAKilledWorkerLeftBehindGoesAfterADay) {
  root_.Put("work/nodes/run-old/node.py", "");
  root_.Put("work/nodes/run-new/node.py", "");
  std::filesystem::last_write_time(root_ / "work/nodes/run-old",
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(25));
  EXPECT_EQ(RunLines("print('{}')").outcome, kCasePassed);
  EXPECT_FALSE(root_.Has("work/nodes/run-old"));
  EXPECT_TRUE(root_.Has("work/nodes/run-new"));
  // And of its own run nothing is left.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(root_ / "work/nodes"), {}), 2);
}

TEST_F(NodeRun, SecretsThatANodePrintsAreMasked) {
  config_.secrets = {"hunter2-hunter2"};
  const NodeCaseReport report = RunLines("print('hunter2-hunter2')\nraise ValueError('hunter2-hunter2')");
  EXPECT_EQ((report.message + report.output + report.error_output).find("hunter2"), std::string::npos);
}

TEST_F(NodeRun, InTheSandboxANodeHasNoNetworkAndNoHome) {
  if (const auto box = settings().ChooseSandbox(); !box || !box->used) GTEST_SKIP() << "no sandbox on this machine";
  const NodeCaseReport report = RunLines(
      "import socket\ntry:\n    socket.create_connection(('127.0.0.1', 1), 1)\nexcept OSError as error:\n    "
      "print(json.dumps([str(error), os.path.exists('/root')]))",
      "import json\nimport os\n");
  EXPECT_EQ(report.outcome, kCasePassed) << report.message;
}

TEST_F(NodeRun, WithoutASandboxNodesAreExaminedAndRunAndTheReportSaysWhy) {
  config_.sandbox = sandbox::SandboxPolicy::kOff;
  EXPECT_EQ(Score(Examine(kCleanNode)), 1.0);
  const NodeTestReport report = RunTests({.language = "", .text = kCleanNode, .tools = kTools, .cases = {}});
  EXPECT_TRUE(report.passed) << report.message;
  EXPECT_EQ(report.sandbox, "none");
  EXPECT_THAT(report.sandbox_reason, HasSubstr("build.sandbox turns it off"));
}

TEST_F(NodeRun, ASandboxThatIsRequiredAndMissingIsAFailure) {
  config_.sandbox = sandbox::SandboxPolicy::kRequired;
  config_.bwrap = "bwrap-of-nobody";
  const auto report =
      RunNodeTests(settings(), {.language = "python", .text = kCleanNode, .tools = nullptr, .cases = {}}, {});
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, StatusCode::kFailedPrecondition);
  EXPECT_THAT(report.error().message, HasSubstr("requires a sandbox"));
}

TEST_F(NodeRun, WhatCannotBeRunIsRefused) {
  const auto refused = [&](const NodeUnderTest& node) { return RunNodeTests(settings(), node, {}).error().message; };
  EXPECT_THAT(refused({.language = "cobol", .text = "x", .tools = nullptr, .cases = {}}),
              HasSubstr("it may be python or cpp"));
  EXPECT_THAT(refused({.language = "python", .text = std::string(1 << 20, '#'), .tools = nullptr, .cases = {}}),
              HasSubstr("at most 262144 are run"));
  EXPECT_THAT(refused({.language = "python", .text = "", .tools = nullptr, .cases = std::vector<NodeTestCase>(201)}),
              HasSubstr("there are 201 tests of the node; at most 200 are run"));
  EXPECT_THAT(refused({.language = "python", .text = "", .tools = 3, .cases = {}}),
              HasSubstr("tools must be an object"));
}

TEST(NodeExpectation, SaysWhereTheOutputDiffers) {
  const auto why = [](const char* kind, const json& value, const json& output) {
    return Mismatch({.kind = kind, .value = value}, output);
  };
  EXPECT_EQ(why("equals", {{"a", 0.3}}, {{"a", 0.1 + 0.2}}), "");
  EXPECT_EQ(why("equals", {{"a", 1}}, {{"a", 1}, {"b", 2}}), "has /b, which is not expected");
  EXPECT_EQ(why("contains", {{"a", {{"b", 1}}}}, {{"a", {{"b", 1}, {"c", 2}}}}), "");
  EXPECT_EQ(why("contains", {{"a", {{"b", 1}}}}, {{"a", json::object()}}), "lacks /a/b");
  EXPECT_EQ(why("equals", {1, 2}, {1, 3}), "is 3 at /1 and not 2");
  EXPECT_EQ(why("equals", {1, 2}, {1}), "has 1 elements and not 2");
  EXPECT_EQ(why("equals", "1", 1), "is 1 and not \"1\"");
  EXPECT_EQ(why("type", "array", json::object()), "is of type object and not array");
  EXPECT_EQ(why("has_keys", {"a", "b"}, {{"a", 1}}), "lacks /b");
}

TEST(NodeExpectation, OfAnUnknownKindIsRefusedWithItsPlace) {
  try {
    (void)json::parse(R"({"input": {}, "expect": [{"kind": "looks_like"}]})").get<NodeTestCase>();
    FAIL();
  } catch (const json::exception& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("expect[0]"), HasSubstr("it may be equals, contains, has_keys, type or fails")));
  }
}

}  // namespace
}  // namespace wfe::nodes
