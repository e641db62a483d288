"""Errors that a reader sees: syntax, main(), the order of imports, the import of node_runtime."""

from __future__ import annotations

import re
from typing import List

from plant import changed, of, ours
from shapes import Node, sort_imports

# ---- syntax


@of("syntax")
def missing_colon(node, rng):
    return changed(node.text(), f"def {node.task}(data):", f"def {node.task}(data)")


@of("syntax")
def open_bracket(node, rng):
    text = node.text()
    at = rng.choice([m.start() for m in re.finditer(r"\)\n", text)])
    return text[:at] + text[at + 1 :]


@of("syntax")
def python_2_print(node, rng):
    node.write = ["print result"]
    return node.text()


@of("syntax")
def bad_indentation(node, rng):
    node.body[-1] = "   " + node.body[-1]
    return node.text()


@of("syntax")
def open_string(node, rng):
    text = node.text()
    places = [m.start(1) for m in re.finditer(r'\["[a-z]+(")\]', text)]
    if not places:
        return None
    at = rng.choice(places)
    return text[:at] + text[at + 1 :]


@of("syntax")
def fenced(node, rng):
    return "```python\n" + node.text() + "```\n"


@of("syntax")
def prose_before(node, rng):
    return "Here is the node that you asked for:\n\n" + node.text()


@of("syntax")
def return_outside(node, rng):
    return node.text() + "\nreturn 0\n"


@of("syntax")
def else_if(node, rng):
    node.before = ["mode = 1", "if mode == 2:", "    mode = 3", "else if mode == 4:", "    mode = 5"]
    return node.text()


@of("syntax")
def await_outside(node, rng):
    return changed(node.text(), "    return {", "    return await {")


@of("syntax")
def two_files(node, rng):
    return f"```python\n# node.py\n{node.text()}```\n\nAnd the test:\n\n```python\n# test_node.py\nassert True\n```\n"


# ---- main


@of("main_function", silent=True)
def other_name(node, rng):
    node.main = node.main.replace("main(", "run_node(")
    node.tail = [line.replace("main()", "run_node()") for line in node.tail]
    return node.text()


@of("main_function")
def never_called(node, rng):
    node.tail = []
    return node.text()


@of("main_function")
def wrong_guard(node, rng):
    node.tail = [
        rng.choice(['if __name__ == "main":', 'if __name__ == "__main_":', 'if __name__ != "__main__":']),
        "    main()",
    ]
    return node.text()


@of("main_function")
def no_brackets(node, rng):
    node.tail = ['if __name__ == "__main__":', "    main"]
    return node.text()


@of("main_function")
def inside_another(node, rng):
    text = node.text()
    at = text.index(node.main)
    end = text.index("\n\n\n", at) if "\n\n\n" in text[at:] else len(text)
    inner = "\n".join("    " + line if line else "" for line in text[at:end].split("\n"))
    return text[:at] + "def start():\n" + inner + text[end:].replace("main()", "start()")


@of("main_function")
def lacks_argument(node, rng):
    node.main = node.main.replace("main()", "main(config)").replace("main(argv=None)", "main(argv, config)")
    return node.text()


@of("main_function")
def not_awaited(node, rng):
    node.main, node.tail = "async def main():", ['if __name__ == "__main__":', "    main()"]
    node.imports = [line for line in node.imports if "asyncio" not in line]
    return node.text()


@of("main_function", silent=True)
def no_function(node, rng):
    if node.main.startswith("async"):
        return None
    node.main, node.tail = "", []
    return node.text()


# ---- the order of imports


def _standard(node: Node) -> List[str]:
    return [line for line in node.imports if line and "node_runtime" not in line]


@of("import_order", silent=True)
def reversed_imports(node, rng):
    lines = _standard(node)
    if len(lines) < 2:
        return None
    node.imports = list(reversed(lines)) + [line for line in node.imports if line not in lines]
    return node.text()


@of("import_order", silent=True)
def one_out_of_place(node, rng):
    lines = _standard(node)
    if not any(line.startswith("import ") for line in lines):
        return None
    node.imports = ["import zlib"] + lines + [line for line in node.imports if line not in lines]
    node.helpers.append("CHECKSUM = zlib.crc32(b'')\n")
    return node.text()


@of("import_order", silent=True)
def below_code(node, rng):
    node.helpers.insert(0, "VERSION = 1\n\nimport textwrap\n")
    node.tool.append('result["more"] = textwrap.dedent(" a")')
    return node.text()


@of("import_order", silent=True)
def below_a_function(node, rng):
    node.helpers += ["def version():\n    return 1\n", "import string\n"]
    node.tool.append('result["more"] = string.digits')
    return node.text()


@of("import_order", silent=True)
def ours_first(node, rng):
    if not any("node_runtime" in line for line in node.imports) or not _standard(node):
        return None
    lines = _standard(node)
    node.imports = [line for line in node.imports if line and line not in lines] + [""] + lines
    return node.text()


@of("import_order", silent=True)
def from_first(node, rng):
    lines = _standard(node)
    plain = [line for line in lines if line.startswith("import")]
    others = [line for line in lines if line.startswith("from")]
    if not plain or not others:
        return None
    node.imports = others + plain + [line for line in node.imports if line not in lines]
    return node.text()


# ---- the import of node_runtime


@of("runtime_import")
def not_imported(node, rng):
    at = ours(node)
    if at is None or " as " in node.imports[at]:
        return None
    del node.imports[at]
    return node.text()


@of("runtime_import")
def other_module(node, rng):
    at = ours(node)
    if at is None or not node.imports[at].startswith("from") or "ToolError" in node.imports[at]:
        return None
    wrong = rng.choice(
        ["noderuntime", "node_runtime.tools", "runtime", "tools", ".node_runtime", "node_rt", "agent.tools"]
    )
    node.imports[at] = node.imports[at].replace("from node_runtime", f"from {wrong}")
    return node.text()


@of("runtime_import")
def module_misspelled(node, rng):
    at = ours(node)
    if at is None or not node.imports[at].startswith("import"):
        return None
    wrong = rng.choice(["noderuntime", "node_run_time", "node_runtim"])
    return node.text().replace("node_runtime", wrong)


@of("runtime_import")
def name_misspelled(node, rng):
    at = ours(node)
    if at is None or not node.imports[at].startswith("from") or " as " in node.imports[at]:
        return None
    node.imports[at] = node.imports[at].replace("call_tool", rng.choice(["calltool", "call_tools", "tool_call"]))
    return node.text()


@of("runtime_import")
def for_types_only(node, rng):
    at = ours(node)
    if at is None or " as " in node.imports[at]:
        return None
    line = node.imports.pop(at)
    node.imports += ["from typing import TYPE_CHECKING"]
    node.imports = sort_imports([one for one in node.imports if one]) + ["", "if TYPE_CHECKING:", "    " + line]
    return node.text()


@of("runtime_import")
def in_another_function(node, rng):
    at = ours(node)
    if at is None or " as " in node.imports[at]:
        return None
    line = node.imports.pop(at)
    node.helpers.append(f"def prepare_tools():\n    {line}\n")
    node.before.append("prepare_tools()")
    return node.text()


@of("runtime_import")
def module_but_bare(node, rng):
    at = ours(node)
    if at is None or node.imports[at] != "from node_runtime import call_tool":
        return None
    node.imports[at] = "import node_runtime"
    return node.text()
