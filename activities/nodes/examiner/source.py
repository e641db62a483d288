"""The text of a node: whether it is Python, and in plain words why it is not."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Optional

from finding import Outcome

_FENCE = re.compile(r"^\s{0,3}(```|~~~)", re.MULTILINE)
_PYTHON_2 = re.compile(
    r"^\s*(print\s+[\"'\w(]|exec\s+[\"']|raise\s+\w+\s*,|except\s+[\w.]+\s*,\s*\w+\s*:)|\braw_input\b|<>",
    re.MULTILINE,
)
_WORD = re.compile(r"[A-Za-z][a-z']*[,.:;!?]?$")


def parse(text: str, outcome: Outcome) -> Optional[ast.Module]:
    """The tree, or None with one finding that says why there is none."""
    body = text[1:] if text.startswith("\ufeff") else text
    if not body.strip():
        outcome.add("empty", 0, "the file is empty")
        return None
    if "\0" in body:
        outcome.add("E902", body[: body.index("\0")].count("\n") + 1, "the file holds a NUL byte")
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(body)
            # What only the compiler sees: return outside a function, nonlocal at the top, an argument named twice.
            compile(body, "<node>", "exec", dont_inherit=True)
        return tree
    except SyntaxError as error:
        _explain(body, error, outcome)
    except (RecursionError, MemoryError, ValueError) as error:
        outcome.add("E902", 0, f"the file cannot be compiled: {error or 'it is nested too deeply'}")
    return None


def _explain(body: str, error: SyntaxError, outcome: Outcome) -> None:
    line = error.lineno or 0
    said = f"{error.msg} (line {line})" if line else str(error.msg)
    fences = _FENCE.findall(body)
    lines = body.splitlines()
    wrong = lines[line - 1] if 0 < line <= len(lines) else ""
    if fences:
        blocks = (len(fences) + 1) // 2
        what = "a Markdown fence is left in it" if blocks == 1 else f"it is an answer with {blocks} code blocks"
        first = body[: _FENCE.search(body).start()].count("\n") + 1  # type: ignore[union-attr]
        outcome.add("not-one-file", first, f"the file is not one Python file: {what} (line {first})")
    elif _is_prose(wrong) or (line <= 1 and _is_prose(lines[0])):
        outcome.add("prose", line, f'the file is prose and not Python: "{wrong.strip()[:60]}" (line {line})')
    elif _PYTHON_2.search(wrong) or "Missing parentheses in call to" in str(error.msg):
        outcome.add("python-2", line, f"the file is Python 2: {said}")
    else:
        outcome.add("E999", line, f"the file is not Python: {said}")


def _is_prose(line: str) -> bool:
    words = line.split()
    return len(words) >= 4 and sum(1 for word in words if _WORD.match(word)) >= 0.8 * len(words)
