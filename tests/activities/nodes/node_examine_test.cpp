// SG-3, SG-4: the eight checks of Python nodes and their two repairs.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/activities/nodes/node_machine.h"

namespace wfe::nodes {
namespace {

using test::kCleanNode;
using test::NodeOf;
using testing::HasSubstr;
using testing::IsEmpty;

class NodeExamine : public test::NodeMachine {};

const std::string kRead = "data = json.load(sys.stdin)\n";
const std::string kWrite = "print(json.dumps(data))\n";

TEST_F(NodeExamine, ANodeWithoutAFaultHasTheFullScoreAndIsLeftAsItIs) {
  const ExaminedNode node = Examine(kCleanNode);
  EXPECT_EQ(Score(node), 1.0) << Told(node);
  EXPECT_FALSE(node.repaired.has_value());
  EXPECT_EQ(node.checks.size(), 8U);
}

TEST_F(NodeExamine, NodesAsPeopleWriteThemHaveTheFullScore) {
  std::vector<NodeSource> sources;
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(WFE_SOURCE_DIR "/tests/testdata/nodes")) {
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    sources.push_back({.text = text.str(), .tools = {}, .required_tools = {}});
    names.push_back(entry.path().filename());
  }
  const auto examined = ExamineNodes(settings(), kPython, sources);
  ASSERT_TRUE(examined.has_value()) << examined.error().message;
  EXPECT_GE(examined->size(), 13U);
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(Score((*examined)[i]), 1.0) << names[i] << "\n" << Told((*examined)[i]);
    EXPECT_FALSE((*examined)[i].repaired.has_value()) << names[i];
  }
}

TEST_F(NodeExamine, ATextThatIsNoPythonIsToldInPlainWords) {
  const auto said = [&](const std::string& text) { return Check(Examine(text), "syntax").message; };
  EXPECT_THAT(said("def main(:\n    pass\n"), HasSubstr("is not Python: invalid syntax (line 1)"));
  EXPECT_THAT(said("def main():\n    print \"x\"\n"), HasSubstr("is Python 2"));
  EXPECT_THAT(said("def f():\n    try:\n        g()\n    except E, e:\n        pass\n"), HasSubstr("is Python 2"));
  EXPECT_THAT(said("Here is the node that you asked for.\n\nimport json\n"), HasSubstr("prose and not Python"));
  EXPECT_THAT(said("```python\nimport json\n```\n"), HasSubstr("a Markdown fence is left in it (line 1)"));
  EXPECT_THAT(said("```python\na = 1\n```\nand\n```python\nb = 2\n```\n"), HasSubstr("an answer with 2 code blocks"));
  EXPECT_THAT(said("return 3\n"), HasSubstr("'return' outside function"));
  EXPECT_THAT(said(""), HasSubstr("the file is empty"));
  EXPECT_THAT(said("   \n\n"), HasSubstr("the file is empty"));
  EXPECT_THAT(said(std::string("a = 1\nb = '\0'\n", 14)), HasSubstr("NUL"));
  EXPECT_THAT(said("a = '\xff'\n"), HasSubstr("not text in UTF-8"));
  EXPECT_THAT(said(std::string(300 << 10, '#')), HasSubstr("at most 262144 are examined"));
}

TEST_F(NodeExamine, ASyntaxErrorBlocksTheOtherChecksAndCapsTheScore) {
  const ExaminedNode node = Examine("def main(:\n");
  EXPECT_LE(Score(node), kSyntaxErrorCap);
  EXPECT_EQ(Check(node, "main_function").status, kBlocked);
  EXPECT_EQ(Check(node, "syntax").rule, "E999");
  EXPECT_EQ(Check(node, "syntax").line, 1);
}

