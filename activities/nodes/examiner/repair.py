"""The two repairs: the import of node_runtime, and the order of imports.

A repair is kept only if the file still parses, everything but its imports is as before, and no import is lost.
"""

from __future__ import annotations

import ast
from typing import List, Optional, Tuple

from finding import Finding, Outcome
from names import load
from program import Program
from tools import PUBLIC, is_unbound, is_wrong_import, module_of

try:
    import isort
except ImportError:  # said by the check
    isort = None  # type: ignore[assignment]

IMPORTS = (ast.Import, ast.ImportFrom)


def missing() -> str:
    """Why the order of imports cannot be examined here; "" when it can."""
    return "" if isort is not None else "isort is not installed for this Python (Debian: python3-isort)"


# ---- the import of node_runtime


def repair_runtime_import(text: str, program: Program) -> Tuple[str, Optional[Finding]]:
    """The text with the import put right, and what was wrong; the text itself when nothing was, or it cannot be."""
    edits: List[Tuple[ast.stmt, str]] = []
    said = ""
    line = 0
    for node in ast.walk(program.tree):
        if isinstance(node, IMPORTS) and not program.is_never_run(node) and is_wrong_import(program, node):
            replacement = _right_import(node)
            if replacement is None:
                return text, None
            edits.append((node, replacement))
            said, line = f"call_tool was imported from {module_of(node)}", node.lineno
    needed = sorted(
        {
            n.id
            for n in ast.walk(program.tree)
            if isinstance(n, ast.Name)
            and isinstance(n.ctx, ast.Load)
            and n.id in PUBLIC + ("node_runtime",)
            and is_unbound(program, n)
        }
    )
    repaired = _replace(text, edits)
    if needed:
        line = line or min(n.lineno for n in ast.walk(program.tree) if isinstance(n, ast.Name) and n.id in needed)
        said = said or f"{needed[0]} was used and not imported"
        lines = ["import node_runtime"] if "node_runtime" in needed else []
        names = [name for name in needed if name != "node_runtime"]
        lines += [f"from node_runtime import {', '.join(names)}"] if names else []
        inserted = _insert(repaired, lines)
        if inserted is None:
            return text, None
        repaired = inserted
    if repaired == text or not _is_same_but_imports(text, repaired):
        return text, None
    return repaired, Finding("runtime-not-imported" if needed else "runtime-import-wrong", line, said)


def _right_import(node: ast.stmt) -> Optional[str]:
    if isinstance(node, ast.ImportFrom):
        if all(alias.name == "node_runtime" for alias in node.names):
            return ast.unparse(ast.Import(names=node.names)) if hasattr(ast, "unparse") else None
        if not all(alias.name in PUBLIC for alias in node.names):
            return None  # the other names are nowhere
        names = ", ".join(a.name + (f" as {a.asname}" if a.asname else "") for a in node.names)
        return f"from node_runtime import {names}"
    alias = node.names[0]  # type: ignore[attr-defined]
    if len(node.names) != 1 or "." in alias.name:  # type: ignore[attr-defined]
        return None
    if alias.name == "call_tool":
        return "from node_runtime import call_tool" + (f" as {alias.asname}" if alias.asname else "")
    return f"import node_runtime as {alias.asname or alias.name}"


def _replace(text: str, edits: List[Tuple[ast.stmt, str]]) -> str:
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    for node, replacement in sorted(edits, key=lambda edit: -edit[0].lineno):
        first, last = node.lineno - 1, node.end_lineno - 1  # type: ignore[operator]
        head, tail = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
        lines[first : last + 1] = [head + replacement.encode() + tail]
    return b"".join(lines).decode()


def _insert(text: str, new_lines: List[str]) -> Optional[str]:
    """Before the first statement that is neither the file's docstring nor of __future__."""
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    tree = ast.parse(text.lstrip("\ufeff"))
    before = 0
    for statement in tree.body:
        first = min([statement.lineno] + [d.lineno for d in getattr(statement, "decorator_list", [])])
        is_docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not is_docstring and not (isinstance(statement, ast.ImportFrom) and statement.module == "__future__"):
            if first <= before:
                return None  # shares its line with what must stay before it
            lines[first - 1 : first - 1] = [line + end for line in new_lines]
            return "".join(lines)
        before = statement.end_lineno or statement.lineno
    return None


# ---- the order of imports


def check_import_order(text: str, tree: ast.Module, outcome: Outcome) -> str:
    """The text with its imports in order; the text itself where they are, or cannot be put so."""
    late = _late_imports(tree)
    if not late and sum(isinstance(node, IMPORTS) for node in ast.walk(tree)) < 2:
        return text
    wrong: Optional[Finding] = None
    if late:
        wrong = Finding("E402", late[0].lineno, f"the import of {module_of(late[0])} stands below other code")
    ordered = _sorted(text, float_to_top=bool(late) and all(_may_move(tree, node) for node in late))
    if wrong is None:
        wrong = None if ordered is None else _out_of_order(text, ordered)
        if wrong is None:
            return text
    kept = ordered is not None and not (late and _late_imports(ast.parse(ordered.lstrip("\ufeff"))))
    if kept and _is_same_but_imports(text, ordered):  # type: ignore[arg-type]
        outcome.fixed = wrong
        return ordered  # type: ignore[return-value]
    wrong.message += "; it could not be repaired without a change of what the file does"
    outcome.findings.append(wrong)
    return text


