"""What grows faster than the history does, and what never ends."""

from __future__ import annotations

import ast
from typing import Any, List, Optional, Set

from finding import Findings, called, shown

FOLDS = {"sum", "fsum", "min", "max", "sorted", "mean", "fmean", "stdev", "pstdev", "list", "median"}


def check(tree: ast.AST, found: Findings) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.For):
            _quadratic(node, found)
        elif isinstance(node, ast.While):
            _endless(node, found)


def _counters(loop: ast.For) -> Set[str]:
    return {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}


def _inside(loop: ast.AST) -> List[ast.AST]:
    return [n for statement in getattr(loop, "body", []) for n in ast.walk(statement)]


def _is_range_of_len(node: ast.expr) -> bool:
    """range(... len(x) ...) or enumerate(x): a loop over the whole history."""
    if not isinstance(node, ast.Call):
        return False
    if called(node) == "enumerate":
        return True
    return called(node) == "range" and any(isinstance(n, ast.Call) and called(n) == "len" for n in ast.walk(node))


def _quadratic(loop: ast.For, found: Findings) -> None:
    if not (_is_range_of_len(loop.iter) or isinstance(loop.iter, ast.Name)):
        return
    counters = _counters(loop)
    for node in _inside(loop):
        if isinstance(node, ast.Call) and called(node).split(".")[-1] in FOLDS and node.args:
            grows = _growing(node.args[0], counters)
            if grows is not None:
                what = f"{shown(node)} reads all of {grows} again for every bar: n bars cost n²/2 steps"
                found.add("quadratic-loop", node, what)
        elif isinstance(node, ast.For) and _counts_up_to(node.iter, counters):
            what = f"this loop over {shown(node.iter)} runs inside of one over all bars: n²/2 steps"
            found.add("quadratic-loop", node, what)
        elif isinstance(node, ast.Call) and called(node).endswith((".insert", ".pop")) and node.args:
            if isinstance(node.args[0], ast.Constant) and node.args[0].value == 0:
                found.add("quadratic-loop", node, f"{shown(node)} moves the whole list for every bar")


def _growing(node: ast.expr, counters: Set[str]) -> Optional[str]:
    """x[:i]: what a loop counts is the end, and nothing the beginning."""
    for part in ast.walk(node):
        if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Slice) and part.slice.lower is None:
            upper = part.slice.upper
            if upper is not None and {n.id for n in ast.walk(upper) if isinstance(n, ast.Name)} & counters:
                return shown(part)
    return None


def _counts_up_to(iterated: ast.expr, counters: Set[str]) -> bool:
    """range(i), range(0, i): not range(i - window, i)."""
    if not (isinstance(iterated, ast.Call) and called(iterated) == "range" and iterated.args):
        return False
    if len(iterated.args) > 1 and not isinstance(iterated.args[0], ast.Constant):
        return False
    end = iterated.args[0] if len(iterated.args) == 1 else iterated.args[1]
    return bool({n.id for n in ast.walk(end) if isinstance(n, ast.Name)} & counters)


def _endless(loop: ast.While, found: Findings) -> None:
    """`while True` around a try whose failure only leads to the next round."""
    if not (isinstance(loop.test, ast.Constant) and loop.test.value):
        return
    for node in _inside(loop):
        if not isinstance(node, ast.Try):
            continue
        gives_up = any(_leaves(handler) for handler in node.handlers)
        counted = any(isinstance(n, (ast.If, ast.AugAssign)) and _leaves_or_counts(n) for n in loop.body)
        if node.handlers and not gives_up and not counted:
            found.add("unbounded-retry", loop, "it tries again for ever: no limit of attempts and no time")


def _leaves(node: Any) -> bool:
    return any(isinstance(n, (ast.Raise, ast.Return, ast.Break)) for n in ast.walk(node))


def _leaves_or_counts(node: Any) -> bool:
    return isinstance(node, ast.AugAssign) or _leaves(node)
