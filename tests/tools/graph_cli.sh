#!/usr/bin/env bash
# wfe graph: checks with all mistakes, drawings, runs here and on a server through kill -9 of server and worker, a dry run, and
# the worker's cache of results.  (GW-1, GW-2, ST-21, VA-5)
#   graph_cli.sh WFE JSON_AT
set -u
wfe=$1
json_at=$2
. "$(dirname "$0")/processes.sh"
begin graph
value() { "$json_at" - "$1" <<< "$output"; }
export XDG_STATE_HOME=$work/state TEMPORAL_ADDRESS=

# The samples are good, can be drawn, and are what their names say.
run "$wfe" graph samples --output json
same "first sample" audited_build "$(value /0/name)"
expect 0 "feature-implementation is good: 10 nodes" "$wfe" graph check feature_implementation triage
expect 0 "flowchart TD" "$wfe" graph show feature_implementation --format mermaid
expect 0 "both" "$wfe" graph show triage
expect 0 'digraph "triage"' "$wfe" graph show triage --format dot
if command -v dot > /dev/null; then
  expect 0 "</svg>" "$wfe" graph show triage --format svg
else
  expect 4 "apt install graphviz" "$wfe" graph show triage --format svg
fi
"$wfe" graph show triage --format json > mine.json
expect 0 "mine.json: triage is good" "$wfe" graph check mine.json
"$wfe" graph show triage --output json > other.json
same "the same graph from both" "$("$wfe" graph check mine.json --output json | "$json_at" - /version)" \
  "$("$wfe" graph check other.json --output json | "$json_at" - /version)"

# What is wrong is said, all of it, and starts nothing.
cat > wrong.json << 'JSON'
{"id": "wrong", "start": "a", "nodes": [
  {"id": "a", "kind": "activity", "activity": "simulateStp", "reads": ["task"], "colour": "red"},
  {"id": "a", "kind": "activity", "activity": "simulateStep"}],
 "edges": [{"source": "a", "target": "a", "condition": "/x >"}]}
JSON
expect 12 "wrong.json: /nodes/0/colour: node a: colour is not known" "$wfe" graph check wrong.json
for sentence in "/nodes/0/activity: node a: there is no activity \"simulateStp\"; did you mean simulateStep?" \
  "/nodes/1/id: node a: node 0 has the same id" "/nodes/0/reads/0: node a: it reads task, which no node writes" \
  "/edges/0/condition: edge 0 (a -> a): condition \"/x >\", at character 5: expected a value" \
  "/nodes/0/max_iterations: node a: the cycle a -> a has no node with max_iterations"; do
  [[ $output == *"$sentence"* ]] || fail "no \"$sentence\" in: $output"
done
run_to() { output=$("${@:2}" 2>&1); same "exit code of ${*:2}" "$1" "$?"; }
run_to 12 "$wfe" graph check wrong.json --output json
same "mistakes that are counted" "$(value /mistake_count)" "$("$json_at" - /mistakes <<< "$output" | grep -o '"pointer"' | wc -l)"
expect 2 "wrong.json: node a: colour is not known; and 5 more: wfe graph check wrong.json" "$wfe" graph run wrong.json --local
expect 4 "there is no file nothing.json, and no sample of that name" "$wfe" graph check nothing.json
expect 4 "did you mean triage?" "$wfe" graph show traige
expect 2 "input.state must be an object" "$wfe" graph run triage --input 3 --local
expect 2 "input.state lacks task, which graph triage takes" "$wfe" graph run triage --local
python3 - << 'PY'
import json
nodes = [{"id": f"n{i}", "kind": "activity", "activity": "simulateStep"} for i in range(100000)]
edges = [{"source": f"n{i}", "target": f"n{i + 1}"} for i in range(99999)]
json.dump({"id": "large", "start": "n0", "nodes": nodes, "edges": edges}, open("large.json", "w"))
PY
expect 12 "the graph has 100000 nodes; the limit is 2000" "$wfe" graph check large.json

