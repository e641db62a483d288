"""Counts the figures of `wfe dashboard` again, from exported rows, with exact decimals.

  recount_dashboard.py DIRECTORY              dashboard.json beside usage, reports, cycles and calls
  recount_dashboard.py DIRECTORY WHAT FILE    FILE has the rows of WHAT that the window holds, and no others

Ends with 1 and a line for each figure that is another one.
"""

import json
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

directory = Path(sys.argv[1])
wrong = []


def rows(name):
    with open(directory / f"{name}.jsonl", encoding="utf-8") as lines:
        return [json.loads(line, parse_float=Decimal) for line in lines]


def document(name):
    return json.loads((directory / f"{name}.json").read_text(encoding="utf-8"), parse_float=Decimal)


def same(what, shown, counted):
    if shown is None and counted is None:
        return
    if shown is None or counted is None or abs(Decimal(shown) - Decimal(counted)) > Decimal("1e-9"):
        wrong.append(f"{what}: shown {shown}, counted {counted}")


def mean(values):
    return sum(values, Decimal(0)) / len(values) if values else None


board = document("dashboard")
since, until = board["since"], board["at"]


def within(all_rows, key):
    return [row for row in all_rows if since < row[key] <= until]


usage = [row for row in within(rows("usage"), "created_at") if row["workflow_type"] == "StreamlinedGenerationWorkflow"]
reports = within(rows("reports"), "created_at")
cycles = within(rows("cycles"), "at")

if len(sys.argv) > 2:
    kind = {"generations": (usage, "workflow_run_id"), "reports": (reports, "report_id"), "cycles": (cycles, "row_key")}
    expected, key = kind[sys.argv[2]]
    got = [json.loads(line) for line in open(directory / sys.argv[3], encoding="utf-8")]
    if sys.argv[2] == "cycles":
        if len(got) != len(expected):
            wrong.append(f"{len(got)} rows instead of {len(expected)}")
    elif sorted(row[key] for row in got) != sorted(row[key] for row in expected):
        wrong.append(f"other rows: {len(got)} instead of {len(expected)}")
    sys.exit("\n".join(wrong) or 0)

online = board["generations"]
same("generations", online["generations"], len(usage))
for outcome in ("success_first_pass", "success_after_escalation", "failed"):
    same(outcome, online[outcome], sum(row["outcome"] == outcome for row in usage))
same("success rate", online.get("success_rate"), mean([Decimal(row["success"]) for row in usage]))
same("mean time", online.get("mean_duration_ms"), mean([Decimal(row["duration_ms"]) for row in usage]))
same("within target", online["within_target"], sum(row["duration_ms"] < 10_000 for row in usage))
same("cost", online["cost_usd"], sum((Decimal(row["cost_usd"]) for row in usage), Decimal(0)))

analysis = board["analysis"]
first = {}
for report in sorted(rows("reports"), key=lambda row: (row["created_at"], row["report_id"])):
    first.setdefault(report["workflow_run_id"], report)
answers = within(first.values(), "created_at")
same("reports", analysis["reports"], len(reports))
same("first answers", analysis["first_answers"], len(answers))
same("mean quality", analysis.get("mean_quality"), mean([Decimal(row["overall_score"]) for row in answers]))
same("auto-fixes", analysis["auto_fixes"], sum(row["auto_fixes_applied"] for row in reports))
same("escalations", analysis["escalations"], sum(row.get("escalated", False) for row in usage))

learned = board["optimization"]
same("cycles", learned["cycles"], len({row["cycle_id"] for row in cycles}))
same("improvements", learned["improvements"],
     sum(row["measurement"]["action"] == "activated" or row["deployment"]["mode"] == "active" for row in cycles))
same("taken back", learned["taken_back"],
     sum(row["measurement"]["action"] in ("rolled_back", "given_up") for row in cycles))
same("answers of seven days", sum(day["answers"] for day in learned["days"]),
     sum(learned["days"][0]["from"] < row["created_at"] <= until for row in first.values()))

calls = {}
for row in rows("calls"):
    if row["call_id"] not in calls or row["status"] != "started":
        calls[row["call_id"]] = row
costs = board["costs"]
same("calls", costs["total"]["calls"], len(calls))
spent = defaultdict(Decimal)
for row in calls.values():
    spent[row["model"]] += Decimal(row.get("cost_usd") or 0)
same("total cost", costs["total"]["cost_usd"], sum(spent.values(), Decimal(0)))
for model in costs["by_model"]:
    same(f"cost of {model['name']}", model["cost_usd"], spent[model["name"]])
for period in ("today", "month", "total"):
    same(f"{period} beside wfe costs", costs[period]["cost_usd"], document("costs")[period]["cost_usd"])
for shown, asked in zip(costs["budgets"], document("budgets")["budgets"], strict=True):
    same(f"budget {asked['budget']}", shown["used_usd"], asked["used_usd"])
if not usage or not reports or not cycles or not calls:
    wrong.append("there was nothing to count")
sys.exit("\n".join(wrong) or 0)
