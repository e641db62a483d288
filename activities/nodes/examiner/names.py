"""Names that stand for nothing: pyflakes' rules, and what the standard library's modules do not have."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import sys
import warnings
from importlib.machinery import PathFinder
from typing import Iterator, Optional, Set, Tuple

from finding import Outcome
from program import Program

try:
    from pyflakes import checker, messages
except ImportError:  # said by the check
    checker = None  # type: ignore[assignment]

# Of the runtime, whose import is a check of its own.
RUNTIME_NAMES = ("call_tool", "node_runtime", "ToolError", "ToolFailed", "UnknownTool", "JSON")

# Importing these does something, or needs what a worker does not have.
_LEFT_ALONE = {
    "antigravity",
    "this",
    "idlelib",
    "tkinter",
    "turtle",
    "turtledemo",
    "test",
    "lib2to3",
    "__main__",
    "pty",
}
_OWN_DIRECTORY = os.path.dirname(os.path.abspath(__file__))
_STANDARD = getattr(sys, "stdlib_module_names", frozenset(sys.builtin_module_names))


def missing() -> str:
    """Why undefined names cannot be examined here; "" when they can."""
    return "" if checker is not None else "pyflakes is not installed for this Python (Debian: python3-pyflakes)"


def check_names(program: Program, outcome: Outcome) -> None:
    # A part of the file that is nested as deep as the interpreter's own limit ends the walk, not the examination.
    for message in sorted(
        checker.Checker(program.tree, filename="node.py").messages, key=lambda m: (m.lineno, m.col)
    ):
        if isinstance(message, messages.UndefinedName):
            name = message.message_args[0]
            if name not in RUNTIME_NAMES:
                outcome.add("F821", message.lineno, f"{name} is not defined (line {message.lineno})")
        elif isinstance(message, messages.UndefinedLocal):
            name = message.message_args[0]
            outcome.add("F823", message.lineno, f"{name} is used before it has a value (line {message.lineno})")
        elif isinstance(message, messages.ImportStarUsage):
            name = message.message_args[0]
            if name not in RUNTIME_NAMES and not _is_of_a_star(program, name):
                outcome.add("F405", message.lineno, f"{name} is not defined here, nor in what is imported by *")
    for statement, module in _imports(program):
        guarded = program.guarded_by(statement, "ImportError", "ModuleNotFoundError")
        # An import for one system only stands under a condition.
        if not guarded and not program.is_never_run(statement) and not program.conditions_of(statement):
            _check_import(statement, module, outcome)
    set_somewhere = {
        n.attr for n in ast.walk(program.tree) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)
    }
    for node in ast.walk(program.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            _check_attribute(program, node, outcome)
        elif isinstance(node, ast.ClassDef):
            _check_class(program, node, set_somewhere, outcome)


def _is_of_a_star(program: Program, name: str) -> bool:
    for module in program.star_modules:
        loaded = load(module)
        if loaded is None or hasattr(loaded, name):  # what cannot be looked into is believed
            return True
    return False


def _imports(program: Program) -> Iterator[Tuple[ast.stmt, str]]:
    for node in ast.walk(program.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node, node.module


def _check_import(node: ast.stmt, module: str, outcome: Outcome) -> None:
    if module.split(".")[0] in ("node_runtime", "__future__", "__main__"):
        return
    if not exists(module):
        binds = {alias.name for alias in node.names}  # type: ignore[attr-defined]
        if not binds & set(RUNTIME_NAMES):  # said by the check of that import
            outcome.add("missing-module", node, f"there is no module {module} here")
        return
    loaded = load(module)
    if loaded is None or not isinstance(node, ast.ImportFrom):
        return
    for alias in node.names:
        if alias.name != "*" and not hasattr(loaded, alias.name) and not exists(f"{module}.{alias.name}"):
            outcome.add("unknown-member", node, f"the module {module} has no {alias.name}")


def _check_attribute(program: Program, node: ast.Attribute, outcome: Outcome) -> None:
    marks = program.marks(node.value)
    if len(marks) != 1:
        return
    module = next(iter(marks))
    if "(" in module or module.startswith(("<", "def:", "builtins", "node_runtime")):
        return
    loaded = load(module)
    if loaded is None or hasattr(loaded, node.attr) or exists(f"{module}.{node.attr}"):
        return
    asked = any("hasattr" in ast.dump(test) for test in program.conditions_of(node))
    if asked or program.guarded_by(node, "AttributeError") or _is_asked_for(program, node):
        return
    outcome.add("unknown-member", node, f"the module {module} has no {node.attr}")


def _check_class(program: Program, node: ast.ClassDef, set_somewhere: Set[str], outcome: Outcome) -> None:
    """`self.totl`: in a class that inherits nothing and of which objects are made, what nobody sets or defines."""
    made = any(isinstance(n, ast.Call) and getattr(n.func, "id", "") == node.name for n in ast.walk(program.tree))
    if node.bases or node.keywords or not made:
        return
    known = set(dir(object)) | set_somewhere | {"__dict__", "__class__", "__annotations__"}
    for inner in node.body:
        targets = inner.targets if isinstance(inner, ast.Assign) else [getattr(inner, "target", None)]
        known |= {
            n.id for target in targets if target is not None for n in ast.walk(target) if isinstance(n, ast.Name)
        }
        known.add(getattr(inner, "name", ""))
    if known & {"__getattr__", "__getattribute__"} - set(dir(object)):
        return
    for method in node.body:
        if (
            not isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef))
            or method.decorator_list
            or not method.args.args
        ):
            continue
        calls = {n.func.id for n in ast.walk(method) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
        for used in [] if "setattr" in calls else ast.walk(method):
            if not isinstance(used, ast.Attribute) or getattr(used.value, "id", "") != method.args.args[0].arg:
                continue
            if used.attr not in known:
                outcome.add("unknown-attribute", used, f"{node.name} has no {used.attr} (line {used.lineno})")


def _is_asked_for(program: Program, node: ast.Attribute) -> bool:
    """The file asks with hasattr() or getattr() for it."""
    for call in ast.walk(program.tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("hasattr", "getattr"):
            if len(call.args) > 1 and isinstance(call.args[1], ast.Constant) and call.args[1].value == node.attr:
                return True
    return False


def load(module: str) -> Optional[object]:
    """The module, if it is one of the standard library that can be looked into."""
    top = module.split(".")[0]
    if top not in _STANDARD or top in _LEFT_ALONE:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except Exception:  # whatever a module does when it is imported where it cannot work
        return None


def exists(module: str) -> bool:
    """Whether the node could import it: the examiner's own files are none of its modules."""
    top = module.split(".")[0]
    if top in sys.builtin_module_names or top in _STANDARD and load(top) is not None:
        return load(module) is not None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            spec = PathFinder.find_spec(top, [place for place in sys.path if place != _OWN_DIRECTORY])
            if spec is None or top == module:
                return spec is not None
            return importlib.util.find_spec(module) is not None
    except (ImportError, AttributeError, ValueError):
        return False
