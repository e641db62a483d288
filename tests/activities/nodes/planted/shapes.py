"""Small nodes as models write them, in many shapes: every part of one is chosen by a seeded generator.

Nothing here knows how nodes are examined; what makes a node right is that it runs.
"""

from __future__ import annotations

import random
import textwrap
from dataclasses import dataclass, field
from typing import Dict, List

# What is computed: imports, the body of a function of `data`, and an input.
TASKS = [
    ("word_counter", ["from collections import Counter"], """
        words = data["text"].lower().split()
        counts = Counter(words)
        return {"total": len(words), "top": counts.most_common(3)}
     """, {"text": "the cat and the dog"}),
    ("statistics_of", ["import math"], """
        numbers = [float(n) for n in data["numbers"]]
        mean = sum(numbers) / len(numbers)
        spread = math.sqrt(sum((n - mean) ** 2 for n in numbers) / len(numbers))
        return {"mean": mean, "spread": spread}
     """, {"numbers": [1, 2, 3.5]}),
    ("slugify", ["import re"], """
        title = data["title"].strip().lower()
        slug = re.sub(r"[^a-z0-9]+", "-", title).strip("-")
        return {"slug": slug, "length": len(slug)}
     """, {"title": "Hello, big World!"}),
    ("group_by", ["from collections import defaultdict"], """
        groups = defaultdict(list)
        for row in data["rows"]:
            groups[row["key"]].append(row["value"])
        return {key: sorted(values) for key, values in sorted(groups.items())}
     """, {"rows": [{"key": "a", "value": 2}, {"key": "b", "value": 1}, {"key": "a", "value": 1}]}),
    ("days_between", ["from datetime import date"], """
        first = date.fromisoformat(data["from"])
        last = date.fromisoformat(data["to"])
        days = (last - first).days
        return {"days": days, "weeks": days // 7}
     """, {"from": "2024-01-01", "to": "2024-03-01"}),
    ("encode_text", ["import base64"], """
        raw = data["text"].encode("utf-8")
        encoded = base64.b64encode(raw).decode("ascii")
        return {"encoded": encoded, "bytes": len(raw)}
     """, {"text": "grüße"}),
    ("flatten", [], """
        flat = []
        pending = [data["items"]]
        while pending:
            current = pending.pop()
            for item in current:
                if isinstance(item, list):
                    pending.append(item)
                else:
                    flat.append(item)
        return {"items": sorted(flat), "count": len(flat)}
     """, {"items": [3, [1, [2]], 5]}),
    ("convert", ["from functools import reduce"], """
        celsius = [round((f - 32) * 5 / 9, 2) for f in data["fahrenheit"]]
        highest = reduce(lambda a, b: a if a > b else b, celsius)
        return {"celsius": celsius, "highest": highest}
     """, {"fahrenheit": [32, 212]}),
    ("hash_lines", ["import hashlib"], """
        result = {}
        for number, line in enumerate(data["lines"], start=1):
            digest = hashlib.sha256(line.encode()).hexdigest()
            result[str(number)] = digest[:8]
        return {"digests": result}
     """, {"lines": ["a", "b"]}),
    ("running_total", ["import itertools"], """
        steps = list(itertools.accumulate(data["amounts"]))
        below = [step for step in steps if step < 0]
        return {"steps": steps, "overdrawn": bool(below)}
     """, {"amounts": [5, -7, 4]}),
]  # fmt: skip