TEST_F(NodeExamine, MainIsThereAndIsCalled) {
  Rules("import json\n", "main_function").Gives("main-missing:0");
  Rules("def main():\n    pass\n", "main_function").Gives("main-not-called:1");
  Rules("def main():\n    pass\n\nif __name__ == '__main':\n    main()\n", "main_function").Gives("main-not-called:1");
  Rules("def main():\n    pass\n\nif __name__ == '__main__':\n    main\n", "main_function").Gives("main-not-called:1");
  Rules("def f():\n    def main():\n        pass\n    main()\nf()\n", "main_function").Gives("main-inside:2");
  Rules("async def main():\n    pass\n\nmain()\n", "main_function").Gives("main-not-awaited:4");
  Rules("def main(a, b=1):\n    pass\n\nmain()\n", "main_function").Gives("main-arguments:4");
  for (const char* end :
       {"main()", "import sys\nsys.exit(main())", "run(main)", "if not __name__ != '__main__':\n    main()"}) {
    Rules(std::string("def run(f):\n    f()\n\n\ndef main():\n    pass\n\n\n") + end + "\n", "main_function").Gives("");
  }
}

TEST_F(NodeExamine, StandardInputIsReadWhereTheProgramComesBy) {
  const auto rules = [&](const std::string& lines, const std::string& above = "") {
    return Rules(NodeOf(lines + kWrite, above,
                        "import argparse\nimport ast\nimport fileinput\nimport io\nimport json\nimport sys\n"),
                 "stdin_use");
  };
  rules("data = json.load(sys.stdin)\n").Gives("");
  rules("data = json.loads(input())\n").Gives("");
  rules("data = json.loads(''.join(fileinput.input()))\n").Gives("");
  rules("data = json.loads(open(0).read())\n").Gives("");
  rules("data = json.loads(''.join(line for line in sys.stdin))\n").Gives("");
  rules("source = sys.stdin.buffer\ndata = json.loads(source.read())\n").Gives("");
  rules("data = read(sys.stdin)\n", "def read(stream):\n    return json.loads(stream.read())\n").Gives("");
  rules("data = json.load(io.TextIOWrapper(sys.stdin.buffer, encoding='utf-8'))\n").Gives("");
  rules("data = {}\n").Gives("stdin-not-read:0");
  rules("data = json.loads(sys.argv[1])\n").Gives("stdin-not-read:10");
  rules("data = json.load(open('in.json'))\n").Gives("stdin-not-read:10");
  rules("data = {}\n", "def read():\n    return json.load(sys.stdin)\n").Gives("stdin-not-read:9");
  rules("data = read(sys.stdin)\n", "def read(stream):\n    return json.loads('{}')\n").Gives("stdin-not-read:0");
  rules("raw = sys.stdin.read\ndata = json.loads(raw)\n").Gives("stdin-not-called:10");
  rules("data = ast.literal_eval(sys.stdin.read())\n").Gives("stdin-not-parsed:0");
  rules("'''json.load(sys.stdin)'''\ndata = {}\n").Gives("stdin-not-read:0");
}

TEST_F(NodeExamine, JsonGoesToStandardOutputAndNothingElse) {
  const auto rules = [&](const std::string& lines, const std::string& above = "") {
    return Rules(NodeOf(kRead + lines, above), "json_output");
  };
  for (const char* right :
       {"print(json.dumps(data))", "json.dump(data, sys.stdout)", "sys.stdout.write(json.dumps(data) + '\\n')",
        "text = json.dumps(data)\nprint(text)", "sys.stdout.buffer.write(json.dumps(data).encode())",
        "print(f'{json.dumps(data)}')", "print('%s' % json.dumps(data))", "print('{}'.format(json.dumps(data)))",
        "out = sys.stdout\njson.dump(data, fp=out)", "write = print\nwrite(json.dumps(data))",
        "parts = []\nparts.append(json.dumps(data))\nprint(''.join(parts))", "print(json.JSONEncoder().encode(data))",
        "print('log', file=sys.stderr)\nprint(json.dumps(data))", "print(json.dumps(data))\nprint()",
        "for row in data:\n    if row:\n        print(json.dumps(row))\n        return\nprint('null')"}) {
    rules(right).Gives("");
  }
  rules("emit(data)", "def emit(value):\n    print(json.dumps(value))\n").Gives("");
  rules("print(data)").Gives("output-not-json:7");
  rules("print(json.loads(json.dumps(data)))").Gives("output-not-json:7");
  rules("print(json.dumps)").Gives("output-not-json:7");
  rules("print(json.dumps(data).encode())").Gives("output-not-json:7");
  rules("json.dumps(data)").Gives("output-missing:7");
  rules("print(json.dumps(data), file=sys.stderr)").Gives("output-missing:7");
  rules("return data").Gives("output-missing:0");
  rules("print('working')\nprint(json.dumps(data))").Gives("stdout-noise:7");
  rules("print('Result:', json.dumps(data))").Gives("stdout-noise:7");
  rules("for row in data:\n    print(json.dumps(row))").Gives("output-in-loop:8");
  rules("print(json.dump(data, sys.stdout))").Gives("output-not-json:7 stdout-noise:7");
  rules("pass", "def emit(value):\n    print(json.dumps(value))\n").Gives("output-missing:0");
}

