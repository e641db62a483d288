"""RC-1's neighbour, the package node_runtime (SG-3): call_tool() as nodes use it."""

import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../../activities/nodes/runtime"))

import node_runtime  # noqa: E402
from node_runtime import ToolError, ToolFailed, UnknownTool, call_tool  # noqa: E402


class CallTool(unittest.TestCase):
    def setUp(self):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".json", delete=False)
        os.environ["WFE_NODE_TOOLS"] = self.file.name

    def tearDown(self):
        os.environ.pop("WFE_NODE_TOOLS", None)
        os.unlink(self.file.name)

    def tools(self, tools):
        with open(self.file.name, "w", encoding="utf-8") as file:
            json.dump({"tools": tools}, file)

    def refused(self, error, name, arguments):
        with self.assertRaises(error) as caught:
            call_tool(name, arguments)
        return str(caught.exception)

    def test_an_answer_is_found_by_its_arguments(self):
        self.tools(
            {
                "t": {
                    "answers": [{"arguments": {"id": 1}, "result": "one"}, {"arguments": {"id": [2]}, "result": None}]
                }
            }
        )
        self.assertEqual(call_tool("t", {"id": 1}), "one")
        self.assertIsNone(call_tool("t", {"id": (2,)}))
        self.assertIn('has no answer for the arguments {"id": 3}', self.refused(ToolFailed, "t", {"id": 3}))

    def test_other_arguments_get_what_is_meant_for_them(self):
        self.tools({"t": {"answers": [{"arguments": {}, "error": "closed"}], "otherwise": {"a": 1}}})
        self.assertEqual(call_tool("t", {"x": 1}), {"a": 1})
        self.assertIn("the tool 't' failed: closed", self.refused(ToolFailed, "t", {}))

    def test_an_unknown_tool_is_refused_by_name(self):
        self.tools({"b": {"answers": []}, "a": {"answers": []}})
        said = self.refused(UnknownTool, "c", {})
        self.assertEqual(said, "there is no tool 'c'; known tools: a, b")

    def test_without_a_tools_file_there_are_none(self):
        del os.environ["WFE_NODE_TOOLS"]
        self.assertIn("known tools: none", self.refused(UnknownTool, "c", {}))

    def test_what_is_no_name_or_no_object_is_refused(self):
        self.assertIn("first argument", self.refused(TypeError, {"id": 1}, "t"))
        self.assertIn("first argument", self.refused(TypeError, "", {}))
        self.assertIn("second argument", self.refused(TypeError, "t", '{"id": 1}'))

    def test_a_command_reads_and_writes_json(self):
        script = "import json, sys; print(json.dumps({'got': json.load(sys.stdin)}))"
        self.tools({"t": {"command": [sys.executable, "-c", script]}})
        self.assertEqual(call_tool("t", {"a": [1, None]}), {"got": {"a": [1, None]}})

    def test_a_command_that_fails_is_told(self):
        self.tools(
            {
                "exit": {"command": [sys.executable, "-c", "import sys; sys.exit('no such city')"]},
                "text": {"command": [sys.executable, "-c", "print('hello')"]},
                "slow": {"command": [sys.executable, "-c", "import time; time.sleep(60)"], "timeout_s": 0.2},
                "gone": {"command": ["/no/such/program"]},
                "both": {"command": ["x"], "answers": []},
            }
        )
        self.assertIn("exit code 1: no such city", self.refused(ToolFailed, "exit", {}))
        self.assertIn("is not JSON", self.refused(ToolFailed, "text", {}))
        self.assertIn("did not answer within 0.2 s", self.refused(ToolFailed, "slow", {}))
        self.assertIn("could not be started", self.refused(ToolFailed, "gone", {}))
        self.assertIn("neither or both", self.refused(ToolFailed, "both", {}))

    def test_a_tools_file_that_is_none_is_told(self):
        for text in ("", "[]", '{"tools": 3}', "{"):
            with open(self.file.name, "w", encoding="utf-8") as file:
                file.write(text)
            self.assertIn(self.file.name, self.refused(ToolError, "t", {}))

    def test_the_package_tells_its_types(self):
        self.assertTrue(os.path.exists(os.path.join(os.path.dirname(node_runtime.__file__), "py.typed")))
        self.assertEqual(sorted(call_tool.__annotations__), ["arguments", "name", "return"])
        self.assertTrue(set(node_runtime.__all__) <= set(dir(node_runtime)))


if __name__ == "__main__":
    unittest.main()
