"""What the names of a node stand for, followed through assignments, helper functions and aliases, and what is run.

A value is known by marks: dotted names ("sys.stdout", "json.dumps", "builtins.open()" for the result of a call), one
for each function of the file ("def:3"), and these:

    <json>    a text that is JSON        <jsonbytes>  the same, encoded
    <json*>   several of them in a list

All of it is a union over every assignment that there is: where a value may be the right one, it is taken to be.
"""

from __future__ import annotations

import ast
import builtins
import json
from typing import Dict, FrozenSet, Iterator, List, Sequence, Set, Tuple

from scopes import Function, Scope, Scopes, condition, positional

Marks = FrozenSet[str]
NOTHING: Marks = frozenset()
JSON_TEXT: Marks = frozenset({"<json>"})

# Of text; what comes out is as much JSON as what went in.
_TEXT_METHODS = {"strip", "rstrip", "lstrip", "decode", "replace", "getvalue", "join", "read"}
_WRAPPERS = {"io.TextIOWrapper", "codecs.getwriter()", "codecs.getreader()", "builtins.iter", "contextlib.closing"}
_OFTEN_FORGOTTEN = {"json", "sys", "os", "fileinput"}  # modules whose import is missing: an error of its own
# x = x.next() would go on for ever, and a few of its kind would multiply.
_MAX_MARK = 60
_MAX_CALLS = 2
_MAX_MARKS = 16
_MAX_PASSES = 12


