"""What lets others run code or read secrets; secrets themselves are found by patterns, in files of any kind."""

from __future__ import annotations

import ast
import re
from typing import List, Optional

from finding import Findings, called, shown

SHELLS = {"os.system", "os.popen", "commands.getoutput", "subprocess.getoutput", "subprocess.getstatusoutput"}
RUNNERS = {"subprocess." + name for name in ("run", "call", "check_call", "check_output", "Popen")}
LOADERS = {"pickle.load", "pickle.loads", "marshal.load", "marshal.loads", "shelve.open", "dill.load", "dill.loads"}
SQL = re.compile(r"\b(select|insert|update|delete|drop|create)\b", re.IGNORECASE)
SECRET = re.compile(r"(secret|passw|token|api_?key|private_?key|credential)", re.IGNORECASE)
LOCAL = re.compile(r"^http://(localhost|127\.0\.0\.1|\[::1\])")


def check(tree: ast.AST, found: Findings) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            _call(node, found)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.startswith("http://") and not LOCAL.match(node.value):
                what = "orders or prices go over http://, which anybody on the way can change"
                found.add("insecure-transport", node, what)


def _call(node: ast.Call, found: Findings) -> None:
    name = called(node)
    first: Optional[ast.expr] = node.args[0] if node.args else None
    if name in ("eval", "exec", "builtins.eval", "builtins.exec") and first is not None and _varies(first):
        found.add("code-execution", node, f"{name}() runs {shown(first)} as code, whatever stands in it")
    elif name in SHELLS and first is not None and _varies(first):
        found.add("shell-injection", node, f"{name}() gives {shown(first)} to a shell")
    elif name in RUNNERS and first is not None and _varies(first) and _is_true(node, "shell"):
        found.add("shell-injection", node, f"{name}(..., shell=True) gives {shown(first)} to a shell")
    elif name in LOADERS:
        found.add("unsafe-loading", node, f"{name}() runs code that the loaded file names")
    elif name in ("yaml.load", "yaml.load_all") and not _safe_loader(node):
        found.add("unsafe-loading", node, f"{name}() without SafeLoader makes objects that the file names")
    elif name.split(".")[-1] in ("execute", "executemany", "executescript", "read_sql", "read_sql_query"):
        if first is not None and _is_built(first) and SQL.search(_literals(first)):
            found.add("sql-injection", node, f"the statement is put together from values: {shown(first)}")
    elif name.split(".")[-1] in ("print", "debug", "info", "warning", "error", "log", "exception"):
        for secret in _secret_names(node):
            found.add("secret-logged", node, f"{secret} is written to a log")
    if _is_false(node, "verify"):
        found.add("insecure-transport", node, "the certificate of the other side is not checked (verify=False)")


def _varies(node: ast.expr) -> bool:
    return not all(isinstance(n, (ast.Constant, ast.List, ast.Tuple, ast.Load)) for n in ast.walk(node))


def _is_built(node: ast.expr) -> bool:
    """A text put together from others: f"...", "..." + x, "..." % x, "...".format(x)."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mod)):
        return _varies(node)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"


def _literals(node: ast.AST) -> str:
    return " ".join(n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str))


def _keyword(node: ast.Call, name: str) -> Optional[ast.expr]:
    return next((k.value for k in node.keywords if k.arg == name), None)


def _is_true(node: ast.Call, name: str) -> bool:
    value = _keyword(node, name)
    return isinstance(value, ast.Constant) and value.value is True


def _is_false(node: ast.Call, name: str) -> bool:
    value = _keyword(node, name)
    return isinstance(value, ast.Constant) and value.value is False


def _safe_loader(node: ast.Call) -> bool:
    loader = _keyword(node, "Loader") or (node.args[1] if len(node.args) > 1 else None)
    return loader is not None and "Safe" in ast.unparse(loader)


def _secret_names(node: ast.Call) -> List[str]:
    names = []
    for argument in node.args:
        for part in ast.walk(argument):
            if isinstance(part, ast.Name) and SECRET.search(part.id):
                names.append(part.id)
    return names
