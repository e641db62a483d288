"""Which names each function, class and the module of a node bind, and to what."""

from __future__ import annotations

import ast
from typing import Dict, List, Optional, Sequence, Set, Union

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
PATTERNS = (ast.MatchAs, ast.MatchStar) if hasattr(ast, "MatchAs") else ()  # from Python 3.10


class Scope:
    """The names that one function (or the module, or a class body) binds."""

    def __init__(self, node: ast.AST, parent: Optional["Scope"]) -> None:
        self.node = node
        self.parent = parent
        self.imports: Dict[str, Set[str]] = {}  # dotted names
        self.values: Dict[str, List[ast.expr]] = {}
        self.elements: Dict[str, List[ast.expr]] = {}  # targets of loops: the name is one of what this yields
        self.functions: Dict[str, List[Function]] = {}
        self.parameters: Dict[str, int] = {}  # their place; -1: by keyword only, or collected
        self.others: Set[str] = set()  # bound to what is not followed

    def names(self) -> Set[str]:
        kinds: Sequence[object] = (
            self.imports,
            self.values,
            self.elements,
            self.functions,
            self.parameters,
            self.others,
        )
        return {name for kind in kinds for name in kind}  # type: ignore[attr-defined]

    def binds(self, name: str) -> bool:
        return (
            name in self.imports
            or name in self.values
            or name in self.elements
            or name in self.functions
            or name in self.parameters
            or name in self.others
        )


