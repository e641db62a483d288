"""Reads algorithm files as Python's own parser does; nothing of them is run."""

from __future__ import annotations

import ast
import json
import sys
from typing import Any, Dict, Iterator, List

import logic
import loops
import security
from finding import Findings

ENTRIES = ("signals", "decide")


def main() -> None:
    request = json.load(sys.stdin)
    sys.setrecursionlimit(5000)
    for file in request["files"]:
        print(json.dumps(examine(file["text"])), flush=True)


def examine(text: str) -> Dict[str, Any]:
    answer: Dict[str, Any] = {
        "fault": "",
        "fault_line": 0,
        "code": True,
        "functions": [],
        "entry": "",
        "entry_fault": "",
        "entry_line": 0,
        "identifiers": [],
        "imports": [],
        "findings": [],
    }
    try:
        # The mark of UTF-8 that some editors put before a text; Python drops it from files as well.
        tree = ast.parse(text[1:] if text.startswith("\ufeff") else text)
    except SyntaxError as error:
        answer["fault"] = f"it is not Python {sys.version_info[0]}.{sys.version_info[1]}: {error.msg}"
        answer["fault_line"] = error.lineno or 0
        return answer
    except (ValueError, RecursionError, MemoryError) as error:
        answer["fault"] = f"Python cannot read it: {error or type(error).__name__}"
        return answer
    # Nothing but comments and texts does nothing.
    answer["code"] = any(not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)) for n in tree.body)
    try:
        found = Findings()
        for check in (security.check, logic.check, loops.check):
            check(tree, found)
        answer["findings"] = found.sorted()
        answer["functions"] = [_function(node) for node in _functions(tree)]
        _entry(tree, answer)
        answer["identifiers"] = sorted(set(_identifiers(tree)))
        answer["imports"] = sorted(set(_imports(tree)))
    except RecursionError:
        answer["fault"] = "it is nested too deeply to be read"
    return answer


def _functions(tree: ast.AST) -> List[Any]:
    return [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]


def _function(node: Any) -> Dict[str, Any]:
    branches = (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.BoolOp, ast.IfExp, ast.comprehension)
    return {
        "name": node.name,
        "line": node.lineno,
        "lines": (node.end_lineno or node.lineno) - node.lineno + 1,
        "arguments": [a.arg for a in node.args.args],
        "paths": 1 + sum(isinstance(n, branches) for n in ast.walk(node)),
        "says": (ast.get_docstring(node) or "").split("\n")[0][:200],
    }


def _entry(tree: ast.Module, answer: Dict[str, Any]) -> None:
    """The function that a back-test calls, or why one of that name cannot be called."""
    named = [n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)) and n.name in ENTRIES]
    faults = [(n, _entry_fault(n)) for n in sorted(named, key=lambda n: ENTRIES.index(n.name))]
    usable = [n for n, fault in faults if not fault]
    if usable:
        answer["entry"] = usable[0].name
    elif faults:
        answer["entry_fault"] = faults[0][1]
        answer["entry_line"] = faults[0][0].lineno


def _entry_fault(node: Any) -> str:
    """Why node(bars, params) cannot be called; empty: it can."""
    arguments = node.args
    positional = len(arguments.posonlyargs) + len(arguments.args)
    needed = positional - len(arguments.defaults)
    keywords = sum(default is None for default in arguments.kw_defaults)
    if isinstance(node, ast.AsyncFunctionDef):
        return f"{node.name}() is async; {node.name}(bars, params) is called as an ordinary function"
    if (positional < 2 and not arguments.vararg) or needed > 2 or keywords:
        given = ast.unparse(arguments) or "nothing"
        return f"{node.name}() takes {given}; it is called as {node.name}(bars, params)"
    return ""


def _identifiers(tree: ast.AST) -> Iterator[str]:
    """Every name, and every key of a dictionary: what the algorithm speaks of."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.Dict):
            yield from (k.value for k in node.keys if isinstance(k, ast.Constant) and isinstance(k.value, str))
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            if isinstance(node.slice.value, str):
                yield node.slice.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                yield node.args[0].value


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]