def in_order(text: str) -> str:
    """The text with its imports in order where that is safe, whatever it was before."""
    ordered = _sorted(text, float_to_top=False) if isort is not None else None
    return ordered if ordered is not None and _is_same_but_imports(text, ordered) else text


def _sorted(text: str, float_to_top: bool) -> Optional[str]:
    # Settings are given here and never looked for, so that no file nearby changes what is found.
    config = isort.Config(profile="black", line_length=100, float_to_top=float_to_top, quiet=True)
    try:
        return str(isort.code(text, config=config))
    except Exception:  # isort's own limits; then nothing is repaired
        return None


def _out_of_order(text: str, ordered: str) -> Optional[Finding]:
    """How a statement lists its names, and how blank lines divide them, is no matter of order."""
    before, after = _modules(text), _modules(ordered)
    for (was, module, line), (now, belongs, _) in zip(before, after):
        if (was, module) != (now, belongs):
            return Finding("I001", line, f"imports are out of order: {now} {belongs} belongs before {was} {module}")
    return None


def _modules(text: str) -> List[Tuple[str, str, int]]:
    """The imports in their order: "import" or "from", module, line; several from one module in a row are one."""
    found: List[Tuple[str, str, int]] = []
    nodes = [node for node in ast.walk(ast.parse(text.lstrip("\ufeff"))) if isinstance(node, IMPORTS)]
    for node in sorted(nodes, key=lambda n: (n.lineno, n.col_offset)):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [module_of(node)]
        word = "import" if isinstance(node, ast.Import) else "from"
        for module in modules:
            if not found or found[-1][:2] != (word, module):
                found.append((word, module, node.lineno))
    return found


def _late_imports(tree: ast.Module) -> List[ast.stmt]:
    late: List[ast.stmt] = []
    code_seen = False
    for statement in tree.body:
        if isinstance(statement, IMPORTS):
            if code_seen:
                late.append(statement)
        elif not _may_stand_before_imports(statement):
            code_seen = True
    return late


def _may_stand_before_imports(statement: ast.stmt) -> bool:
    """Docstrings, conditional imports, __all__ and the like, and changes of sys.path."""
    if isinstance(statement, (ast.Try, ast.If)):
        return any(isinstance(inner, IMPORTS) for inner in ast.walk(statement))
    if isinstance(statement, ast.Assign):
        return all(isinstance(t, ast.Name) and t.id.startswith("__") for t in statement.targets)
    if isinstance(statement, ast.Expr):
        return (
            isinstance(statement.value, ast.Constant) or "sys.path" in ast.dump(statement) or _changes_path(statement)
        )
    return False


def _changes_path(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr == "path" for node in ast.walk(statement))


def _may_move(tree: ast.Module, node: ast.stmt) -> bool:
    """To the top: a module whose import does nothing else, and whose names nothing above binds."""
    modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [module_of(node)]
    if not all(module == "node_runtime" or load(module) is not None for module in modules):
        return False
    bound = {alias.asname or alias.name.split(".")[0] for alias in node.names}  # type: ignore[attr-defined]
    for statement in tree.body[: tree.body.index(node)]:
        for inner in ast.walk(statement):
            name = (
                getattr(inner, "id", None)
                if isinstance(getattr(inner, "ctx", None), ast.Store)
                else getattr(inner, "name", None)
            )
            if name in bound:
                return False
    return True


# ---- what a repair may change


def _is_same_but_imports(before: str, after: str) -> bool:
    try:
        old, new = ast.parse(before.lstrip("\ufeff")), ast.parse(after.lstrip("\ufeff"))
        compile(after.lstrip("\ufeff"), "<node>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    old_names, new_names = _imported(old), _imported(new)
    added = new_names - old_names
    lost = {
        name for name in old_names - new_names if name[0] != "node_runtime" and name[1] not in {a[1] for a in added}
    }
    return (
        not lost
        and all(name[0] == "node_runtime" for name in added)
        and _without_imports(old) == _without_imports(new)
    )


def _imported(tree: ast.Module) -> set:
    """(module, name it is known by, name in the module) of every import."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(alias.name, alias.asname or alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {(module_of(node), alias.asname or alias.name, alias.name) for alias in node.names}
    return found


def _without_imports(tree: ast.Module) -> str:
    class Cut(ast.NodeTransformer):
        def visit_Import(self, node: ast.Import) -> None:
            return None

        visit_ImportFrom = visit_Import  # type: ignore[assignment]

    return ast.dump(Cut().visit(tree))
