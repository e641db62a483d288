"""The way to tools: node_runtime is imported as it is, and call_tool() is called as it is meant."""

from __future__ import annotations

import ast
from typing import List, Optional, Sequence

from finding import Outcome
from names import exists
from program import Marks, Program

CALL_TOOL = "node_runtime.call_tool"
PUBLIC = ("call_tool", "ToolError", "ToolFailed", "UnknownTool", "JSON")

# What reaches outside; a node has no network, and starts nothing.
_OUTSIDE = (
    "requests.",
    "httpx.",
    "aiohttp.",
    "urllib3.",
    "urllib.request.",
    "http.client.",
    "xmlrpc.client.",
    "ftplib.",
    "smtplib.",
    "telnetlib.",
    "socket.socket",
    "socket.create_connection",
    "subprocess.",
    "os.system",
    "os.popen",
    "os.exec",
    "os.spawn",
    "os.posix_spawn",
    "os.fork",
    "pty.",
    "asyncio.create_subprocess",
    "asyncio.open_connection",
)
_OF_VALUES = set(dir({})) | set(dir([])) | set(dir("")) | set(dir(0)) | set(dir(0.0))


# ---- the import


def check_runtime_import(program: Program, outcome: Outcome) -> None:
    for node in ast.walk(program.tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            if node.id in PUBLIC + ("node_runtime",) and is_unbound(program, node):
                what = "node_runtime" if node.id == "node_runtime" else f"{node.id} of node_runtime"
                outcome.add("runtime-not-imported", node, f"{what} is used and not imported")
        elif isinstance(node, (ast.Import, ast.ImportFrom)) and not program.is_never_run(node):
            if is_wrong_import(program, node):
                outcome.add(
                    "runtime-import-wrong",
                    node,
                    f"call_tool is imported from {module_of(node)}: it is node_runtime's",
                )
            elif isinstance(node, ast.ImportFrom) and node.module == "node_runtime" and node.level == 0:
                for alias in node.names:
                    if alias.name not in PUBLIC + ("*",):
                        outcome.add("runtime-name-unknown", node, f"node_runtime has no {alias.name}")
        elif isinstance(node, ast.Attribute) and program.marks(node.value) == {"node_runtime"}:
            if node.attr not in PUBLIC and not node.attr.startswith("__"):
                outcome.add("runtime-name-unknown", node, f"node_runtime has no {node.attr}")


def is_unbound(program: Program, node: ast.Name) -> bool:
    if node.id == "JSON":  # as likely a name of the node's own, which pyflakes tells
        return False
    return program.find_scope(node, node.id) is None and "node_runtime" not in program.star_modules


def is_wrong_import(program: Program, node: ast.stmt) -> bool:
    """The name call_tool, or the module it is reached by, comes from a module that there is not."""
    if isinstance(node, ast.ImportFrom):
        if node.level == 0 and node.module == "node_runtime":
            return False
        if not any(alias.name in PUBLIC[:4] for alias in node.names):
            return node.level > 0 and any(alias.name == "node_runtime" for alias in node.names)
        return node.level > 0 or not exists(node.module or "")
    if isinstance(node, ast.Import):
        return any(
            alias.name != "node_runtime" and not exists(alias.name) and _is_used_as_runtime(program, node, alias)
            for alias in node.names
        )
    return False


def _is_used_as_runtime(program: Program, node: ast.stmt, alias: ast.alias) -> bool:
    if alias.name == "call_tool":
        return True
    for used in ast.walk(program.tree):
        if isinstance(used, ast.Attribute) and used.attr == "call_tool":
            if program.marks(used.value) & {alias.name, alias.name.split(".")[0]}:
                return True
    return False


def module_of(node: ast.stmt) -> str:
    if isinstance(node, ast.ImportFrom):
        return "." * node.level + (node.module or "")
    return ", ".join(alias.name for alias in node.names)  # type: ignore[attr-defined]


# ---- the calls


def check_call_tool(
    program: Program, tools: Optional[Sequence[str]], required: Sequence[str], outcome: Outcome
) -> None:
    _check_own_definitions(program, outcome)
    called: List[str] = []
    for call in sorted((n for n in ast.walk(program.tree) if isinstance(n, ast.Call)), key=lambda n: n.lineno):
        if CALL_TOOL in program.marks(call.func):
            called += _check_call(program, call, tools, outcome)
        elif "functools.partial" in program.marks(call.func) and len(call.args) > 1:
            if CALL_TOOL in program.marks(call.args[0]):
                called += _check_name(program, call.args[1], tools, outcome)
    run = [call for call, marks in program.run_calls() if CALL_TOOL in marks]
    for node in ast.walk(program.tree):
        if (
            isinstance(node, (ast.Name, ast.Attribute))
            and isinstance(node.ctx, ast.Load)
            and CALL_TOOL in program.marks(node)
        ):
            _check_reference(program, node, outcome)
    for name in required:
        if name not in called:
            outcome.add("tool-not-called", 0, f"the tool {name} is never called")
    if called and not run:
        outcome.add("call-tool-not-reached", 0, "call_tool() stands only in what is never run", serious=False)
    for call, marks in program.run_calls():
        _check_outside(call, marks, outcome)


def _check_own_definitions(program: Program, outcome: Outcome) -> None:
    for scope in program.scopes.values():
        for function in scope.functions.get("call_tool", []):
            if not isinstance(scope.node, ast.ClassDef) and not program.guarded_by(
                function, "ImportError", "ModuleNotFoundError"
            ):
                outcome.add(
                    "call-tool-redefined",
                    function.lineno,
                    "the file defines a call_tool() of its own, which reaches no tool",
                )
        for value in scope.values.get("call_tool", []):
            if CALL_TOOL not in program.marks(value) and not program.guarded_by(
                value, "ImportError", "ModuleNotFoundError"
            ):
                outcome.add("call-tool-redefined", value, "the file assigns to call_tool, which then reaches no tool")


def _check_call(program: Program, call: ast.Call, tools: Optional[Sequence[str]], outcome: Outcome) -> List[str]:
    """Returns the names of the tools that it calls, as far as they are written down."""
    if isinstance(program.parents.get(call), ast.Await):
        outcome.add("call-tool-awaited", call, "call_tool() is no coroutine: await does not belong before it")
    parent = program.parents.get(call)
    if isinstance(parent, ast.Attribute) and parent.attr not in _OF_VALUES:
        outcome.add("call-tool-result", call, f"call_tool() returns a JSON value, which has no {parent.attr}")
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        return []
    name, arguments = (list(call.args) + [None, None])[:2]
    for keyword in call.keywords:
        if keyword.arg == "name" and name is None:
            name = keyword.value
        elif keyword.arg == "arguments" and arguments is None:
            arguments = keyword.value
        else:
            outcome.add("call-tool-arguments", call, f"call_tool(name, arguments) takes no {keyword.arg}")
            return []
    if len(call.args) > 2 or name is None or arguments is None:
        outcome.add("call-tool-arguments", call, "call_tool() takes two arguments: a name and an object of arguments")
        return []
    _check_object(program, arguments, call, outcome)
    return _check_name(program, name, tools, outcome)


def _check_name(program: Program, name: ast.expr, tools: Optional[Sequence[str]], outcome: Outcome) -> List[str]:
    written = _constant(program, name)
    if isinstance(name, (ast.Dict, ast.List, ast.Set, ast.Tuple)) or (
        isinstance(written, ast.Constant) and not (isinstance(written.value, str) and written.value)
    ):
        outcome.add("call-tool-arguments", name, "the first argument of call_tool() is the name of a tool, a text")
        return []
    if not isinstance(written, ast.Constant):
        return []
    tool = str(written.value)
    if tools is not None and tool not in tools:
        known = ", ".join(sorted(tools)) or "none"
        outcome.add("tool-unknown", name, f"there is no tool {tool}; known tools: {known}")
    return [tool]


def _check_object(program: Program, arguments: ast.expr, call: ast.Call, outcome: Outcome) -> None:
    written = _constant(program, arguments)
    wrong = isinstance(written, (ast.Constant, ast.JoinedStr)) or isinstance(
        arguments, (ast.List, ast.Set, ast.Tuple, ast.JoinedStr, ast.ListComp, ast.SetComp, ast.GeneratorExp)
    )
    if wrong:
        outcome.add(
            "call-tool-arguments", call, "the second argument of call_tool() is an object of arguments, a dict"
        )
    elif program.marks(arguments) & {"<json>", "<jsonbytes>"}:
        outcome.add("call-tool-arguments", call, "the second argument of call_tool() is a dict and not its JSON text")


def _constant(program: Program, node: ast.expr) -> ast.expr:
    """What a name that is assigned once stands for."""
    if isinstance(node, ast.Name):
        scope = program.find_scope(node, node.id)
        if scope is not None and len(scope.values.get(node.id, [])) == 1 and not scope.elements.get(node.id):
            if node.id not in scope.parameters:
                return scope.values[node.id][0]
    return node


def _check_reference(program: Program, node: ast.expr, outcome: Outcome) -> None:
    parent = program.parents.get(node)
    if isinstance(parent, ast.Subscript) and parent.value is node:
        outcome.add("call-tool-not-called", node, "call_tool is a function: it is called with (), not with []")
    elif isinstance(parent, ast.Attribute):
        outcome.add("call-tool-not-called", node, f"call_tool is a function and has no {parent.attr}")
    elif isinstance(parent, ast.Expr):
        outcome.add("call-tool-not-called", node, "call_tool is named and not called")
    elif isinstance(parent, ast.Assign) and not _is_called_by_another_name(program, parent):
        outcome.add("call-tool-not-called", node, "call_tool is named and not called")


def _is_called_by_another_name(program: Program, assignment: ast.Assign) -> bool:
    targets = {n.id for t in assignment.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    targets |= {n.attr for t in assignment.targets for n in ast.walk(t) if isinstance(n, ast.Attribute)}
    for call in ast.walk(program.tree):
        if isinstance(call, ast.Call):
            named = [call.func]
            if not any(
                mark.startswith(("json.", "builtins.print", "builtins.str")) for mark in program.marks(call.func)
            ):
                named += [*call.args, *[keyword.value for keyword in call.keywords]]  # whoever gets it calls it
            if any(getattr(n, "id", getattr(n, "attr", "")) in targets for n in named):
                return True
    return False


def _check_outside(call: ast.Call, marks: Marks, outcome: Outcome) -> None:
    for mark in marks:
        if mark.startswith(_OUTSIDE) and "()" not in mark:
            outcome.add(
                "around-call-tool",
                call,
                f"{mark}() goes around call_tool(): a node reaches the outside by its tools only",
            )