TEST_F(NodeExamine, WhatSpoilsSomeOutputOnlyCostsHalfOfTheCheck) {
  EXPECT_EQ(Check(Examine(NodeOf(kRead + "print('working')\n" + kWrite)), "json_output").score, 0.5);
  EXPECT_EQ(Check(Examine(NodeOf(kRead + "print(data)\n")), "json_output").score, 0.0);
}

TEST_F(NodeExamine, NamesStandForSomething) {
  const auto rules = [&](const std::string& lines, const std::string& above = "") {
    return Rules(NodeOf(kRead + lines + "\n" + kWrite, above), "undefined_names");
  };
  rules("data = totl").Gives("F821:7");
  rules("def inner():\n    return missing\ninner()").Gives("F821:8");
  rules("data = [x * factor for x in data]").Gives("F821:7");
  rules("data = re.sub('a', 'b', data)").Gives("F821:7");
  rules("del data").Gives("F821:8");
  rules("data = json.stringify(data)").Gives("unknown-member:7");
  rules("import pandas_of_nobody\n").Gives("missing-module:7");
  rules("try:\n    import pandas_of_nobody\nexcept ImportError:\n    pass").Gives("");
  rules("from collections import OrderDict").Gives("unknown-member:7");
  rules("C().get()",
        "class C:\n    def __init__(self):\n        self.a = 1\n\n    def get(self):\n        return self.b\n")
      .Gives("unknown-attribute:9");
  rules("data = squareroot(4)", "from math import *\n").Gives("F405:9");
  rules("data = sqrt(4)", "from math import *\n").Gives("");
}

TEST_F(NodeExamine, ToolsAreCalledAsTheyAreMeant) {
  const auto rules = [&](const std::string& lines, std::optional<std::vector<std::string>> tools = {}) {
    const std::string imports = "import json\nimport sys\n\nfrom node_runtime import call_tool\n";
    return Rules(
        {.text = NodeOf(kRead + lines + "\n" + kWrite, "", imports), .tools = std::move(tools), .required_tools = {}},
        "call_tool_use");
  };
  rules("data = call_tool('a', {'id': 1})").Gives("");
  rules("data = call_tool(data['tool'], data)").Gives("");
  rules("data = call_tool('a')").Gives("call-tool-arguments:9");
  rules("data = call_tool({'id': 1}, 'a')").Gives("call-tool-arguments:9");
  rules("data = call_tool('a', json.dumps(data))").Gives("call-tool-arguments:9");
  rules("data = call_tool('a', id=1)").Gives("call-tool-arguments:9");
  rules("data = call_tool['a']").Gives("call-tool-not-called:9");
  rules("data = call_tool").Gives("call-tool-not-called:9");
  rules("data = call_tool('a', {}).json()").Gives("call-tool-result:9");
  rules("import subprocess\nsubprocess.run(['ls'])").Gives("around-call-tool:10");
  rules("def call_tool(name, arguments):\n    return {}").Gives("call-tool-redefined:9");
  rules("data = call_tool('b', {})", {{"a"}}).Gives("tool-unknown:9");
  rules("data = call_tool('a', {})", {{"a"}}).Gives("");
}

