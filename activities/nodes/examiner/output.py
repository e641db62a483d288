"""What makes a Python file a node, second half: one JSON value on standard output, and nothing else."""

from __future__ import annotations

import ast
from typing import List, Optional, Tuple

from contract import has
from finding import Outcome
from program import Marks, Program

_STDOUT = ("sys.stdout", "sys.stdout.buffer", "sys.__stdout__", "sys.__stdout__.buffer")


def check_json_output(program: Program, outcome: Outcome) -> None:
    written = 0
    for call, marks in program.run_calls():
        if has(marks, ("builtins.print",)):
            written += _check_print(program, call, outcome)
        elif has(marks, tuple(f"{s}.{w}" for s in _STDOUT for w in ("write", "writelines"))):
            written += _check_write(program, call, marks, outcome)
        elif has(marks, ("json.dump",)):
            written += _check_dump(program, call, outcome)
        elif has(marks, ("os.write",)) and len(call.args) > 1 and _is_one(call.args[0]):
            written += 1 if "<jsonbytes>" in program.marks(call.args[1]) else 0
        elif has(marks, ("json.dumps",)):
            _check_dumps(program, call, outcome)
        elif has(marks, ("builtins.input",)) and call.args:
            outcome.add(
                "stdout-prompt", call, "the prompt of input() goes to standard output, before the JSON", False
            )
        elif has(marks, ("pprint.pprint", "pprint.pp")) and not _keyword(call, "stream"):
            outcome.add("output-not-json", call, "pprint() writes Python's form of a value and not JSON", written > 0)
        elif has(marks, ("logging.basicConfig", "logging.StreamHandler")):
            stream = _keyword(call, "stream") or (call.args[0] if call.args else None)
            if stream is not None and has(program.marks(stream), _STDOUT):
                outcome.add("stdout-noise", call, "the log goes to standard output, among the JSON", False)
    if written == 0:
        if all(f.rule != "output-not-json" for f in outcome.findings):
            outcome.add("output-missing", *_why_no_output(program))
        for finding in outcome.findings:
            finding.serious = True


def _check_print(program: Program, call: ast.Call, outcome: Outcome) -> int:
    file = _keyword(call, "file")
    if (file is not None and not has(program.marks(file), _STDOUT)) or (
        file is None and _is_redirected(program, call)
    ):
        return 0
    texts = [a for a in call.args if not _is_blank(a)]
    json_texts = [a for a in texts if _is_json_text(program, a)]
    if not texts:
        return 0
    if not json_texts:
        said, rule, serious = _not_json(program, texts[0]), "output-not-json", True
        if isinstance(texts[0], (ast.Constant, ast.JoinedStr)) and not _looks_by_hand(texts[0]):
            rule, serious, said = "stdout-noise", False, "print() writes a text that is no JSON to standard output"
        if _looks_by_hand(texts[0]):
            outcome.add("json-by-hand", call, "JSON is put together by hand; json.dumps() knows the rules", False)
            return 1
        outcome.add(rule, call, said, serious)
        return 0
    if len(texts) > len(json_texts) or any(_has_text_beside(program, a) for a in json_texts):
        outcome.add("stdout-noise", call, "print() writes other text beside the JSON", False)
    _check_loop(program, call, outcome)
    return 1


def _check_write(program: Program, call: ast.Call, marks: Marks, outcome: Outcome) -> int:
    value = call.args[0] if call.args else None
    if value is None or _is_blank(value):
        return 0
    to_bytes = any(".buffer." in mark for mark in marks)
    held = program.marks(value)
    if to_bytes and "<jsonbytes>" not in held:
        wrong = "a text is written to the bytes of standard output: .encode() is missing" if held & {"<json>"} else ""
        outcome.add("output-not-json", call, wrong or "what is written to standard output is not JSON")
        return 0
    if not to_bytes and not _is_json_text(program, value):
        if isinstance(value, (ast.Constant, ast.JoinedStr)):
            outcome.add("stdout-noise", call, "a text that is no JSON is written to standard output", False)
        else:
            outcome.add("output-not-json", call, "what is written to standard output is not JSON")
        return 0
    if _has_text_beside(program, value):
        outcome.add("stdout-noise", call, "other text is written to standard output beside the JSON", False)
    _check_loop(program, call, outcome)
    return 1


