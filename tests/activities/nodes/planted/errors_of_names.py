"""Errors of what is named and called: undefined names, call_tool()."""

from __future__ import annotations

import random
import re
from typing import List, Optional

from plant import Plant, changed, of, ours
from shapes import Node, sort_imports

# ---- undefined names


def _rename_one_use(text: str, name: str, rng: random.Random) -> Optional[str]:
    uses = [m.start() for m in re.finditer(rf"(?<![\w.\"']){name}(?![\w\"'])(?!\s*(=[^=]|:|,|\bin\b))", text)]
    if len(uses) < 1:
        return None
    at = rng.choice(uses)
    wrong = rng.choice([name[:-1], name + "s", name.capitalize(), name + "_value"])
    return text[:at] + wrong + text[at + len(name) :]


@of("undefined_names")
def misspelled(node, rng):
    body = "\n".join(node.body)
    names = sorted(set(re.findall(r"^\s*(\w{4,}) = ", body, re.MULTILINE)))
    if not names:
        return None
    name = rng.choice(names)
    wrong = _rename_one_use(body, name, rng)
    node.body = wrong.split("\n") if wrong else node.body
    return node.text() if wrong and wrong != body else None


@of("undefined_names")
def import_forgotten(node, rng):
    used = [line for line in node.imports if line and "node_runtime" not in line and not line.startswith("from")]
    if not used:
        return None
    line = rng.choice(used)
    node.imports = [other for other in node.imports if other != line]
    return node.text() if re.search(rf"\b{line.split()[1]}\.", node.text()) else None


@of("undefined_names")
def in_a_comprehension(node, rng):
    node.tool.append('result["more"] = [value * factor for value in (1, 2)]')
    return node.text()


@of("undefined_names")
def in_a_nested_function(node, rng):
    node.helpers.append(
        "def outer(values):\n    def inner(value):\n        return value + offset\n\n"
        "    return [inner(v) for v in values]\n"
    )
    node.tool.append('result["more"] = outer([1, 2])')
    return node.text()


@of("undefined_names")
def of_another_function(node, rng):
    node.helpers.append("def prepare():\n    threshold = 3\n    return threshold\n")
    node.tool.append('result["more"] = prepare() + threshold')
    return node.text()


@of("undefined_names")
def comprehension_leaks(node, rng):
    node.tool += ["squares = [item * item for item in (1, 2)]", 'result["more"] = squares + [item]']
    return node.text()


@of("undefined_names")
def other_languages_words(node, rng):
    node.tool.append(f'result["more"] = {rng.choice(["true", "null", "undefined", "nil"])}')
    return node.text()


@of("undefined_names")
def helper_misspelled(node, rng):
    return changed(node.text(), f"result = {node.task}(data)", f"result = {node.task}_data(data)")


@of("undefined_names")
def exception_misspelled(node, rng):
    node.tool += ["try:", '    int("x")', "except ValueErorr:", '    result["more"] = 0']
    return node.text()


@of("undefined_names")
def used_before(node, rng):
    node.helpers.insert(0, "LIMIT = DEFAULT_LIMIT * 2\nDEFAULT_LIMIT = 10\n")
    return node.text()


@of("undefined_names")
def module_lacks(node, rng):
    line, use = rng.choice(
        [
            ("import math", "math.squareroot(4)"),
            ("import json", 'json.parse("1")'),
            ("import os", "os.path.exist('x')"),
            ("import string", "string.letters"),
            ("import time", "time.now()"),
        ]
    )
    node.imports = sort_imports([one for one in node.imports if one] + [line])
    node.tool.append(f'result["more"] = {use}')
    return node.text()


@of("undefined_names")
def import_lacks(node, rng):
    line = rng.choice(
        ["from collections import OrderDict", "from itertools import flatten", "from math import squareroot"]
    )
    node.imports = sort_imports([one for one in node.imports if one] + [line])
    node.tool.append(f'result["more"] = str({line.split()[-1]})')
    return node.text()


@of("undefined_names")
def in_a_default(node, rng):
    node.helpers.append("def scaled(value, by=SCALE):\n    return value * by\n")
    return node.text()


@of("undefined_names")
def deleted(node, rng):
    node.tool += ["spare = 1", "del spare", 'result["more"] = spare']
    return node.text()