TEST_F(NodeExamine, AToolThatThePlanNamesIsCalled) {
  const ExaminedNode node = ExamineSource({.text = kCleanNode, .tools = {}, .required_tools = {"weather"}});
  EXPECT_EQ(Check(node, "call_tool_use").rule, "tool-not-called");
}

TEST_F(NodeExamine, ImportsArePutInOrder) {
  const std::string text =
      "\"\"\"A node.\"\"\"\nimport sys\nimport json\n\n\ndef main():\n    data = json.load(sys.stdin)\n"
      "    print(json.dumps(data))\n\n\nmain()\n";
  const ExaminedNode node = Examine(text);
  EXPECT_EQ(Score(node), 1.0) << Told(node);
  const NodeCheck& check = Check(node, "import_order");
  EXPECT_TRUE(check.auto_fixed);
  EXPECT_EQ(check.rule, "I001");
  EXPECT_EQ(check.line, 2);
  EXPECT_THAT(check.message, HasSubstr("import json belongs before import sys"));
  ASSERT_TRUE(node.repaired.has_value());
  EXPECT_THAT(*node.repaired, HasSubstr("import json\nimport sys\n"));
}

TEST_F(NodeExamine, AnImportBelowCodeIsMovedUpWhereThatChangesNothing) {
  const ExaminedNode moved = Examine(NodeOf(kRead + kWrite, "LIMIT = 3\n\nimport re\n"));
  EXPECT_TRUE(Check(moved, "import_order").auto_fixed) << Told(moved);
  // The module's name is bound before: above the assignment the import would be lost.
  const ExaminedNode kept = Examine(NodeOf(kRead + kWrite, "re = 3\n\nimport re\n"));
  EXPECT_EQ(Check(kept, "import_order").status, kFail);
  EXPECT_EQ(Check(kept, "import_order").rule, "E402");
  EXPECT_FALSE(kept.repaired.has_value());
}

TEST_F(NodeExamine, TheImportOfTheRuntimeIsPutRight) {
  const std::string lines = kRead + "data = call_tool('a', {})\n" + kWrite;
  const auto repaired = [&](const std::string& imports) {
    const ExaminedNode node = Examine(NodeOf(lines, "", imports));
    EXPECT_TRUE(Check(node, "runtime_import").auto_fixed) << imports << Told(node);
    EXPECT_EQ(Score(node), 1.0) << Told(node);
    return node.repaired.value_or("");
  };
  const std::string wanted = "import json\nimport sys\n\nfrom node_runtime import call_tool\n";
  EXPECT_THAT(repaired("import json\nimport sys\n"), HasSubstr(wanted));
  EXPECT_THAT(repaired("import json\nimport sys\n\nfrom noderuntime import call_tool\n"), HasSubstr(wanted));
  EXPECT_THAT(repaired("import json\nimport sys\n\nfrom .node_runtime import call_tool\n"), HasSubstr(wanted));
  EXPECT_THAT(repaired("from __future__ import annotations\n\nimport json\nimport sys\n"),
              HasSubstr("from __future__ import annotations\n\n" + wanted));
  EXPECT_THAT(repaired("#!/usr/bin/env python3\n# coding: utf-8\n'''Text.'''\nimport json\nimport sys\n"),
              HasSubstr("'''Text.'''\n" + wanted));
  EXPECT_THAT(repaired("import json\r\nimport sys\r\n"), HasSubstr("from node_runtime import call_tool\r\n"));
}

TEST_F(NodeExamine, AConditionalImportOfTheRuntimeIsOne) {
  const ExaminedNode node =
      Examine(NodeOf(kRead + "data = call_tool('a', {})\n" + kWrite, "",
                     "import json\nimport sys\n\ntry:\n    from node_runtime import call_tool\nexcept ImportError:\n"
                     "    def call_tool(name, arguments):\n        return None\n"));
  EXPECT_EQ(Score(node), 1.0) << Told(node);
  EXPECT_FALSE(node.repaired.has_value());
}

TEST_F(NodeExamine, WhatCannotBeRepairedSafelyIsLeftAsItIsAndSaid) {
  // On one line with what must stay before it.
  const ExaminedNode node = Examine("'''text'''; data = call_tool('a', {})\n");
  EXPECT_EQ(Check(node, "runtime_import").status, kFail);
  EXPECT_FALSE(node.repaired.has_value());
}

