"""Flaws in the logic of an algorithm that can be seen without running it."""

from __future__ import annotations

import ast
import re
from typing import Any, Dict, List, Optional

from finding import Findings, called, shown

MONEY = re.compile(r"(^|_)(cash|balance|equity|pnl|profit|proceeds|fees?|capital|wallet|total_cost|nav)($|_)", re.I)
PRICE = re.compile(r"(price|close|open|high|low|cash|balance|equity|pnl)s?$", re.IGNORECASE)


def check(tree: ast.AST, found: Findings) -> None:
    _money(tree, found)
    functions = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for function in functions:
        _defaults(function, found)
        _divisions(function, found)
        _first_and_last(function, found)
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            _window(node, found)
        elif isinstance(node, ast.Subscript):
            _future_index(node, found)
        elif isinstance(node, ast.Call):
            _future_shift(node, found)
        elif isinstance(node, ast.Compare):
            _float_equality(node, found)
        elif isinstance(node, ast.ExceptHandler):
            _swallowed(node, found)


def _money(tree: ast.AST, found: Findings) -> None:
    """Amounts that are added up as binary fractions: 0.1 + 0.2 is not 0.3."""
    if any(isinstance(n, ast.ImportFrom) and n.module == "decimal" for n in ast.walk(tree)):
        return
    if any(isinstance(n, ast.Import) and any(a.name == "decimal" for a in n.names) for n in ast.walk(tree)):
        return
    floats: Dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            value = node.value
            for name in (_name(t) for t in targets):
                if name and MONEY.search(name) and isinstance(value, ast.Constant) and isinstance(value.value, float):
                    floats.setdefault(name, node.lineno)
    told = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub)):
            name = _name(node.target)
            if name in floats and name not in told:
                told.add(name)
                begins = f"it begins as a float in line {floats[name]}"
                found.add("float-money", node, f"{name} is added up in binary floating point ({begins})")


def _name(node: Any) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return node.slice.value
    return ""


def _defaults(function: Any, found: Findings) -> None:
    for default in function.args.defaults + [d for d in function.args.kw_defaults if d is not None]:
        if isinstance(default, (ast.List, ast.Dict, ast.Set)) or (
            isinstance(default, ast.Call) and called(default) in ("list", "dict", "set")
        ):
            found.add("mutable-default", default, f"all calls of {function.name}() share one {shown(default)}")


# A division whose divisor can be 0 and is not looked at before.


def _divisions(function: Any, found: Findings) -> None:
    guarded = _guarded_names(function)
    assigned = _assignments(function)
    for node in ast.walk(function):
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.FloorDiv, ast.Mod))):
            continue
        if isinstance(node.op, ast.Mod) and isinstance(node.left, (ast.Constant, ast.JoinedStr)):
            continue  # a text is formatted
        divisor = node.right
        why = _can_be_zero(divisor, assigned)
        if why and not (_names_of(divisor) & guarded):
            found.add("division-by-zero", node, f"{shown(divisor)} is 0 {why}, and nothing looks at it before")


def _can_be_zero(divisor: ast.expr, assigned: Dict[str, ast.expr]) -> str:
    if isinstance(divisor, ast.Name) and divisor.id in assigned:
        return _can_be_zero(assigned[divisor.id], {})
    if isinstance(divisor, ast.BinOp) and isinstance(divisor.op, ast.Sub):
        if isinstance(divisor.left, ast.Constant) or isinstance(divisor.right, ast.Constant):
            return ""
        return "when prices do not move"
    if isinstance(divisor, ast.Call):
        last = called(divisor).split(".")[-1].lower()
        if last in ("stdev", "pstdev", "std", "variance", "pvariance", "var", "volatility", "deviation"):
            return "when prices do not move"
        if last == "len":
            return "when there is nothing in it"
        if last in ("sum", "fsum"):
            return "when all of it is 0"
    return ""