class Scopes:
    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.parents: Dict[ast.AST, ast.AST] = {}
        self.scopes: Dict[ast.AST, Scope] = {}  # of module, functions and classes
        self.functions: List[Function] = []
        self.numbers: Dict[ast.AST, int] = {}  # of functions
        self.methods: Dict[str, List[Function]] = {}
        self.classes: Dict[str, List[ast.ClassDef]] = {}
        self.attributes: Dict[str, List[ast.expr]] = {}  # what is assigned to `….NAME` anywhere
        self.star_modules: List[str] = []
        self.returns: Dict[ast.AST, List[ast.expr]] = {}
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
        self._open(tree, None)
        for node in ast.walk(tree):  # outer ones before inner ones
            if isinstance(node, FUNCTIONS + (ast.ClassDef,)):
                self._open(node, self.scope_of(node))
        for node in ast.walk(tree):
            self._bind(node)

    def scope_of(self, node: ast.AST) -> Scope:
        """Of the innermost function, class or module around the node (not the one that the node itself opens)."""
        inner = node
        while inner in self.parents:
            outer = self.parents[inner]
            if outer in self.scopes and not _is_outside(outer, inner):
                return self.scopes[outer]
            inner = outer
        return self.scopes[self.tree]

    def find_scope(self, node: ast.AST, name: str) -> Optional[Scope]:
        """Where the name that is read at the node is bound; None: nowhere in this file."""
        scope: Optional[Scope] = self.scope_of(node)
        first = True
        while scope is not None:
            # A class's names are not seen from its methods.
            if (first or not isinstance(scope.node, ast.ClassDef)) and scope.binds(name):
                return scope
            scope, first = scope.parent, False
        return None

    def is_never_run(self, node: ast.AST) -> bool:
        """Inside a branch that is not taken when the file is the program."""
        inner = node
        while inner in self.parents:
            outer = self.parents[inner]
            if isinstance(outer, ast.If) and inner is not outer.test:
                taken = condition(outer.test)
                if taken is not None and (inner in outer.body) != taken:
                    return True
            inner = outer
        return False

    def conditions_of(self, node: ast.AST) -> List[ast.expr]:
        """The tests of the `if`s around the node whose outcome nobody can tell beforehand."""
        tests: List[ast.expr] = []
        inner = node
        while inner in self.parents:
            outer = self.parents[inner]
            if isinstance(outer, ast.If) and inner is not outer.test and condition(outer.test) is None:
                tests.append(outer.test)
            inner = outer
        return tests

    def guarded_by(self, node: ast.AST, *exceptions: str) -> bool:
        """Inside a `try`, or a handler of it, that catches one of the exceptions."""
        inner = node
        while inner in self.parents:
            outer = self.parents[inner]
            handlers = [outer] if isinstance(outer, ast.ExceptHandler) else getattr(outer, "handlers", [])
            if isinstance(outer, (ast.Try, ast.ExceptHandler)) and (inner in outer.body):
                for handler in handlers:
                    caught = (
                        {n.id for n in ast.walk(handler.type) if isinstance(n, ast.Name)} if handler.type else {"*"}
                    )
                    if caught & {"*", "Exception", "BaseException", *exceptions}:
                        return True
            inner = outer
        return False

    def _open(self, node: ast.AST, parent: Optional[Scope]) -> None:
        scope = self.scopes[node] = Scope(node, parent)
        if not isinstance(node, FUNCTIONS):
            return
        self.numbers[node] = len(self.functions)
        self.functions.append(node)
        arguments = node.args
        for index, argument in enumerate(positional(arguments)):
            scope.parameters[argument.arg] = index
        for argument in arguments.kwonlyargs + [a for a in (arguments.vararg, arguments.kwarg) if a]:
            scope.parameters[argument.arg] = -1
        if isinstance(node, ast.Lambda):
            self.returns[node] = [node.body]

    def _bind(self, node: ast.AST) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            scope = self.scope_of(node)
            scope.functions.setdefault(node.name, []).append(node)
            if isinstance(scope.node, ast.ClassDef):
                self.methods.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.ClassDef):
            self.scope_of(node).others.add(node.name)
            self.classes.setdefault(node.name, []).append(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self._bind_import(node)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self._bind_target(target, node.value)
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.NamedExpr)):
            if node.value is not None:
                self._bind_target(node.target, node.value)
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            for name in [n for n in ast.walk(node.target) if isinstance(n, ast.Name)]:
                self._home(name).elements.setdefault(name.id, []).append(node.iter)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if item.optional_vars is not None:
                    self._bind_target(item.optional_vars, item.context_expr)
        elif isinstance(node, ast.Return) and node.value is not None:
            self.returns.setdefault(self.scope_of(node).node, []).append(node.value)
        elif isinstance(node, (ast.Yield, ast.YieldFrom)) and node.value is not None:
            items = self._list_of(node.value, node) if isinstance(node, ast.Yield) else node.value
            self.returns.setdefault(self.scope_of(node).node, []).append(items)
        elif isinstance(node, ast.Call):
            self._bind_call(node)
        elif isinstance(node, (ast.ExceptHandler,) + PATTERNS):
            self.scope_of(node).others.add(str(getattr(node, "name", None)))

    def _home(self, name: ast.Name) -> Scope:
        """The scope that an assignment to the name binds it in."""
        scope = self.scope_of(name)
        if scope.node is self.tree:
            return scope
        body = [] if isinstance(scope.node, ast.Lambda) else scope.node.body  # type: ignore[attr-defined]
        if any(isinstance(statement, ast.Global) and name.id in statement.names for statement in body):
            return self.scopes[self.tree]
        return scope

    def _bind_target(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._home(target).values.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Attribute):
            self.attributes.setdefault(target.attr, []).append(value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            values = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
            for index, element in enumerate(target.elts):
                if len(values) == len(target.elts):
                    self._bind_target(element, values[index])
                    continue
                for name in [n for n in ast.walk(element) if isinstance(n, ast.Name)]:
                    self._home(name).others.add(name.id)

    def _bind_import(self, node: Union[ast.Import, ast.ImportFrom]) -> None:
        if self.is_never_run(node):
            return
        scope = self.scope_of(node)
        for alias in node.names:
            if isinstance(node, ast.Import):
                bound = alias.asname or alias.name.split(".")[0]
                scope.imports.setdefault(bound, set()).add(alias.name if alias.asname else bound)
            elif alias.name == "*":
                self.star_modules.append(node.module or "")
            else:
                module = "." * node.level + (node.module or "")
                scope.imports.setdefault(alias.asname or alias.name, set()).add(f"{module}.{alias.name}")

    def _bind_call(self, node: ast.Call) -> None:
        """`parts.append(x)` puts x among the parts; `json.dump(x, buffer)` makes the buffer's text JSON."""
        if not isinstance(node.func, ast.Attribute) or not node.args:
            return
        base, method = node.func.value, node.func.attr
        if method in ("append", "add", "write") and isinstance(base, ast.Name):
            held = node.args[0] if method == "write" else self._list_of(node.args[0], node)
            self._add_value(node, base.id, held)
        elif method == "dump" and len(node.args) > 1 and isinstance(node.args[1], ast.Name):
            self._add_value(node, node.args[1].id, ast.Constant(value="{}", kind=None))

    def _add_value(self, node: ast.AST, name: str, value: ast.expr) -> None:
        scope = self.find_scope(node, name)
        if scope is not None and name in scope.values and name not in scope.imports:
            scope.values[name].append(value)

    def _list_of(self, value: ast.expr, place: ast.AST) -> ast.List:
        items = ast.List(elts=[value], ctx=ast.Load())
        self.parents[items] = place
        return items


def positional(arguments: ast.arguments) -> List[ast.arg]:
    return list(getattr(arguments, "posonlyargs", [])) + arguments.args


def condition(test: ast.expr) -> Optional[bool]:
    """What the test of an `if` is when the file is the program, where that is certain."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    if name == "TYPE_CHECKING":
        return False
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = condition(test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        sides = [test.left, test.comparators[0]]
        names = [s for s in sides if isinstance(s, ast.Name) and s.id == "__name__"]
        texts = [s.value for s in sides if isinstance(s, ast.Constant)]
        if names and texts and isinstance(test.ops[0], (ast.Eq, ast.NotEq)):
            return (texts[0] == "__main__") == isinstance(test.ops[0], ast.Eq)
    return None


def _is_outside(outer: ast.AST, inner: ast.AST) -> bool:
    """Decorators, bases and defaults are evaluated around what they belong to."""
    if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return inner in outer.decorator_list or inner is outer.args or inner is outer.returns
    if isinstance(outer, ast.ClassDef):
        return inner not in outer.body
    return isinstance(outer, ast.Lambda) and inner is outer.args