def _check_dump(program: Program, call: ast.Call, outcome: Outcome) -> int:
    file = call.args[1] if len(call.args) > 1 else _keyword(call, "fp")
    if file is None:
        outcome.add("output-not-json", call, "json.dump() is called without a file; json.dumps() makes a text")
        return 0
    if not has(program.marks(file), _STDOUT):
        return 0
    if "sys.stdout.buffer" in program.marks(file):
        outcome.add("output-not-json", call, "json.dump() writes text, and sys.stdout.buffer takes bytes")
        return 0
    parent = program.parents.get(call)
    if isinstance(parent, ast.Call) and has(program.marks(parent.func), ("builtins.print",)):
        outcome.add("stdout-noise", call, "print(json.dump(...)) writes None behind the JSON", False)
    _check_loop(program, call, outcome)
    return 1


def _check_dumps(program: Program, call: ast.Call, outcome: Outcome) -> None:
    if len(call.args) > 1:
        outcome.add("output-not-json", call, "json.dumps() takes one value; the file is json.dump()'s")
    elif call.args and "<json>" in program.marks(call.args[0]) and not isinstance(call.args[0], ast.Constant):
        outcome.add("json-twice", call, "the value is JSON text already: it becomes one text inside another", False)


def _check_loop(program: Program, call: ast.Call, outcome: Outcome) -> None:
    """One run writes one value; a call in a loop that goes on writes several."""
    statement: ast.AST = call
    while not isinstance(statement, ast.stmt):
        statement = program.parents[statement]
    inner: ast.AST = statement
    while inner in program.parents and not isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        outer = program.parents[inner]
        body = next(
            (b for b in (getattr(outer, n, None) for n in ("body", "orelse")) if isinstance(b, list) and inner in b),
            [],
        )
        after = body[body.index(inner) + 1 :] if inner in body else []
        if any(isinstance(s, (ast.Return, ast.Break, ast.Raise)) or _is_exit(program, s) for s in after):
            return
        if isinstance(outer, (ast.For, ast.AsyncFor, ast.While)) and inner in outer.body:
            outcome.add("output-in-loop", call, "the JSON is written in a loop: one run writes one value", False)
            return
        inner = outer


def _is_exit(program: Program, statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Call) and has(program.marks(value.func), ("sys.exit", "builtins.exit", "os._exit"))


def _is_json_text(program: Program, node: ast.expr) -> bool:
    if isinstance(node, ast.Starred):
        return "<json*>" in program.marks(node.value)
    return "<json>" in program.marks(node)


def _has_text_beside(program: Program, node: ast.expr) -> bool:
    """`"Result: " + json.dumps(x)`"""
    parts: List[ast.expr] = []
    if isinstance(node, ast.JoinedStr):
        parts = list(node.values)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [node.left, node.right]
    elif isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant):
        return bool(str(node.left.value).replace("%s", "").strip())
    return any(
        bool(str(part.value).strip()) if isinstance(part, ast.Constant) else _has_text_beside(program, part)
        for part in parts
    )


def _is_redirected(program: Program, call: ast.Call) -> bool:
    """Inside `with redirect_stdout(...)`."""
    inner: ast.AST = call
    while inner in program.parents:
        inner = program.parents[inner]
        for item in getattr(inner, "items", []) if isinstance(inner, ast.With) else []:
            if "contextlib.redirect_stdout()" in program.marks(item.context_expr):
                return True
    return False


def _is_blank(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)) and not node.value.strip()


def _looks_by_hand(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
        return str(node.values[0].value).lstrip().startswith(("{", "["))
    if isinstance(node, ast.BinOp):
        return isinstance(node.left, ast.BinOp) and _looks_by_hand(node.left) or _starts_json(node.left)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return _starts_json(node.func.value)
    return False


def _starts_json(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.lstrip().startswith(("{", "["))
    )


def _not_json(program: Program, node: ast.expr) -> str:
    marks = program.marks(node)
    if "<jsonbytes>" in marks:
        return "print() writes the form b'...' of encoded JSON; leave out .encode()"
    if "json.dumps" in marks:
        return "json.dumps is named and not called"
    if any(mark.startswith(("json.loads()", "json.load()")) for mark in marks):
        return "print() writes the parsed value in Python's form; json.dumps() makes JSON of it"
    return "print() writes Python's form of a value and not JSON; json.dumps() makes JSON of it"


def _why_no_output(program: Program) -> Tuple[object, str]:
    said = "JSON is never written to standard output"
    for call, marks in program.run_calls():
        if has(marks, ("builtins.print",)) and any(_is_json_text(program, a) for a in call.args):
            return call, f"{said}: print() writes it elsewhere"
        if has(marks, ("json.dump",)):
            return call, f"{said}: json.dump() writes it elsewhere"
    for call, marks in program.run_calls():
        if has(marks, ("json.dumps",)):
            return call, f"{said}: the text of json.dumps() is not printed"
    return 0, said


def _keyword(call: ast.Call, name: str) -> Optional[ast.expr]:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1
