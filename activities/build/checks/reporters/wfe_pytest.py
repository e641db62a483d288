"""Tells the examiner what pytest ran, over a socket that the code under test has no name for.

Started as a file in the place of `-m pytest`, so that no module of the project can take its place, or loaded by
`-p wfe_pytest` before any file of the project; what it needs later is taken now.  PYTEST_DONT_REWRITE
"""

import importlib
import os
import sys

_CHANNEL = 5
_HERE = os.path.dirname(os.path.abspath(__file__))


def _real(name):
    """The module that is installed, whatever the project calls its own; that one when there is no other."""
    path = sys.path[:]
    own = {_HERE, os.getcwd(), *map(os.path.abspath, os.environ.get("PYTHONPATH", "").split(os.pathsep))}
    sys.path[:] = [entry for entry in path if os.path.abspath(entry) not in own]
    try:
        return importlib.import_module(name)
    except ImportError:
        sys.path[:] = path
        return importlib.import_module(name)
    finally:
        sys.path[:] = path


def _connect():
    if "PYTEST_XDIST_WORKER" in os.environ:
        return None, ""  # The controller reports for its workers.
    socket = _real("socket")
    try:
        channel = socket.socket(fileno=os.dup(_CHANNEL))
        nonce = channel.recv(64, socket.MSG_DONTWAIT).decode("ascii")
        channel.setblocking(True)
        os.close(_CHANNEL)
    except (OSError, UnicodeDecodeError):
        return None, ""
    return channel, nonce


def _make():
    channel, nonce = _connect()
    json, pytest = _real("json"), _real("pytest")
    if channel is None:
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


if __name__ == "__main__":
    import runpy

    sys.modules["wfe_pytest"] = sys.modules["__main__"]
    # As `-m` has it; with -I and -P Python puts nothing in front.  Workers of xdist look for this file.
    if sys.path and os.path.abspath(sys.path[0]) == _HERE:
        sys.path[0] = os.getcwd()
    sys.path.append(_HERE)
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)