@of("undefined_names")
def after_the_handler(node, rng):
    node.tool += [
        "try:",
        '    int("x")',
        "except ValueError as problem:",
        "    pass",
        'result["more"] = str(problem)',
    ]
    return node.text()


@of("undefined_names")
def only_on_one_way(node, rng):
    node.tool += ["if len(result) > 1000:", "    extra = 1", 'result["more"] = extra']
    return node.text()


@of("undefined_names")
def attribute_of_self(node, rng):
    node.helpers.append(
        "class Holder:\n    def __init__(self):\n        self.total = 1\n\n"
        "    def get(self):\n        return self.totl\n"
    )
    node.tool.append('result["more"] = Holder().get()')
    return node.text()


@of("undefined_names")
def no_such_module(node, rng):
    line = rng.choice(["import jsonutils", "import textprocessing", "from helpers import clean"])
    node.imports = sort_imports([one for one in node.imports if one] + [line])
    return node.text()


# ---- call_tool()


def _calls(node: Node, lines: List[str], imports: Optional[List[str]] = None) -> Optional[str]:
    if ours(node) is None:
        return None
    node.tool = lines
    node.helpers = [h for h in node.helpers if "call_tool" not in h and "TOOL" not in h]
    wanted = ["from node_runtime import call_tool"] if imports is None else imports
    node.imports = sort_imports([line for line in node.imports if line and "node_runtime" not in line] + wanted)
    return node.text()


CALLS = {
    "one_argument": 'result["extra"] = call_tool("lookup")',
    "swapped": 'result["extra"] = call_tool({"id": 7}, "lookup")',
    "wrong_keyword": 'result["extra"] = call_tool("lookup", args={"id": 7})',
    "as_keywords": 'result["extra"] = call_tool("lookup", id=7)',
    "text_for_object": 'result["extra"] = call_tool("lookup", "id=7")',
    "json_for_object": 'result["extra"] = call_tool("lookup", json.dumps({"id": 7}))',
    "list_for_object": 'result["extra"] = call_tool("lookup", [7])',
    "three_arguments": 'result["extra"] = call_tool("lookup", {"id": 7}, 10)',
    "named_only": 'result["extra"] = str(call_tool)\ncall_tool',
    "subscript": 'result["extra"] = call_tool["lookup"]({"id": 7})',
    "attribute": 'result["extra"] = call_tool.lookup({"id": 7})',
    "of_a_response": 'result["extra"] = call_tool("lookup", {"id": 7}).json()',
    "number_as_name": 'result["extra"] = call_tool(7, {"id": 7})',
    "unknown_tool": 'result["extra"] = call_tool("look_up_everything", {"id": 7})',
    "none_for_object": 'result["extra"] = call_tool("lookup", None)',
}


def _planted_call(name: str, line: str) -> Plant:
    def plant(node, rng):
        return _calls(
            node, line.split("\n"), ["import json", "from node_runtime import call_tool"] if "json." in line else None
        )

    plant.__name__ = name
    return plant


for _name, _line in CALLS.items():
    of("call_tool_use", silent=_name == "named_only")(_planted_call(_name, _line))


@of("call_tool_use")
def awaited(node, rng):
    if not node.main.startswith("async"):
        return None
    return _calls(node, ['result["extra"] = await call_tool("lookup", {"id": 7})'])


@of("call_tool_use", silent=True)
def own_stub(node, rng):
    text = _calls(node, ['result["extra"] = call_tool("lookup", {"id": 7})'], [])
    node.helpers.append('def call_tool(name, arguments):\n    return {"name": name}\n')
    return text and node.text()


@of("call_tool_use")
def around_it(node, rng):
    line, use = rng.choice([
        ("import urllib.request", 'urllib.request.urlopen("http://lookup.example/7").read().decode()'),
        ("import subprocess", 'subprocess.check_output(["lookup", "7"]).decode()'),
        ("import http.client", 'http.client.HTTPConnection("lookup.example").request("GET", "/7")'),
    ])  # fmt: skip
    return _calls(node, [f'result["extra"] = {use}'], [line])


@of("call_tool_use", silent=True)
def name_from_input(node, rng):
    # Which tool it is shows only in a run.
    return _calls(node, ['result["extra"] = call_tool(str(data.get("tool", "lookup")), {"id": 7})', "unknown = None"])
