"""What makes a Python file a node, first half: main() that is called, JSON that is read from standard input."""

from __future__ import annotations

import ast
from typing import List, Optional, Tuple

from finding import Outcome
from program import Marks, Program
from scopes import positional

_STDIN = ("sys.stdin", "sys.stdin.buffer", "sys.__stdin__", "sys.__stdin__.buffer")
_READS = ("read", "readline", "readlines", "readinto", "detach", "__iter__", "__next__")
_READ_METHODS = tuple(f"{stream}.{method}" for stream in _STDIN for method in _READS)
_OTHER_READS = ("builtins.input", "fileinput.input", "fileinput.FileInput")
_PARSES = ("json.load", "json.loads", "json.JSONDecoder().decode", "json.JSONDecoder().raw_decode")


def has(marks: Marks, names: Tuple[str, ...]) -> bool:
    return any(mark in names for mark in marks)


# ---- main


def check_main(program: Program, outcome: Outcome) -> None:
    scope = program.scopes[program.tree]
    definitions = scope.functions.get("main", [])
    number = {f"def:{program.numbers[f]}" for f in definitions}
    if not definitions:
        aliased = [v for v in scope.values.get("main", []) if any(m.startswith("def:") for m in program.marks(v))]
        if not aliased:
            others = [f for f in program.functions if getattr(f, "name", "") == "main"]
            if others:
                outcome.add(
                    "main-inside", others[0], "main() is not a function of the file itself but inside another"
                )
            else:
                outcome.add("main-missing", 0, "there is no function main()")
            return
        number = {m for v in aliased for m in program.marks(v) if m.startswith("def:")}
        definitions = [program.functions[int(m[4:])] for m in number]
    calls = [call for call, marks in program.run_calls() if marks & number]
    handed_on = [call for call, _ in program.run_calls() if _is_handed(program, call, number)]
    if not calls and not handed_on:
        outcome.add("main-not-called", definitions[0], _why_not_called(program, number))
        return
    for call in calls:
        _check_main_call(program, definitions[0], call, outcome)


def _is_handed(program: Program, call: ast.Call, number: set) -> bool:
    """run(main), Thread(target=main): whoever gets it calls it."""
    if has(program.marks(call.func), ("builtins.print", "builtins.repr", "builtins.str", "builtins.callable")):
        return False
    values = call.args + [keyword.value for keyword in call.keywords]
    return any(isinstance(v, (ast.Name, ast.Attribute)) and program.marks(v) & number for v in values)


def _why_not_called(program: Program, number: set) -> str:
    for node in ast.walk(program.tree):
        if isinstance(node, ast.Call) and program.marks(node.func) & number:
            return f"main() is never called when the file is run: line {node.lineno} calls it, and is not reached"
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Name) and program.marks(node.value) & number:
            return f"main is named in line {node.lineno} and not called: write main()"
    return "main() is never called"


def _check_main_call(program: Program, main: ast.AST, call: ast.Call, outcome: Outcome) -> None:
    arguments = main.args  # type: ignore[attr-defined]
    if not any(isinstance(a, ast.Starred) for a in call.args) and not any(k.arg is None for k in call.keywords):
        needed = len(positional(arguments)) - len(arguments.defaults)
        names = {a.arg for a in positional(arguments)[len(call.args) :]} & {k.arg for k in call.keywords}
        given = len(call.args) + len(names)
        if given < needed:
            outcome.add("main-arguments", call, f"main() takes {needed} arguments and is called with {given}")
        elif arguments.vararg is None and len(call.args) > len(positional(arguments)):
            outcome.add(
                "main-arguments",
                call,
                f"main() takes {len(positional(arguments))} arguments and is called with {len(call.args)}",
            )
    if isinstance(main, ast.AsyncFunctionDef) and not isinstance(program.parents[call], (ast.Await, ast.Call)):
        outcome.add("main-not-awaited", call, "main() is a coroutine and is not run: write asyncio.run(main())")


# ---- standard input


def check_stdin(program: Program, outcome: Outcome) -> None:
    calls = program.run_calls()
    reads = any(_is_read(program, node) for node in program.run_nodes())
    named: Optional[ast.AST] = None
    for node in program.run_nodes():
        if isinstance(node, ast.Attribute) and node.attr in _READS and has(program.marks(node.value), _STDIN):
            if not _is_called(program, node):
                named = node
    if named is not None and not any(_calls_a_read(program, call) for call, _ in calls):
        outcome.add(
            "stdin-not-called", named, "the read of standard input is named and not called: the () are missing"
        )  # type: ignore
    elif not reads:
        outcome.add("stdin-not-read", *_instead_of_stdin(program, calls))
    elif not any(has(marks, _PARSES) for _, marks in calls) and not _hands_parser_on(program):
        outcome.add(
            "stdin-not-parsed",
            0,
            "what is read from standard input is not parsed as JSON (json.load, json.loads)",
            serious=False,
        )


def _calls_a_read(program: Program, call: ast.Call) -> bool:
    if has(program.marks(call.func), _READ_METHODS):
        return True
    return any(has(program.marks(a), _STDIN) for a in call.args) and has(program.marks(call.func), _PARSES)


def _hands_parser_on(program: Program) -> bool:
    """map(json.loads, lines)"""
    for call, _ in program.run_calls():
        if any(has(program.marks(a), _PARSES) for a in call.args if isinstance(a, (ast.Name, ast.Attribute))):
            return True
    return False


def _is_called(program: Program, node: ast.AST) -> bool:
    return isinstance(program.parents.get(node), ast.Call)  # or handed to one: iter(sys.stdin.readline, "")


def _is_read(program: Program, node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        marks = program.marks(node.func)
        if has(marks, _OTHER_READS) or has(marks, _READ_METHODS):
            return True
        first = node.args[0] if node.args else None
        if has(marks, ("builtins.open", "io.open", "os.fdopen", "os.read", "pathlib.Path")):
            return isinstance(first, ast.Constant) and first.value in (0, "/dev/stdin") and first.value is not False
        if any(mark.startswith("def:") for mark in marks):
            return False  # whether it reads what it is given is seen inside it
        if has(marks, ("builtins.print", "builtins.hasattr", "builtins.id", "builtins.type", "select.select")):
            return False
        if any(has(program.marks(argument), _STDIN) for argument in node.args):
            return True
        # Handed to what calls it: iter(sys.stdin.readline, ""), run_in_executor(None, sys.stdin.read).
        takes_values = any(mark.startswith(("json.", "builtins.str")) for mark in marks)
        return not takes_values and any(has(program.marks(a), _READ_METHODS) for a in node.args)
    if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        return has(program.marks(node.iter), _STDIN)
    return isinstance(node, ast.YieldFrom) and has(program.marks(node.value), _STDIN)


def _instead_of_stdin(program: Program, calls: List[Tuple[ast.Call, Marks]]) -> Tuple[object, str]:
    said = "standard input is never read"
    for node in program.run_nodes():
        if isinstance(node, ast.Attribute) and has(program.marks(node), ("sys.argv",)):
            return node, f"{said}: the input is taken from the command line"
    for call, marks in calls:
        if has(marks, ("builtins.open", "pathlib.Path().read_text", "pathlib.Path().open")):
            return call, f"{said}: the input is taken from a file"
    for node in ast.walk(program.tree):
        if isinstance(node, (ast.Call, ast.For, ast.comprehension)) and _is_read(program, node):
            return node if isinstance(node, (ast.stmt, ast.expr)) else 0, f"{said}: what reads it is never called"
    return 0, said
