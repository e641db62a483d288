"""Runs an algorithm over bars: what it decides, whether that changes when later bars are taken away, and how its work
grows.  One JSON object a line on standard output, each as soon as it is known, so that a limit of time loses only what
follows.

    {"directory": ".", "file": "momentum.py", "entry": "signals", "bars": [...], "params": {...}, "budget_s": 20}
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
import traceback
from typing import Any, Callable, Dict, List, Optional

Bars = List[Dict[str, Any]]
Entry = Callable[[Bars, Dict[str, Any]], Any]


class Unusable(Exception):
    """What the algorithm gave is no list of decisions."""


def load(directory: str, file: str, entry: str) -> Entry:
    """The decisions of an algorithm as a function of bars, whichever of the two ways it has."""
    sys.path.insert(0, os.path.abspath(directory))
    name = os.path.splitext(os.path.basename(file))[0]
    spec = importlib.util.spec_from_file_location(name, os.path.join(directory, file))
    if spec is None or spec.loader is None:
        raise Unusable(f"{file} cannot be loaded as a module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    function = getattr(module, entry)
    if entry == "signals":
        return lambda bars, params: function(copied(bars), dict(params))
    return lambda bars, params: [function(copied(bars[: i + 1]), dict(params)) for i in range(len(bars))]


def copied(bars: Bars) -> Bars:
    return [dict(bar) for bar in bars]


def decisions(run: Entry, bars: Bars, params: Dict[str, Any]) -> List[float]:
    given = run(bars, params)
    try:
        values = [float(value) for value in given]
    except (TypeError, ValueError) as error:
        raise Unusable(f"it gives what is no list of numbers: {error}") from None
    if len(values) != len(bars):
        raise Unusable(f"it gives {len(values)} decisions for {len(bars)} bars")
    for index, value in enumerate(values):
        if value != value or value in (float("inf"), float("-inf")):
            raise Unusable(f"its decision of {bars[index]['date']} is {value}")
    return values


def fault_of(error: BaseException, directory: str) -> Dict[str, Any]:
    """"ZeroDivisionError: division by zero", with the innermost line that is the algorithm's."""
    place: Dict[str, Any] = {"file": "", "line": 0}
    root = os.path.abspath(directory) + os.sep
    own = os.path.dirname(os.path.abspath(__file__)) + os.sep
    for frame in traceback.extract_tb(error.__traceback__):
        path = os.path.abspath(frame.filename)
        if path.startswith(root) and not path.startswith(own):
            place = {"file": path[len(root) :], "line": frame.lineno}
    if isinstance(error, SyntaxError) and error.filename:
        place = {"file": os.path.basename(error.filename), "line": error.lineno or 0}
    said = str(error)
    if isinstance(error, SystemExit):
        words = f"it ends the program (SystemExit: {said})" if said else "it ends the program (SystemExit)"
    elif isinstance(error, MemoryError):
        words = "it took more memory than it may have (MemoryError)"
    elif isinstance(error, Unusable) or type(error).__name__ == "ContractBroken":
        words = said
    else:
        words = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return {"message": words[:300], **place}


def main() -> None:
    request = json.load(sys.stdin)
    # What the algorithm prints goes beside, not between the answers.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(kind: str, **more: Any) -> None:
        out.write(json.dumps({"kind": kind, **more}) + "\n")
        out.flush()

    bars: Bars = request["bars"]
    params: Dict[str, Any] = request["params"]
    try:
        run = load(request["directory"], request["file"], request["entry"])
        begun = time.perf_counter()
        values = decisions(run, bars, params)
        took = time.perf_counter() - begun
    except BaseException as error:  # whatever it is, SystemExit too, it is the algorithm's
        say("fault", contract=isinstance(error, Unusable), **fault_of(error, request["directory"]))
        return
    say("decisions", values=values, seconds=took)
    for part in (_cut, _grow):
        try:
            part(run, request, took, say)
        except BaseException as error:
            say("fault", part=part.__name__[1:], **fault_of(error, request["directory"]))


def _cut(run: Entry, request: Dict[str, Any], took: float, say: Callable[..., None]) -> None:
    """The decision of each bar from the bars up to it alone.  All of them where there is time, else every so many."""
    bars: Bars = request["bars"]
    step = max(1, int(len(bars) * took / 2 / request["budget_s"]) + 1)
    at = list(range(len(bars) - 1, -1, -step))[::-1]
    values: List[Optional[float]] = []
    for index in at:
        try:
            values.append(decisions(run, bars[: index + 1], request["params"])[-1])
        except Exception as error:  # too few bars: it decides nothing then
            values.append(None)
            if len(values) == 1:
                say("early", **fault_of(error, request["directory"]))
    say("cut", step=step, at=at, values=values)


def _grow(run: Entry, request: Dict[str, Any], took: float, say: Callable[..., None]) -> None:
    """Lines of Python that run for n, 2n and 4n bars: the same on every machine, unlike seconds."""
    bars: Bars = request["bars"]
    base = max(1, min(len(bars) // 4, 100))
    counts = []
    for size in (base, 2 * base, 4 * base):
        if size > len(bars):
            break
        counts.append({"bars": size, "lines": _lines(run, bars[:size], request["params"])})
    say("growth", counts=counts)


def _lines(run: Entry, bars: Bars, params: Dict[str, Any]) -> int:
    count = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal count
        if event == "line":
            count += 1
        return trace

    sys.settrace(trace)
    try:
        decisions(run, bars, params)
    finally:
        sys.settrace(None)
    return count
