#!/usr/bin/env bash
# A whole optimizer session on real processes: 50 audited builds ran as a managed graph, a suggestion is approved by the
# command line, compared on live runs, rolled out through kill -9 of server and worker, and is in service; then a change
# that hurts is taken back by itself, and the report says all of it.  (WO-1 to WO-5, XB-1, RO-1, RB-2, MO-2, RP-9)
#   optimizer_session.sh WFE JSON_AT
set -u
wfe=$1
json_at=$2
. "$(dirname "$0")/quick_build.sh"
begin session
quick_builds
export XDG_STATE_HOME=$work/state HOME=$work
value() { "$json_at" - "$1" <<< "$output"; }

serve server
export TEMPORAL_ADDRESS=$address
work_for wfe --allow "$work"

# A build, and two things that nobody has noticed do not need it.
release() { # NOTES_MS
  cat << JSON
{"id": "release", "start": "build", "inputs": ["task"], "outputs": ["build", "notes", "licenses"], "nodes": [
  {"id": "build", "kind": "child", "activity": "AuditedBuildWorkflow", "side_effects": true,
   "parameters": {"profile": "quick", "template_id": "typescript-package", "backend": "scripted", "model": "careful", "mode": "create",
                  "template_values": {"package_name": "number", "package_specifics": "One file."}},
   "reads": ["task"], "writes": ["build"], "outputs": {"build": "/status"}},
  {"id": "notes", "activity": "simulateStep", "heartbeat_s": 2, "parameters": {"duration_ms": $1, "values": ["notes"]}, "reads": ["task"], "writes": ["notes"],
   "outputs": {"notes": "/value"}},
  {"id": "licenses", "activity": "simulateStep", "heartbeat_s": 2, "parameters": {"duration_ms": 700, "values": ["fine"]}, "reads": ["task"],
   "writes": ["licenses"], "outputs": {"licenses": "/value"}}],
 "edges": [{"source": "build", "target": "notes"}, {"source": "notes", "target": "licenses"}]}
JSON
}
release 900 > release.json
expect 0 "release_v0 is stored and in service" "$wfe" optimize add release --file release.json --reason 'as it is'

started=0
start_runs() { # COUNT: so many, at once
  for _ in $(seq "$1"); do
    started=$((started + 1))
    "$wfe" submit GraphWorkflow --input '{"workflow_id": "release", "state": {"task": "Export a number, '$started'."}}' \
      --id "release-$started" > /dev/null 2>> submit.log
  done
}
executions() { "$wfe" optimize profile release --all-versions --last 0 --output json 2> /dev/null | "$json_at" - /executions || echo 0; }
await_executions() { # COUNT
  for _ in $(seq 300); do
    [ "$(executions)" -ge "$1" ] && return
    sleep 1
  done
  fail "only $(executions) of $1 executions"
}
for i in $(seq 10); do
  start_runs 5
  await_executions $((i * 5))
done

cat > options.json << 'JSON'
{"executions": 50, "trials": 3, "deploy": "ab_test", "watch_every_s": 5,
 "experiment": {"share": 0.5, "min_samples": 15, "check_every_s": 3},
 "rollout": {"stages": [{"percent": 50, "duration_s": 12}, {"percent": 100, "duration_s": 12}], "check_every_s": 4, "min_samples": 3}}
