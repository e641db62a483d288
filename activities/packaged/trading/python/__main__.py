"""What the verification of a trading algorithm asks of Python; run as a directory, with the task as its argument.

    analyze    reads {"files": [{"path": "...", "text": "..."}]} and says what stands in each, without running it
    run        runs an algorithm over bars and says what it decides
    test       runs a generated test file and says which cases fail
"""

from __future__ import annotations

import sys

import analyze
import harness
import run_tests

TASKS = {"analyze": analyze.main, "run": harness.main, "test": run_tests.main}

if __name__ == "__main__":
    TASKS[sys.argv[1]]()