TEST_F(NodeExamine, WithoutLeaveToRepairTheFaultsAreFindings) {
  const ExaminedNode node =
      ExamineSource({.text = "import sys\nimport json\n", .tools = {}, .required_tools = {}, .repair = false});
  EXPECT_FALSE(node.repaired.has_value());
  EXPECT_EQ(Check(node, "import_order").status, kFail);
  EXPECT_FALSE(Check(node, "import_order").auto_fixed);
}

TEST_F(NodeExamine, FilesThatAreMadeToBreakTheExaminerCostThemselvesOnly) {
  std::string deep = "x = ";
  for (int i = 0; i < 20'000; ++i) deep += "-";
  std::string chain = "x = 1";
  for (int i = 0; i < 20'000; ++i) chain += " + 1";
  std::string brackets(5'000, '(');
  std::string circles;
  for (int i = 0; i < 1'500; ++i)
    circles += "a" + std::to_string(i % 40) + " = a" + std::to_string((i * 7) % 40) + ".next() + a1\n";
  std::vector<NodeSource> sources;
  for (const std::string& text :
       {std::string(kCleanNode), deep + "1\n", chain + "\n", brackets, circles, std::string(kCleanNode)}) {
    sources.push_back({.text = text, .tools = {}, .required_tools = {}});
  }
  const auto examined = ExamineNodes(settings(), kPython, sources);
  ASSERT_TRUE(examined.has_value()) << examined.error().message;
  ASSERT_EQ(examined->size(), sources.size());
  for (const ExaminedNode& node : *examined) EXPECT_EQ(node.checks.size(), 8U);
  EXPECT_EQ(Score(examined->front()), 1.0);
  EXPECT_EQ(Score(examined->back()), 1.0);
  EXPECT_LT(Score((*examined)[1]), kGateScore);
  EXPECT_LT(Score((*examined)[3]), kGateScore);
}

TEST_F(NodeExamine, AMachineWithoutPythonSaysSo) {
  config_.python = "python-of-nobody";
  const NodeSource source{.text = kCleanNode, .tools = {}, .required_tools = {}};
  const auto examined = ExamineNodes(settings(), kPython, {&source, 1});
  ASSERT_FALSE(examined.has_value());
  EXPECT_EQ(examined.error().code, StatusCode::kFailedPrecondition);
  EXPECT_THAT(examined.error().message,
              HasSubstr("need Python 3.8 or later on the worker's machine (there is no program python-of-nobody"));
}

TEST_F(NodeExamine, APythonWithoutItsToolsLeavesTwoChecksOutAndSaysSo) {
  // An interpreter without Debian's packages: -S leaves out the directory they are in.
  root_.Put("bin/bare-python",
            "#!/bin/sh\nif [ \"$1\" = -I ]; then shift; exec /usr/bin/python3 -I -S \"$@\"; fi\nexec /usr/bin/python3 "
            "-S \"$@\"\n",
            true);
  config_.python = root_ / "bin/bare-python";
  const ExaminedNode node = Examine("import sys\nimport json\nfoo()\n");
  EXPECT_EQ(Check(node, "undefined_names").status, kSkipped);
  EXPECT_THAT(Check(node, "undefined_names").message, HasSubstr("python3-pyflakes"));
  EXPECT_EQ(Check(node, "import_order").status, kSkipped);
  EXPECT_THAT(Check(node, "import_order").message, HasSubstr("python3-isort"));
  EXPECT_EQ(Score(Examine(kCleanNode)), 1.0);
}

TEST_F(NodeExamine, AnUnknownLanguageIsRefused) {
  const NodeSource source{.text = "x", .tools = {}, .required_tools = {}};
  const auto examined = ExamineNodes(settings(), "cobol", {&source, 1});
  ASSERT_FALSE(examined.has_value());
  EXPECT_THAT(examined.error().message, HasSubstr("\"cobol\"; it may be python or cpp"));
}

}  // namespace
}  // namespace wfe::nodes
