"""What a check finds: a rule by its name, a line, and one sentence."""

from __future__ import annotations

import ast
from typing import Any, Dict, List


class Findings:
    def __init__(self) -> None:
        self._all: List[Dict[str, Any]] = []

    def add(self, rule: str, node: Any, message: str) -> None:
        one = {"rule": rule, "line": node.lineno, "message": message}
        if one not in self._all:
            self._all.append(one)

    def sorted(self) -> List[Dict[str, Any]]:
        return sorted(self._all, key=lambda one: (one["line"], one["rule"]))


def shown(node: ast.AST) -> str:
    """The source of an expression, short enough for a sentence."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 60 else text[:57] + "..."


def called(node: ast.Call) -> str:
    """"os.system" of os.system(...); only the last two names of a longer chain."""
    if isinstance(node.func, ast.Name):
        return node.func.id
    if isinstance(node.func, ast.Attribute):
        owner = node.func.value
        if isinstance(owner, ast.Attribute):
            return owner.attr + "." + node.func.attr
        return (owner.id if isinstance(owner, ast.Name) else "") + "." + node.func.attr
    return ""