# Here and now.
run "$wfe" graph run triage --input '{"task": "count words"}' --local --output json
same "status" completed "$(value /result/status)"
same "draft" good "$(value /result/outputs/draft/value)"
same "rounds" 2 "$(value /result/outputs/draft/round)"
expect 0 "draft#2 (simulateStep) done" "$wfe" graph run triage --input '{"task": "count words"}' --local --follow
expect 0 "completed: " "$wfe" graph run triage --input '{"task": "count words"}' --local

# On a server: how far it is, and its end by a cancel request.
serve server
export TEMPORAL_ADDRESS=$address
work_for wfe
timeout 100 "$wfe" graph run feature_implementation --input '{"task": "a --json option"}' --id feature --output json > feature.json 2> stderr.txt &
client=$!
until "$wfe" query feature progress --output json 2> /dev/null | grep -q '"analyze_task"'; do sleep 0.1; done
run "$wfe" cancel feature
wait "$client"
same "exit code of a cancelled run" 9 "$?"
run "$wfe" query feature progress --output json
[[ $output == *'"cancelled"'* ]] || fail "no cancelled run in $output"

# Server or worker die in the middle: each run comes to the same end.
for id in server-1 worker-1; do
  timeout 100 "$wfe" graph run triage --input '{"task": "count words"}' --id "$id" --output json > "$id.json" 2> stderr.txt &
  client=$!
  sleep 0.2
  if [[ $id == server-* ]]; then
    kill -9 "${pids[0]}"
    listen=$address serve server
    pids[0]=${pids[-1]}
  else
    kill -9 "${pids[1]}"
    work_for wfe
    pids[1]=${pids[-1]}
  fi
  # A client whose server dies before it has started anything says so and is asked again.
  wait "$client" || run timeout 100 "$wfe" graph run triage --input '{"task": "count words"}' --id "$id-again" --output json
  [ -s "$id.json" ] || echo "$output" > "$id.json"
  same "status of $id" completed "$("$json_at" "$id.json" /result/status)"
  same "rounds of $id" 2 "$("$json_at" "$id.json" /result/outputs/draft/round)"
done

# The second run finds what the first one's worker has kept; the history says so, and replays.
"$wfe" graph run triage --input '{"task": "sort lines"}' --id first --output json > /dev/null
run "$wfe" graph run triage --input '{"task": "sort lines"}' --id second --output json
same "calls answered by the cache" 1 "$(value /result/nodes/0/from_cache)"
"$wfe" history export second --file second.json > /dev/null
expect 0 "deterministic" "$wfe" replay second.json
expect 0 "clean" "$wfe" history lint second

# What a run gave is all that its dry run needs.
run "$wfe" graph results first second.json --file results.json --output json
same "results of two runs of the same" 4 "$(value /results)"
run "$wfe" graph run triage --input '{"task": "sort lines"}' --recorded results.json --only-recorded --output json
same "status of the dry run" completed "$(value /result/status)"
same "recorded drafts" 2 "$(value /result/nodes/3/recorded)"
expect 4 "nobody" "$wfe" graph results nobody

# A dry run of a step of a second: what is recorded is not run.
cat > dry.json << 'JSON'
{"id": "dry", "start": "a", "nodes": [
  {"id": "a", "kind": "activity", "activity": "simulateStep", "parameters": {"duration_ms": 100}, "writes": ["a"]}]}
JSON
hash=$(printf '%s' '{"duration_ms":100}' | sha256sum | cut -d' ' -f1)
echo "[{\"activity\": \"simulateStep\", \"input_sha256\": \"$hash\", \"result\": \"kept\", \"duration_ms\": 7000}]" > recorded.json
run "$wfe" graph run dry.json --recorded recorded.json --only-recorded --output json
same "result of a dry run" kept "$(value /result/outputs/a)"
same "its time" 7000 "$(value /result/path_ms)"
expect 1 "no result of simulateStep is recorded for its input" "$wfe" graph run dry.json --only-recorded
report