# Reading: imports, helpers, the lines that set `data`.
READERS = [
    (["import json", "import sys"], "", ["data = json.load(sys.stdin)"]),
    (["import json", "import sys"], "", ["raw = sys.stdin.read()", "data = json.loads(raw)"]),
    (["import json"], "", ["data = json.loads(input())"]),
    (["import fileinput", "import json"], "", ['text = "".join(fileinput.input())', "data = json.loads(text)"]),
    (["import json", "import sys"],
     "def read_input(stream=sys.stdin):\n    return json.load(stream)\n", ["data = read_input()"]),
    (["import json", "from sys import stdin"], "", ["data = json.load(stdin)"]),
    (["import json", "import sys"], "", ['raw = sys.stdin.buffer.read().decode("utf-8")', "data = json.loads(raw)"]),
    (["import json"], "", ["with open(0, encoding=\"utf-8\") as source:", "    data = json.load(source)"]),
    (["import json", "import sys"], "", ["lines = [line for line in sys.stdin]", 'data = json.loads("".join(lines))']),
    (["import json", "import sys"],
     "def receive():\n    chunks = []\n    for line in sys.stdin:\n        chunks.append(line)\n"
     "    return json.loads(\"\".join(chunks))\n",
     ["data = receive()"]),
]  # fmt: skip

# Writing: imports, helpers, the lines that write `result`.
WRITERS = [
    (["import json"], "", ["print(json.dumps(result))"]),
    (["import json", "import sys"], "", ["json.dump(result, sys.stdout)"]),
    (["import json", "import sys"], "", ['sys.stdout.write(json.dumps(result) + "\\n")']),
    (["import json"], "def emit(value):\n    print(json.dumps(value, indent=2))\n", ["emit(result)"]),
    (["import json"], "", ["text = json.dumps(result, sort_keys=True)", "print(text)"]),
    (["import json"],
     "def render(value):\n    return json.dumps(value, ensure_ascii=False)\n", ["print(render(result))"]),
    (["from json import dumps"], "", ["print(dumps(result))"]),
    (["import json", "import sys"], "", ["out = sys.stdout", "out.write(json.dumps(result))", "out.flush()"]),
    (["import json", "import sys"], "", ["sys.stdout.buffer.write(json.dumps(result).encode())"]),
    (["import json", "import sys"],
     "class Writer:\n    def __init__(self, stream):\n        self.stream = stream\n\n    def write(self, value):\n"
     "        self.stream.write(json.dumps(value))\n", ["Writer(sys.stdout).write(result)"]),
    (["import json"], "", ['print(f"{json.dumps(result)}")']),
]  # fmt: skip

# Tools: imports, helpers, the lines that call one, how it is called.
TOOLS = [
    (["from node_runtime import call_tool"], "", ['result["extra"] = call_tool("lookup", {"id": 7})']),
    (["from node_runtime import call_tool as tool"], "", ['result["extra"] = tool("lookup", {"id": 7})']),
    (["import node_runtime"], "", ['result["extra"] = node_runtime.call_tool("lookup", {"id": 7})']),
    (["import node_runtime as runtime"], "", ['result["extra"] = runtime.call_tool("lookup", {"id": 7})']),
    (["from node_runtime import call_tool"],
     "def look_up(number):\n    arguments = {\"id\": number}\n    return call_tool(\"lookup\", arguments)\n",
     ['result["extra"] = look_up(7)']),
    (["from node_runtime import ToolError, call_tool"], "",
     ["try:", '    result["extra"] = call_tool("lookup", {"id": 7})', "except ToolError as error:",
      '    result["extra"] = str(error)']),
    (["from node_runtime import call_tool"], "TOOL = \"lookup\"\n",
     ['answers = [call_tool(TOOL, {"id": number}) for number in (7,)]', 'result["extra"] = answers']),
    (["from node_runtime import call_tool"], "", ['result["extra"] = call_tool(name="lookup", arguments={"id": 7})']),
]  # fmt: skip
TOOLS_FILE = {"lookup": {"answers": [{"arguments": {"id": 7}, "result": {"name": "Ann"}}], "otherwise": None}}

FUNCTION_NAMES = ["process", "compute", "transform", "handle", "build_result", "solve"]
DOCSTRINGS = [
    "",
    '"""A node."""',
    '"""Reads JSON, works on it, writes JSON.\n\nMade by a model.\n"""',
    "# -*- coding: utf-8 -*-",
]


