"""Compares what is served over HTTP with what the command line says of the same records, figure by figure.

  recount_http.py URL WFE          exit 1 and a line for each difference

The one is asked after the other, so figures that depend on the moment (ages, open calls) are of records that are settled;
"at" and the like are left out.
"""

import json
import subprocess
import sys
import time
import urllib.request

url, wfe = sys.argv[1], sys.argv[2]
MOMENTS = {"at", "as_of", "since", "took", "from", "to", "history_length"}
wrong = []


def served(path):
    with urllib.request.urlopen(url + path, timeout=20) as answer:
        return json.load(answer)


def told(*command):
    done = subprocess.run([wfe, *command, "--output", "json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def settled(value):
    if isinstance(value, dict):
        moments = MOMENTS if "closed" in value else MOMENTS | {"took_s"}
        return {key: settled(each) for key, each in value.items() if key not in moments}
    if isinstance(value, list):
        return [settled(each) for each in value]
    return value


def same(what, path, command, pick=lambda answer: answer, pick_told=lambda answer: answer):
    # Kept answers are a moment old at most; a difference that stays is one.
    for _ in range(50):
        got, expected = settled(pick(served(path))), settled(pick_told(told(*command)))
        if got == expected:
            return
        time.sleep(0.1)
    wrong.append(f"{what}: served {json.dumps(got)[:400]}, told {json.dumps(expected)[:400]}")


same("dashboard", "/api/dashboard", ["dashboard"])
same("dashboard of two days", "/api/dashboard?hours=48", ["dashboard", "--hours", "48"])
for by in ("model", "day", "month", "workflow", "type", "step"):
    same(f"costs by {by}", f"/api/costs?by={by}", ["costs", "--by", by])
same("budgets", "/api/budget", ["budget", "show"])
same("quota", "/api/quota/forecast", ["quota", "forecast"], lambda answer: answer["report"])
same("patterns", "/api/patterns", ["patterns", "report"], lambda answer: answer["report"])
same("savings", "/api/savings", ["savings"], lambda answer: {key: answer[key] for key in answer if key != "cache"})
same("the cache", "/api/savings", ["cache", "stats"], lambda answer: answer["cache"])
same("runs", "/api/runs?limit=100", ["list", "--limit", "100"], lambda answer: answer["runs"])
same("reports", "/api/reports", ["audit", "list"], lambda answer: answer["reports"],
     lambda answer: list(reversed(answer)))

quota = served("/api/quota/forecast")
for flat, nested in (("used", "used"), ("expected", "expected"), ("limit", "quota")):
    if quota.get(flat) != quota["report"]["forecast"].get(nested):
        wrong.append(f"quota: {flat} is not the report's {nested}")
if "band" in quota and [quota["band"][k] for k in ("lo", "hi")] != [quota["report"]["forecast"][k] for k in ("lo", "hi")]:
    wrong.append("quota: the band is not the report's")
for run in served("/api/runs?limit=5")["runs"]:
    shown = told("show", run["workflow_id"], "--run-id", run["run_id"])
    detail = served("/api/runs/" + urllib.request.quote(run["workflow_id"], safe="") + "?run_id=" + run["run_id"])
    for key in ("status", "type", "started", "history_events", "history_bytes", "task_queue", "result", "failure"):
        if detail.get(key) != shown.get(key):
            wrong.append(f"run {run['workflow_id']}: {key} is served as {detail.get(key)}, told as {shown.get(key)}")
if not served("/api/costs")["total"]["calls"] or not served("/api/dashboard")["generations"]["generations"]:
    wrong.append("there was nothing to count")
sys.exit("\n".join(wrong) or 0)
