#!/usr/bin/env bash
# wfe optimize profile and bottlenecks on a real server: runs of a managed graph through kill -9 of server and worker, runs
# with graphs of their own, and audited builds, which know nothing of profiles.  (PF-1 to PF-5, BN-3, BN-7, GW-3, EN-10)
#   profile_cli.sh WFE JSON_AT
set -u
wfe=$1
json_at=$2
. "$(dirname "$0")/quick_build.sh"
begin profile
quick_builds
export XDG_STATE_HOME=$work/state HOME=$work
value() { "$json_at" - "$1" <<< "$output"; }

serve server
export TEMPORAL_ADDRESS=$address
work_for wfe --allow "$work"
mkdir -p "$work"

# What cannot be profiled.
expect 2 "give the name of a managed workflow, or --type with a workflow type" "$wfe" optimize profile
expect 4 'there are no versions of a workflow "report"' "$wfe" optimize profile report
expect 1 "no closed run of AuditedBuildWorkflow says how long it takes" "$wfe" optimize profile --type AuditedBuildWorkflow
expect 2 "needs the id of a graph" "$wfe" optimize bottlenecks --type GraphWorkflow
cat > report.json << 'JSON'
{"id": "report", "start": "plan", "inputs": ["task"], "outputs": ["text"], "nodes": [
  {"id": "plan", "activity": "simulateStep", "heartbeat_s": 2, "parameters": {"duration_ms": 10}, "reads": ["task"], "writes": ["plan"]},
  {"id": "embed", "activity": "simulateStep", "heartbeat_s": 2, "tool": "embedder", "parameters": {"duration_ms": 20, "cost_usd": 0.01},
   "writes": ["vectors"]},
  {"id": "write", "activity": "simulateStep", "heartbeat_s": 2, "parameters": {"duration_ms": 300, "cost_usd": 0.09}, "reads": ["plan"],
   "writes": ["text"]}],
 "edges": [{"source": "plan", "target": "embed"}, {"source": "embed", "target": "write"}]}
JSON
expect 0 "report_v0 is stored and in service" "$wfe" optimize add report --file report.json --reason 'as it is'
expect 1 "there are no executions of report_v0" "$wfe" optimize profile report
expect 4 "there is no version v7 of report" "$wfe" optimize profile report --version v7
echo '{"slow_facter": 2}' > wrong.json
expect 2 "the rules in wrong.json" "$wfe" optimize bottlenecks report --rules wrong.json

# Six runs, two of them through kills.  Each leaves one record.
for i in 1 2 3 4 5 6; do
  run "$wfe" submit GraphWorkflow --input '{"workflow_id": "report", "state": {"task": "t'$i'"}}' --id "report-$i"
  if [ "$i" = 3 ]; then
    sleep 0.2
    kill -9 "${pids[1]}"
    work_for wfe --allow "$work"
    pids[1]=${pids[-1]}
  elif [ "$i" = 4 ]; then
    sleep 0.2
    kill -9 "${pids[0]}"
    listen=$address serve server
    pids[0]=${pids[-1]}
  fi
done
for i in 1 2 3 4 5 6; do
  run timeout 100 "$wfe" result "report-$i" --output json
  [[ $output == *report_v0* ]] || fail "no version in $output"
  [[ $output != *not_recorded* ]] || fail "not recorded: $output"
done
run "$wfe" optimize profile report --html report.html --output json
echo "$output" > profile.json
same "executions" 6 "$(value /executions)"
same "nodes" 3 "$(value '/node_metrics/*/node_id' | wc -l)"
same "version" report_v0 "$(value /version_id)"
same "cost of all" 0.6 "$(printf %.1f "$(value /cost_analysis/total)")"
python3 - << 'PY' || fail "figures"
import json, re
p = json.load(open("profile.json"))
nodes = {n["node_id"]: n for n in p["node_metrics"]}
assert nodes["write"]["time_contribution"] > 0.2, nodes["write"]
assert sum(n["time_contribution"] for n in p["node_metrics"]) <= 1 + 1e-9
assert abs(nodes["write"]["cost_share"] - 0.9) < 1e-9, nodes["write"]
assert nodes["plan"]["avg_cpu_percent"] >= 0, "the worker has measured it"
tools = {t["tool_id"]: t for t in p["tool_metrics"]}
assert tools["embedder"]["repeats"] == 5 and tools["embedder"]["deterministic_rate"] == 1, tools["embedder"]
rules = {(b["rule"], b.get("node_id", "")) for b in p["bottlenecks"]}
for expected in [("BN-1", "write"), ("BN-3", "write"), ("BN-7", "embed"), ("BN-9", "embed")]:
    assert expected in rules, (expected, rules)
page = open("report.html").read()
assert "write" in page and "BN-9" in page
assert not re.search(r'(src|href)="(https?:)?//', page), "the page fetches something"
import xml.dom.minidom
xml.dom.minidom.parseString(re.sub(r"<!DOCTYPE html>", "", page, flags=re.I))
PY
expect 0 "DOMINANT_NODE" "$wfe" optimize bottlenecks report
expect 0 "nothing reads what embed writes (vectors)" "$wfe" optimize profile report
longest=$("$wfe" optimize profile report | LC_ALL=C.UTF-8 wc -L)
[ "$longest" -le 100 ] || fail "a line of $longest columns"
echo '{"dominant_share": 1, "min_executions": 7}' > rules.json
expect 0 "BN-1 to BN-9: 6 executions; 7 are needed" "$wfe" optimize bottlenecks report --rules rules.json
expect 0 "2 executions" "$wfe" optimize profile report --last 2

# A run that gets a wrong state, or none of the versions, counts for none.
expect 2 "input.state lacks task" "$wfe" submit GraphWorkflow --input '{"workflow_id": "report"}' --id wrong --wait
expect 1 "no version of nothing could be had" "$wfe" submit GraphWorkflow --input '{"workflow_id": "nothing"}' --id none --wait
run "$wfe" optimize profile report --output json
same "executions" 6 "$(value /executions)"

# Graphs of their own, and a cancelled one among them.
for i in 1 2 3 4 5; do
  run timeout 60 "$wfe" graph run report.json --input '{"task": "x"}' --id "own-$i" --output json
done
run "$wfe" submit GraphWorkflow --input "{\"graph\": $(cat report.json), \"state\": {\"task\": \"x\"}}" --id own-6
run "$wfe" terminate own-6
run "$wfe" optimize profile report --type GraphWorkflow --output json
[[ $output == *"1 run was left out: run … was terminated, and does not say how long it takes"* ]] || fail "skipped: $output"

# Builds in C++: activity types are nodes.
for i in 1 2; do
  mkdir -p "build-$i"
  run "$wfe" build "Export a number." --dir "$work/build-$i" --profile quick --agent scripted --model careful --mode create \
    --id "build-$i" --wait
done
run "$wfe" optimize profile --type AuditedBuildWorkflow --output json
same "builds" 2 "$(value /executions)"
[[ $output == *executeGeminiAgent* ]] || fail "no agent in $output"
[[ $output == *"BN-1 to BN-9: 2 executions; 5 are needed"* ]] || fail "rules were applied to two builds"
report