@dataclass
class Node:
    """The parts of one, before they are a text."""

    head: str = ""
    imports: List[str] = field(default_factory=list)
    helpers: List[str] = field(default_factory=list)
    task: str = ""  # name of the function
    body: List[str] = field(default_factory=list)  # of the task
    nested: bool = False  # the task's body is in an inner function
    read: List[str] = field(default_factory=list)
    tool: List[str] = field(default_factory=list)
    write: List[str] = field(default_factory=list)
    main: str = "def main():"
    before: List[str] = field(default_factory=list)  # first lines of main
    tail: List[str] = field(default_factory=list)
    guarded: bool = False  # errors of the input become JSON
    input: Dict[str, object] = field(default_factory=dict)
    tools: Dict[str, object] = field(default_factory=dict)
    shape: str = ""

    def text(self) -> str:
        parts = [self.head] if self.head else []
        if self.imports:
            parts.append("\n".join(self.imports))
        parts += [helper.rstrip("\n") for helper in self.helpers]
        body = list(self.body)
        if self.nested:
            body = ["def work():"] + ["    " + line for line in body] + ["", "return work()"]
        parts.append("\n".join([f"def {self.task}(data):"] + _indented(body)))
        lines = self.before + self.read + [f"result = {self.task}(data)"] + self.tool + self.write
        if self.guarded:
            tried = self.read + [f"result = {self.task}(data)"] + self.tool
            lines = self.before + ["try:"] + _indented(tried) + ["except (KeyError, ValueError, TypeError) as error:"]
            lines += ['    result = {"error": str(error)}'] + self.write
        if self.main:
            parts.append("\n".join([self.main] + _indented(lines)))
        else:
            parts.append("\n".join(lines))
        if self.tail:
            parts.append("\n".join(self.tail))
        return "\n\n\n".join(part for part in parts if part) + "\n"


def _indented(lines: List[str]) -> List[str]:
    return ["    " + line if line else "" for line in lines]


def sort_imports(lines: List[str]) -> List[str]:
    """As people sort them: standard library first, `import x` before `from x import y`, ours in a group at the end."""
    unique = sorted(set(lines), key=lambda line: (line.startswith("from "), line.split()[1]))
    ours = [line for line in unique if "node_runtime" in line]
    standard = [line for line in unique if line not in ours]
    return standard + ([""] if standard and ours else []) + ours


def clean(rng: random.Random, with_tool: bool) -> Node:
    task, task_imports, body, sample = rng.choice(TASKS)
    reader, writer = rng.choice(READERS), rng.choice(WRITERS)
    tool = rng.choice(TOOLS)
    node = Node(head=rng.choice(DOCSTRINGS), input=dict(sample), shape=task)
    node.task = rng.choice([task] + FUNCTION_NAMES)
    node.body = [line for line in textwrap.dedent(body).strip("\n").rstrip().split("\n")]
    node.nested = rng.random() < 0.2
    node.read, node.write = list(reader[2]), list(writer[2])
    node.helpers = [helper for helper in (reader[1], writer[1]) if helper]
    rng.shuffle(node.helpers)
    imports = task_imports + reader[0] + writer[0]
    if with_tool:
        node.tool = list(tool[2])
        node.helpers += [tool[1]] if tool[1] else []
        node.tools = TOOLS_FILE
        imports = imports + tool[0]
    kind = rng.randrange(6)
    if kind == 0:
        node.main, node.tail = "def main() -> None:", ["main()"]
    elif kind == 1:
        node.main, node.tail = "async def main():", ['if __name__ == "__main__":', "    asyncio.run(main())"]
        imports = imports + ["import asyncio"]
    elif kind == 2:
        node.main, node.tail = "def main():", ['if __name__ == "__main__":', "    sys.exit(main())"]
        imports = imports + ["import sys"]
    elif kind == 3:
        node.main, node.tail = "def main(argv=None):", ['if "__main__" == __name__:', "    main()"]
    else:
        node.main, node.tail = "def main():", ['if __name__ == "__main__":', "    main()"]
    node.guarded = rng.random() < 0.25
    node.imports = sort_imports(imports)
    return node