class Program(Scopes):
    def __init__(self, tree: ast.Module) -> None:
        super().__init__(tree)
        self._names: Dict[Tuple[ast.AST, str], Marks] = {}
        self._attributes: Dict[str, Marks] = {}
        self._returns: Dict[ast.AST, Marks] = {}
        self._calls_of: Dict[int, List[ast.Call]] = {}
        self._known: Dict[ast.AST, Marks] = {}
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        for _ in range(_MAX_PASSES):
            if not self._pass(calls):
                break
        self.reached = self._reach()

    # ---- values

    def marks(self, node: ast.expr) -> Marks:
        found = self._known.get(node)
        if found is None:
            found = self._known[node] = _bounded(self._marks(node))
        return found

    def called(self, node: ast.Call) -> List[int]:
        """The numbers of this file's functions that the call may be of; of a class, its __init__."""
        numbers = [int(mark[4:]) for mark in self.marks(node.func) if mark.startswith("def:")]
        for made in self.classes.get(getattr(node.func, "id", ""), ()):
            numbers += [
                self.numbers[m] for m in made.body if getattr(m, "name", "") == "__init__" and m in self.numbers
            ]
        return numbers

    def calls_of(self, function: Function) -> List[ast.Call]:
        return self._calls_of.get(self.numbers[function], [])

    def _pass(self, calls: List[ast.Call]) -> bool:
        """Evaluates everything that is assigned with what is known so far; whether anything new was learnt."""
        before = (dict(self._names), dict(self._attributes), dict(self._returns))
        self._known.clear()
        self._calls_of = {}
        for call in calls:
            for number in self.called(call):
                self._calls_of.setdefault(number, []).append(call)
        for scope in self.scopes.values():
            for name in scope.names():
                self._names[(scope.node, name)] = self._of_binding(scope, name)
        for attribute, values in self.attributes.items():
            self._attributes[attribute] = self._union(values)
        for function, values in self.returns.items():
            self._returns[function] = self._union(values)
        self._known.clear()
        return before != (self._names, self._attributes, self._returns)

    def _of_binding(self, scope: Scope, name: str) -> Marks:
        found: Set[str] = set(scope.imports.get(name, ()))
        found |= {f"def:{self.numbers[function]}" for function in scope.functions.get(name, ())}
        found |= self._union(scope.values.get(name, ()))
        for iterated in scope.elements.get(name, ()):
            found |= _one_of(self.marks(iterated))
        if name in scope.parameters:
            found |= self._of_parameter(scope, name)
        return _bounded(frozenset(found))

    def _of_parameter(self, scope: Scope, name: str) -> Marks:
        function, index = scope.node, scope.parameters[name]
        arguments = function.args  # type: ignore[attr-defined]
        is_method = isinstance(self.parents.get(function), ast.ClassDef)
        found: Set[str] = set()
        for call in self._calls_of.get(self.numbers[function], []):
            bound = isinstance(call.func, ast.Attribute) or getattr(function, "name", "") == "__init__"
            place = index - 1 if is_method and bound else index
            if 0 <= place < len(call.args):
                found |= self.marks(call.args[place])
            if arguments.vararg is not None and arguments.vararg.arg == name:
                found |= _several(self._union(call.args))
            found |= self._union([keyword.value for keyword in call.keywords if keyword.arg == name])
        defaults = list(zip(reversed(positional(arguments)), reversed(arguments.defaults)))
        defaults += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults) if d is not None]
        return frozenset(found | self._union([default for argument, default in defaults if argument.arg == name]))

    def _union(self, nodes: Sequence[ast.expr]) -> Marks:
        found: Set[str] = set()
        for node in nodes:
            found |= self.marks(node)
        return _bounded(frozenset(found))

    def _marks(self, node: ast.expr) -> Marks:
        if isinstance(node, ast.Constant):
            return JSON_TEXT if isinstance(node.value, str) and _is_json(node.value) else NOTHING
        if isinstance(node, ast.Name):
            return self._of_name(node)
        if isinstance(node, ast.Attribute):
            return self._of_attribute(node)
        if isinstance(node, ast.Call):
            return self._of_call(node)
        if isinstance(node, (ast.Await, ast.Starred, ast.NamedExpr, ast.FormattedValue)):
            return self.marks(node.value)
        if isinstance(node, ast.IfExp):
            return self.marks(node.body) | self.marks(node.orelse)
        if isinstance(node, ast.BoolOp):
            return self._union(node.values)
        if isinstance(node, ast.JoinedStr):
            return self._union([v for v in node.values if not isinstance(v, ast.Constant)]) & JSON_TEXT
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mod)):
            right = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
            return (self.marks(node.left) | self._union(right)) & {"<json>", "<json*>", "<jsonbytes>"}
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return _several(self._union(node.elts))
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
            return _several(self.marks(node.elt))
        if isinstance(node, ast.Subscript):
            return _one_of(self.marks(node.value))
        if isinstance(node, ast.Lambda):
            return frozenset({f"def:{self.numbers[node]}"})
        return NOTHING

    def _of_name(self, node: ast.Name) -> Marks:
        scope = self.find_scope(node, node.id)
        if scope is not None:
            return self._names.get((scope.node, node.id), NOTHING)
        if "node_runtime" in self.star_modules or node.id == "call_tool":
            # Where its import is missing, that is for another check to say.
            if node.id in ("call_tool", "ToolError", "ToolFailed", "UnknownTool"):
                return frozenset({f"node_runtime.{node.id}"})
        if node.id == "node_runtime":
            return frozenset({"node_runtime"})
        if node.id in _OFTEN_FORGOTTEN:
            return frozenset({node.id})
        if hasattr(builtins, node.id):
            return frozenset({f"builtins.{node.id}"})
        return frozenset(f"{module}.{node.id}" for module in self.star_modules)

    def _of_attribute(self, node: ast.Attribute) -> Marks:
        base = self.marks(node.value)
        found = {f"{mark}.{node.attr}" for mark in base if not mark.startswith("def:")}
        if not any(not mark.startswith(("def:", "<")) and "()" not in mark for mark in base):  # of no module
            found |= self._attributes.get(node.attr, NOTHING)
            if not found:
                found |= {f"def:{self.numbers[method]}" for method in self.methods.get(node.attr, ())}
        return frozenset(found)

    def _of_call(self, node: ast.Call) -> Marks:
        found: Set[str] = set()
        for mark in self.marks(node.func):
            if mark.startswith("def:"):
                found |= self._returns.get(self.functions[int(mark[4:])], NOTHING)
            elif mark in ("json.dumps", "json.JSONEncoder().encode"):
                found |= JSON_TEXT
            elif mark.startswith("<json"):
                found |= _method_of_json(mark)
            elif mark in ("builtins.str", "builtins.format"):
                found |= self._union(node.args) & JSON_TEXT
            elif mark in _WRAPPERS:
                found |= {m[: -len(".buffer")] if m.endswith(".buffer") else m for m in self._union(node.args)}
            elif mark == "functools.partial" and node.args:  # other functions have fewer arguments then
                found |= {
                    held for held in self.marks(node.args[0]) if held.startswith(("def:", "builtins.", "json."))
                }
            elif mark == "builtins.map" and node.args and "json.dumps" in self.marks(node.args[0]):
                found.add("<json*>")
            elif mark in ("builtins.list", "builtins.tuple", "builtins.sorted", "builtins.reversed"):
                found |= self._union(node.args) & {"<json*>"}
            else:
                found.add(mark + "()")
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("join", "format"):
            found |= _one_of(self._union(node.args)) & JSON_TEXT
        return frozenset(found)

    # ---- what is run

    def run_nodes(self) -> Iterator[ast.AST]:
        """Every node that may be run."""
        for scope in self.reached:
            yield from self._body_of(scope)

    def run_calls(self) -> List[Tuple[ast.Call, Marks]]:
        """Every call that may be run, and what is called, in the file's order."""
        calls = [(node, self.marks(node.func)) for node in self.run_nodes() if isinstance(node, ast.Call)]
        return sorted(calls, key=lambda pair: (pair[0].lineno, pair[0].col_offset))

    def _reach(self) -> Set[ast.AST]:
        """Functions, classes and the module whose bodies are run, as far as can be told.

        main() is one of them in any case: that nobody calls it is one error, and not one of each check.
        """
        queue: List[ast.AST] = [self.tree, *(f for f in self.functions if getattr(f, "name", "") == "main")]
        reached: Set[ast.AST] = set(queue)
        while queue:
            for node in self._body_of(queue.pop()):
                for target in self._referred_by(node):
                    if target not in reached:
                        reached.add(target)
                        queue.append(target)
        return reached

    def _referred_by(self, node: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            yield from (self.functions[int(m[4:])] for m in self.marks(node) if m.startswith("def:"))
            for used in self.classes.get(getattr(node, "id", ""), ()):
                yield from (
                    child for child in used.body if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
                )
        elif isinstance(node, (ast.ClassDef, ast.Lambda)) or getattr(node, "decorator_list", None):
            yield node

    def _body_of(self, scope: ast.AST) -> Iterator[ast.AST]:
        """The nodes that run when the scope does: not those of functions and classes in it, nor of dead branches."""
        queue = list(scope.body) if isinstance(getattr(scope, "body", None), list) else [scope.body]  # type: ignore
        while queue:
            node = queue.pop()
            yield node
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                queue += node.decorator_list + [
                    d for d in node.args.defaults + node.args.kw_defaults if d is not None
                ]
            elif isinstance(node, ast.If) and condition(node.test) is not None:
                queue += [node.test] + (node.body if condition(node.test) else node.orelse)
            elif not isinstance(node, (ast.Lambda, ast.ClassDef)):
                queue += list(ast.iter_child_nodes(node))


def _bounded(marks: Marks) -> Marks:
    kept = [mark for mark in marks if len(mark) <= _MAX_MARK and mark.count("(") <= _MAX_CALLS]
    if len(kept) > _MAX_MARKS:
        kept = sorted(kept, key=lambda mark: (not mark.startswith(("<", "sys.", "json.", "def:")), len(mark), mark))[
            :_MAX_MARKS
        ]
    return frozenset(kept)


def _several(marks: Marks) -> Marks:
    return frozenset({"<json*>"}) if marks & {"<json>", "<json*>"} else NOTHING


def _one_of(marks: Marks) -> Marks:
    return frozenset("<json>" if mark == "<json*>" else mark for mark in marks if mark.startswith("<json"))


def _method_of_json(mark: str) -> Marks:
    """Of "<json>.encode" and the like, called."""
    kind, _, method = mark.partition(".")
    if kind == "<json>" and method == "encode":
        return frozenset({"<jsonbytes>"})
    return JSON_TEXT if method in _TEXT_METHODS else NOTHING


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
        return True
    except (ValueError, RecursionError):
        return False
