"""Errors of what comes in and goes out: JSON on standard output, standard input."""

from __future__ import annotations

from typing import List

from plant import of
from shapes import Node, sort_imports

# ---- JSON on standard output


def _writes(node: Node, lines: List[str], imports: List[str]) -> str:
    node.write = lines
    node.imports = sort_imports([line for line in node.imports if line] + imports)
    return node.text()


@of("json_output")
def python_form(node, rng):
    return _writes(node, [rng.choice(["print(result)", "print(str(result))", "print(repr(result))"])], [])


@of("json_output")
def nothing_written(node, rng):
    return _writes(node, ["return result"], [])


@of("json_output")
def to_stderr(node, rng):
    return _writes(node, ["print(json.dumps(result), file=sys.stderr)"], ["import json", "import sys"])


@of("json_output")
def made_and_dropped(node, rng):
    return _writes(
        node,
        [rng.choice(["json.dumps(result)", "text = json.dumps(result)", "return json.dumps(result)"])],
        ["import json"],
    )


@of("json_output")
def talks_before(node, rng):
    node.before = [rng.choice(['print("Processing input...")', 'print("Starting", 1)', 'print(f"mode: {1}")'])]
    return node.text()


@of("json_output")
def label_before(node, rng):
    lines = [
        'print("Result:", json.dumps(result))',
        'print("Result: " + json.dumps(result))',
        'print(f"Result: {json.dumps(result)}")',
    ]
    return _writes(node, [rng.choice(lines)], ["import json"])


@of("json_output")
def pretty_printed(node, rng):
    return _writes(node, ["pprint.pprint(result)"], ["import pprint"])


@of("json_output")
def into_a_file(node, rng):
    return _writes(node, ['with open("output.json", "w") as out:', "    json.dump(result, out)"], ["import json"])


@of("json_output")
def names_dumps(node, rng):
    return _writes(node, ["print(json.dumps)"], ["import json"])


@of("json_output")
def encoded(node, rng):
    return _writes(node, ['print(json.dumps(result).encode("utf-8"))'], ["import json"])


@of("json_output")
def one_by_one(node, rng):
    return _writes(
        node, ["for key, value in result.items():", "    print(json.dumps({key: value}))"], ["import json"]
    )


@of("json_output")
def through_a_helper(node, rng):
    node.helpers.append("def show(value):\n    message = str(value)\n    print(message)\n")
    return _writes(node, ["show(result)"], [])


@of("json_output")
def helper_that_returns(node, rng):
    node.helpers.append("def to_json(value):\n    return json.dumps(value)\n")
    return _writes(node, ["to_json(result)"], ["import json"])


@of("json_output")
def by_hand(node, rng):
    return _writes(node, ["print(\"{'result': \" + str(result) + '}')"], [])


@of("json_output")
def dump_without_file(node, rng):
    return _writes(node, ["json.dump(result)"], ["import json"])


@of("json_output")
def trailing_words(node, rng):
    return _writes(
        node, node.write + [rng.choice(['print("done")', 'print("Finished in", 3, "ms")', 'print("-" * 20)'])], []
    )


@of("json_output")
def prompts(node, rng):
    node.helpers = [h for h in node.helpers if "stdin" not in h]
    node.read = ['data = json.loads(input("Enter the input: "))']
    node.imports = sort_imports([line for line in node.imports if line] + ["import json"])
    return node.text()


@of("json_output")
def dict_of_lines(node, rng):
    # A value that cannot be JSON: only a run shows it.
    node.tool.append('result["made_by"] = {1, 2}')
    return node.text()


# ---- standard input


def _reads(node: Node, lines: List[str], imports: List[str]) -> str:
    node.read = lines
    node.imports = sort_imports([line for line in node.imports if line] + imports)
    return node.text()


@of("stdin_use")
def from_arguments(node, rng):
    return _reads(
        node,
        [rng.choice(["data = json.loads(sys.argv[1])", "data = json.loads(open(sys.argv[1]).read())"])],
        ["import json", "import sys"],
    )


@of("stdin_use")
def from_a_file(node, rng):
    lines = [
        ['with open("input.json") as source:', "    data = json.load(source)"],
        ["data = json.loads(open('data.json').read())"],
    ]
    return _reads(node, rng.choice(lines), ["import json"])


@of("stdin_use", silent=True)
def written_down(node, rng):
    return _reads(node, [f"data = {node.input!r}"], [])


@of("stdin_use", silent=True)
def helper_not_called(node, rng):
    node.helpers.append("def load_input():\n    return json.load(sys.stdin)\n")
    return _reads(node, [f"data = {node.input!r}"], ["import json", "import sys"])


@of("stdin_use")
def read_not_called(node, rng):
    return _reads(node, ["raw = sys.stdin.read", "data = json.loads(raw)"], ["import json", "import sys"])


@of("stdin_use")
def from_environment(node, rng):
    return _reads(node, ['data = json.loads(os.environ["INPUT"])'], ["import json", "import os"])


@of("stdin_use")
def not_parsed(node, rng):
    return (
        _reads(node, ["data = sys.stdin.read()"], ["import sys"])
        if "json.load" not in "".join(node.helpers)
        else None
    )


@of("stdin_use", silent=True)
def in_a_comment(node, rng):
    node.helpers.append('NOTE = "data = json.load(sys.stdin)"\n# json.load(sys.stdin) comes later\n')
    return _reads(node, [f"data = {node.input!r}"], [])


@of("stdin_use", silent=True)
def only_asks(node, rng):
    return _reads(node, ["if sys.stdin.isatty():", "    pass", f"data = {node.input!r}"], ["import sys"])


@of("stdin_use")
def from_stdout(node, rng):
    return _reads(node, ["data = json.load(sys.stdout)"], ["import json", "import sys"])