def _assignments(function: Any) -> Dict[str, ast.expr]:
    """What a name was given, where it is given something only once."""
    values: Dict[str, List[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            values.setdefault(node.targets[0].id, []).append(node.value)
    return {name: given[0] for name, given in values.items() if len(given) == 1}


def _guarded_names(function: Any) -> set:
    """Names that a condition of the function looks at, and what max(name, ...) or `name or 1` makes harmless."""
    names: set = set()
    for node in ast.walk(function):
        if isinstance(node, (ast.If, ast.While, ast.IfExp, ast.Assert)):
            names |= _names_of(node.test)
        elif isinstance(node, ast.comprehension):
            for condition in node.ifs:
                names |= _names_of(condition)
        elif isinstance(node, ast.Assign) and isinstance(node.value, (ast.BoolOp, ast.Call)):
            if isinstance(node.value, ast.BoolOp):
                harmless = isinstance(node.value.op, ast.Or)
            else:
                limits = [a for a in node.value.args if isinstance(a, ast.Constant)]
                harmless = called(node.value) == "max" and bool(limits)
            if harmless:
                names |= {_name(t) for t in node.targets}
    return names


def _names_of(node: ast.AST) -> set:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _first_and_last(function: Any, found: Findings) -> None:
    """bars[0] or bars[-1] of an argument that may be empty."""
    arguments = {a.arg for a in function.args.args}
    guarded = _guarded_names(function)
    told = set()
    for node in ast.walk(function):
        if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)):
            continue
        name = node.value.id
        if name not in arguments or name in guarded or name in told or _constant(node.slice) not in (0, -1):
            continue
        if name in ("params", "self", "cls", "args", "kwargs"):
            continue
        told.add(name)
        what = f"{shown(node)} fails when {name} is empty, and nothing looks at its length before"
        found.add("empty-history", node, what)


def _constant(node: ast.AST) -> Optional[int]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _constant(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.value
    return None


# A mean over a slice that has one value more or less than it is divided by.

Linear = Dict[str, int]  # coefficients by name; "" is the constant


def _linear(node: Optional[ast.expr]) -> Optional[Linear]:
    if node is None:
        return None
    number = _constant(node)
    if number is not None:
        return {"": number}
    if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
        return {ast.unparse(node): 1}
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        left, right = _linear(node.left), _linear(node.right)
        if left is None or right is None:
            return None
        return _plus(left, right, 1 if isinstance(node.op, ast.Add) else -1)
    return None


def _plus(left: Linear, right: Linear, sign: int) -> Linear:
    result = dict(left)
    for name, value in right.items():
        result[name] = result.get(name, 0) + sign * value
    return {name: value for name, value in result.items() if value != 0}


def _window(node: ast.BinOp, found: Findings) -> None:
    if not (isinstance(node.left, ast.Call) and called(node.left).split(".")[-1] in ("sum", "fsum") and node.left.args):
        return
    summed = node.left.args[0]
    if not (isinstance(summed, ast.Subscript) and isinstance(summed.slice, ast.Slice) and summed.slice.step is None):
        return
    upper, divisor = _linear(summed.slice.upper), _linear(node.right)
    lower = _linear(summed.slice.lower)
    if lower is None or upper is None or divisor is None:
        return
    difference = _plus(_plus(upper, lower, -1), divisor, -1)
    if set(difference) == {""}:
        count = abs(difference[""])
        more = "more" if difference[""] > 0 else "less"
        values = "value" if count == 1 else "values"
        found.add(
            "off-by-one-window",
            node,
            f"{shown(summed)} has {count} {values} {more} than {shown(node.right)}, by which its sum is divided",
        )


# The future.


def _future_index(node: ast.Subscript, found: Findings) -> None:
    """bars[i + 1], where i is what a loop counts."""
    index = node.slice
    if not (isinstance(index, ast.BinOp) and isinstance(index.op, ast.Add) and isinstance(node.ctx, ast.Load)):
        return
    step = _constant(index.right)
    if isinstance(index.left, ast.Name) and step is not None and step > 0:
        if re.fullmatch(r"(i|t|idx|index|bar|day|now|k|n)", index.left.id):
            found.add("future-index", node, f"{shown(node)} is of a later bar than {index.left.id}")


def _future_shift(node: ast.Call, found: Findings) -> None:
    if called(node).split(".")[-1] != "shift" or not node.args:
        return
    step = _constant(node.args[0])
    if step is not None and step < 0:
        found.add("future-index", node, f"{shown(node)} brings later values to an earlier bar")


def _float_equality(node: ast.Compare, found: Findings) -> None:
    sides = [node.left, *node.comparators]
    for left, operator, right in zip(sides, node.ops, sides[1:]):
        if not isinstance(operator, (ast.Eq, ast.NotEq)):
            continue
        for one, other in ((left, right), (right, left)):
            fraction = isinstance(one, ast.Constant) and isinstance(one.value, float) and one.value != 0.0
            if fraction and isinstance(other, (ast.Name, ast.Attribute, ast.Subscript)) and PRICE.search(_name(other)):
                found.add("float-equality", node, f"{shown(node)} compares fractions for equality")


def _swallowed(node: ast.ExceptHandler, found: Findings) -> None:
    wide = node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))
    if wide and all(isinstance(s, (ast.Pass, ast.Continue)) for s in node.body):
        what = "everything" if node.type is None else shown(node.type)
        found.add("swallowed-error", node, f"{what} is caught and nothing is done about it")
