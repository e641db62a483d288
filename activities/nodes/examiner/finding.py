"""What an examination says."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Dict, List, Optional

# In the order of a report (SG-3).
CHECKS = (
    "syntax",
    "main_function",
    "json_output",
    "stdin_use",
    "undefined_names",
    "import_order",
    "runtime_import",
    "call_tool_use",
)


@dataclass
class Finding:
    rule: str  # stable, e.g. "F821", "output-not-json"
    line: int  # from 1; 0: no line in particular
    message: str  # one sentence
    serious: bool = True  # False: half of the check is lost

    def as_json(self) -> Dict[str, object]:
        return {"rule": self.rule, "line": self.line, "message": self.message}


@dataclass
class Outcome:
    """One check of one file."""

    findings: List[Finding] = field(default_factory=list)
    fixed: Optional[Finding] = None  # what was wrong and is no longer
    blocked: str = ""  # what about the node keeps it from being examined
    skipped: str = ""  # what this machine lacks for examining it

    def add(self, rule: str, where: object, message: str, serious: bool = True) -> None:
        """`where`: a node of the tree, or a line."""
        line = where.lineno if isinstance(where, (ast.stmt, ast.expr)) else int(str(where))
        if all((known.rule, known.line) != (rule, line) for known in self.findings):
            self.findings.append(Finding(rule, line, message, serious))

    def score(self) -> float:
        if self.blocked:
            return 0.0
        if not self.findings:
            return 1.0
        return 0.0 if any(finding.serious for finding in self.findings) else 0.5
