"""Tells the examiner what pytest ran, over a socket that the code under test has no name for.

Loaded by `-p wfe_pytest` before any file of the project; what it needs later is taken now.
"""

import json
import os
import socket

import pytest

_CHANNEL = 5


def _make():
    if "PYTEST_XDIST_WORKER" in os.environ:
        return None  # The controller reports for its workers.
    try:
        channel = socket.socket(fileno=os.dup(_CHANNEL))
        nonce = channel.recv(64, socket.MSG_DONTWAIT).decode("ascii")
        channel.setblocking(True)
        os.close(_CHANNEL)
    except (OSError, UnicodeDecodeError):
        return None
    dumps, sendall = json.dumps, channel.sendall

    def send(kind, value):
        sendall((nonce + " " + kind + " " + dumps(value) + "\n").encode("utf-8"))

    outcomes = {}
    forged = []
    raised = set()
    numbers = {"collected": 0, "deselected": 0}

    class Plugin:
        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_runtest_makereport(self, item, call):
            failed = call.excinfo is not None
            result = yield
            report = result.get_result()
            # Whatever other plug-ins made of it: a test that raised has not passed.
            if failed and getattr(report, "outcome", "") == "passed" and not hasattr(report, "wasxfail"):
                forged.append(item.nodeid)
            if call.when == "call":
                raised.discard(item.nodeid)  # Tried again.
            if failed and getattr(report, "outcome", "") == "failed":
                raised.add(item.nodeid)

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_logreport(self, report):
            before = outcomes.get(report.nodeid)
            now = str(report.outcome)
            if before == "failed" or (report.when != "call" and now == "passed" and before is not None):
                return
            if report.when != "call" and now == "passed":
                now = "started"
            outcomes[report.nodeid] = now

        def pytest_collectreport(self, report):
            if str(report.outcome) == "failed":
                outcomes[report.nodeid] = "failed"

        def pytest_deselected(self, items):
            numbers["deselected"] += len(items)

        @pytest.hookimpl(trylast=True)
        def pytest_collection_finish(self, session):
            numbers["collected"] = len(session.items)

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_sessionfinish(self, session, exitstatus):
            yield
            states = list(outcomes.values())
            forged.extend(sorted(node for node in raised if outcomes.get(node) != "failed"))
            send(
                "end",
                {
                    "total": len(states),
                    "failed": states.count("failed"),
                    "skipped": states.count("skipped"),
                    "unfinished": states.count("started"),
                    "forged": forged,
                    "files": sorted({node.split("::")[0] for node in outcomes}),
                    "exit": int(session.exitstatus),
                    **numbers,
                },
            )

    return Plugin()


_plugin = _make()


def pytest_configure(config):
    global _plugin
    if _plugin is not None:
        config.pluginmanager.register(_plugin, "wfe-examiner")
        _plugin = None
