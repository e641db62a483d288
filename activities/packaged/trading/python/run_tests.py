"""Runs a generated test file and says how each case ended: one JSON object a line, as soon as it is known.

    {"directory": ".", "file": "test_trading.py", "case_s": 5}
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
import unittest
from typing import Any

from harness import fault_of


class TooLong(BaseException):
    """Not an Exception, so that few algorithms take it for their own."""


class Told(unittest.TestResult):
    def __init__(self, out: Any, directory: str, file: str, case_s: float) -> None:
        super().__init__()
        self._out = out
        self._file = file
        self._directory = directory
        self._case_s = case_s

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        signal.setitimer(signal.ITIMER_REAL, self._case_s)

    def stopTest(self, test: unittest.TestCase) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        super().stopTest(test)

    def _say(self, test: unittest.TestCase, outcome: str, **more: Any) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        line = {"name": test.id().split(".")[-1], "says": test.shortDescription() or "", "outcome": outcome, **more}
        self._out.write(json.dumps(line) + "\n")
        self._out.flush()

    def addSuccess(self, test: unittest.TestCase) -> None:
        self._say(test, "passed")

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        fault = fault_of(err[1], self._directory)
        if fault["file"] != self._file:  # an assertion of the algorithm's own says nothing of what the case asks for
            self._say(test, "failed", **fault)
            return
        self._say(test, "failed", asserted=True, message=" ".join(str(err[1]).split())[:300])

    def addError(self, test: Any, err: Any) -> None:
        if issubclass(err[0], TooLong):
            self._say(test, "failed", message=f"it did not end within {self._case_s:g} s")
        else:
            self._say(test, "failed", **fault_of(err[1], self._directory))

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self._say(test, "skipped", message=reason)


def main() -> None:
    request = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def ring(*_: object) -> None:
        raise TooLong

    signal.signal(signal.SIGALRM, ring)
    path = os.path.join(request["directory"], request["file"])
    spec = importlib.util.spec_from_file_location("generated_tests", path)
    try:
        if spec is None or spec.loader is None:
            raise ImportError(request["file"])
        module = importlib.util.module_from_spec(spec)
        sys.modules["generated_tests"] = module
        signal.setitimer(signal.ITIMER_REAL, request["case_s"])
        spec.loader.exec_module(module)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except BaseException as error:
        line = {"name": "", "says": "", "outcome": "failed", **fault_of(error, request["directory"])}
        if isinstance(error, TooLong):
            line["message"] = f"the algorithm was not loaded within {request['case_s']:g} s"
        out.write(json.dumps(line) + "\n")
        return
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    suite.run(Told(out, request["directory"], request["file"], request["case_s"]))