JSON
expect 4 'there are no versions of a workflow "relaese"' "$wfe" optimize session start relaese --reason r
expect 2 "deploy must be" "$wfe" optimize session start release --reason r --deploy sideways
expect 0 "session s1 has begun" "$wfe" optimize session start release --options options.json --id s1 --reason 'releases take long'
expect 1 "optimize-release" "$wfe" optimize session start release --id s2 --reason 'a second one'
state() { "$wfe" optimize session status s1 --output json 2> /dev/null | "$json_at" - /state/phase; }
await_state() { # PHASE SECONDS [RUNS]: under traffic
  for _ in $(seq "$2"); do
    [ "$(state)" = "$1" ] && return
    [ "$(state)" = ended ] && break
    start_runs "${3:-0}"
    sleep 1
  done
  "$wfe" optimize session status s1
  fail "the session is not $1"
}
await_state waiting 120
run "$wfe" optimize session status s1
[[ $output == *parallelization* ]] || fail "no parallelization in $output"
run "$wfe" optimize session status s1 --output json
id=$(python3 -c 'import json,sys; print(next(c["suggestion"]["suggestion_id"] for c in json.load(sys.stdin)["state"]["candidates"] if c["suggestion"]["strategy_type"] == "parallelization"))' <<< "$output")
expect 1 "is no suggestion that waits for a decision" "$wfe" optimize approve s1 nothing --reason x
expect 0 "approved $id" "$wfe" optimize approve s1 "$id" --reason 'they do not need each other' --rating 5
await_state testing 20
await_state rolling_out 240 2
# In the middle of the rollout: the worker, then the server.
kill -9 "${pids[1]}"
work_for wfe --allow "$work"
pids[1]=${pids[-1]}
start_runs 3
sleep 3
kill -9 "${pids[0]}"
listen=$address serve server
pids[0]=${pids[-1]}
await_state ended 300 2
run "$wfe" optimize session status s1 --output json
same "outcome" deployed "$(value /state/outcome)"
same "version" release_v1 "$(value /state/new_version_id)"
same "in service" release_v1 "$(value /in_service)"
python3 - "$output" << 'PY' || fail "the rollout"
import json, sys
s = json.loads(sys.argv[1])
stages = [e["stage"] for e in s["rollout"]["events"] if e["kind"] == "stage_entered"]
assert stages == [1, 2], stages
e = s["state"]["experiment_result"]
assert e["winner"] == "variant" and e["control"]["samples"] >= 15 and e["variant"]["samples"] >= 15, e
kinds = [e["kind"] for e in s["events"]]
for kind in ["profiled", "suggested", "validated", "presented", "approved", "version_made", "experiment_begun", "experiment_ended", "rollout_begun", "rollout_ended", "deployed", "ended"]:
    assert kind in kinds, (kind, kinds)
assert s["state"]["profile"]["executions"] == 50
PY

# Past all gates: who is left is the monitor.
run "$wfe" optimize versions release --output json
python3 - << 'PY' > worse.json
import json
g = json.load(open("release.json"))
for n in g["nodes"]:
    if n["id"] == "licenses": n["parameters"]["duration_ms"] = 6000
print(json.dumps(g))
PY
run "$wfe" optimize add release --file worse.json --reason 'a thorough look at licenses'
run "$wfe" optimize activate release v2 --reason 'a thorough look at licenses'
for _ in $(seq 90); do
  run "$wfe" optimize session status s1 --output json
  [ "$(value /in_service)" = release_v1 ] && break
  start_runs 3
  sleep 2
done
same "in service" release_v1 "$(value /in_service)"
[[ $output == *AUTOMATIC_ROLLBACK* ]] || fail "the report does not tell of the rollback: $output"
expect 0 "AUTOMATIC_ROLLBACK" "$wfe" optimize session report s1 --html session.html
python3 - << 'PY' || fail "the page"
import re, xml.dom.minidom
page = open("session.html").read()
for word in ["release_v1", "parallelization", "they do not need each other", "AUTOMATIC_ROLLBACK", "stage_entered"]:
    assert word in page, word
assert not re.search(r'(src|href)="(https?:)?//', page), "the page fetches something"
xml.dom.minidom.parseString(re.sub(r"<!DOCTYPE html>", "", page, flags=re.I))
PY
longest=$("$wfe" optimize session status s1 | LC_ALL=C.UTF-8 wc -L)
[ "$longest" -le 100 ] || fail "a line of $longest columns"
expect 0 "1 sessions of 1 workflows, 1 of them optimized" "$wfe" optimize overview --html overview.html
grep -q release_v1 overview.html || fail "the page of all workflows"
expect 0 "deployed" "$wfe" optimize session status
report
