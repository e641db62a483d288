"""Examines nodes: one JSON object a line on standard input, one on standard output for each, in order.

    {"text": "...", "tools": ["weather"] or null, "required_tools": [], "repair": true}
    {"text": "...repaired..." or null, "checks": [{"name": "syntax", "score": 1.0, "findings": [...], "fixed": null,
                                                    "blocked": "", "skipped": ""}, ...]}

"blocked": the node is such that the check could not be made; "skipped": this machine lacks what the check needs.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any, Callable, Dict, List, Optional

import contract
import names
import output
import repair
import tools
from finding import CHECKS, Outcome
from program import Program
from source import parse

MAX_CPU_SECONDS = 20  # of one file; ordinary ones take some milliseconds


def examine(request: Dict[str, Any]) -> Dict[str, Any]:
    original: str = request["text"]
    outcomes = {name: Outcome() for name in CHECKS}
    tree = parse(original, outcomes["syntax"])
    program: Optional[Program] = None
    if tree is None:
        _block(outcomes, "the file does not parse")
    else:
        program = _read(tree, outcomes)
    if tree is None or program is None:
        return _answer(None, outcomes)
    ordered = original
    if repair.missing():
        outcomes["import_order"].skipped = repair.missing()
    else:
        order = outcomes["import_order"]
        ordered = _guarded(order, lambda: repair.check_import_order(original, tree, order)) or original
    text = original
    if request.get("repair", True):
        text = _repair(original, ordered, program, outcomes)
    elif outcomes["import_order"].fixed is not None:
        outcomes["import_order"].findings.append(outcomes["import_order"].fixed)
        outcomes["import_order"].fixed = None
    if text != original:
        program = Program(_tree_of(text))
    _check(program, request, outcomes)
    return _answer(text if text != original else None, outcomes)


def _read(tree: Any, outcomes: Dict[str, Outcome]) -> Optional[Program]:
    first = outcomes["main_function"]
    program: Optional[Program] = _guarded(first, lambda: Program(tree))
    if program is None:
        _block(outcomes, first.blocked)
    return program


def _block(outcomes: Dict[str, Outcome], reason: str) -> None:
    for name in CHECKS[1:]:
        outcomes[name].blocked = reason


def _repair(text: str, ordered: str, program: Program, outcomes: Dict[str, Outcome]) -> str:
    """The text after both repairs, as far as each is safe."""
    runtime = outcomes["runtime_import"]
    changed, fixed = _guarded(runtime, lambda: repair.repair_runtime_import(text, program)) or (text, None)
    if fixed is None:
        return ordered
    runtime.fixed = fixed
    if outcomes["import_order"].fixed is None:
        return _guarded(runtime, lambda: repair.in_order(changed)) or changed
    # What was out of order is told already, by its lines in the text as it came.
    return _guarded(runtime, lambda: repair.check_import_order(changed, _tree_of(changed), Outcome())) or changed


def _check(program: Program, request: Dict[str, Any], outcomes: Dict[str, Outcome]) -> None:
    known: Optional[List[str]] = request.get("tools")
    required: List[str] = request.get("required_tools") or []
    checks: Dict[str, Callable[[Outcome], object]] = {
        "main_function": lambda outcome: contract.check_main(program, outcome),
        "json_output": lambda outcome: output.check_json_output(program, outcome),
        "stdin_use": lambda outcome: contract.check_stdin(program, outcome),
        "runtime_import": lambda outcome: tools.check_runtime_import(program, outcome),
        "call_tool_use": lambda outcome: tools.check_call_tool(program, known, required, outcome),
    }
    if names.missing():
        outcomes["undefined_names"].skipped = names.missing()
    else:
        checks["undefined_names"] = lambda outcome: names.check_names(program, outcome)
    for name, check in checks.items():
        _guarded(outcomes[name], lambda: check(outcomes[name]))  # noqa: B023


def _tree_of(text: str) -> Any:
    return parse(text, Outcome())


def _guarded(outcome: Outcome, check: Callable[[], Any]) -> Any:
    """One check that meets its own limit on an odd file does not take the others with it: then the answer is None."""
    try:
        return check()
    except RecursionError:
        outcome.blocked = "the file is nested too deeply to be examined"
    except Exception as error:  # a fault of the examiner, which the report must say
        outcome.blocked = f"the examiner failed: {type(error).__name__}: {error}"[:300]
    return None


def _answer(text: Optional[str], outcomes: Dict[str, Outcome]) -> Dict[str, Any]:
    checks = [
        {
            "name": name,
            "score": outcome.score(),
            "findings": [finding.as_json() for finding in outcome.findings[:20]],
            "fixed": outcome.fixed.as_json() if outcome.fixed else None,
            "blocked": outcome.blocked,
            "skipped": outcome.skipped,
        }
        for name, outcome in outcomes.items()
    ]
    return {"text": text, "checks": checks}


class TooLong(BaseException):
    """Not an Exception, so that no check takes it for its own."""


def _examine_in_time(request: Dict[str, Any]) -> Dict[str, Any]:
    def ring(*_: object) -> None:
        raise TooLong

    signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, MAX_CPU_SECONDS)
    try:
        return examine(request)
    except TooLong:
        outcomes = {name: Outcome() for name in CHECKS}
        _block(outcomes, f"the file takes more than {MAX_CPU_SECONDS} s to examine")
        return _answer(None, outcomes)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(_examine_in_time(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
