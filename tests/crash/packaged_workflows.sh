#!/usr/bin/env bash
# A packaged workflow whose worker is killed in the middle of one step and whose server in the middle of another: a second
# worker finishes it, with the findings of an undisturbed run, every step done once, every delivered file whole.
# (CW-1, CW-5, EN-1)
#   packaged_workflows.sh WFE JSON_AT IMITATION permits|battery|trading
set -u
wfe=$1
json_at=$2
imitation=$3
name=$4
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../tools/processes.sh"
. "$here/../support/imitation/imitation.sh"
begin "crash-$name"
value() { "$json_at" - "$1" <<< "$output"; }

# The steps in which something dies: of those that take time, or wait for a model, which is slow here.
case $name in
  permits) worker_dies=review_permit server_dies=review_permit_consistency more=(--as-of 2026-06-01) ;;
  # Its long step again, once the server has noticed that the worker is gone.
  battery) worker_dies=verify_safety_compliance server_dies=verify_safety_compliance attempt=2 more=() ;;
  trading) worker_dies=backtest_algorithm server_dies=review_algorithm more=() ;;
  *) fail "no package $name" ;;
esac
mkdir cassettes
cat > cassettes/slow.jsonl << 'JSONL'
{"when": "BP-2026-0412", "text": "{\"findings\": [{\"kind\": \"ambiguity\", \"severity\": \"high\", \"statement\": \"What is adequate?\", \"quote\": \"adequate screening towards the neighbouring plots\"}]}", "delay_s": 1}
{"when": "You review a trading algorithm", "text": "{\"summary\": \"It buys strength.\", \"findings\": [{\"file\": \"momentum.py\", \"line\": 104, \"severity\": \"high\", \"title\": \"Twice\", \"message\": \"Strength is used twice.\"}], \"recommendations\": [\"Rank first.\"]}", "delay_s": 2}
{"when": "Answer with a JSON array", "text": "[{\"id\": \"compression\", \"text\": \"The cells are pressed.\", \"from\": \"swelling\"}]", "delay_s": 1}
{"when": "JSON", "text": "{\"findings\": []}", "delay_s": 1}
{"text": "Two contactors, and a fuse.", "delay_s": 1}
JSONL
imitate slow
export GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:$model_port XDG_STATE_HOME=$work/state
serve server
listen=$address
export TEMPORAL_ADDRESS=$address
work_for wfe --allow "$work"
worker=${pids[-1]}
server=${pids[-2]}

# go ID OUT: the workflow, to its end; the result is in OUT.json.
go() {
  timeout 500 "$wfe" workflow "$name" --directory in --output "$2" --id "$1" "${more[@]}" --json > "$2.json" 2> "$2.err"
}
# under_way ID STEP ATTEMPT: that attempt of the step is in a worker's hands, and no other step waits for one.
under_way() {
  output=$("$wfe" show "$1" --output json 2> show.err) || return 1
  local types
  types=$(value '/open_activities/*/type' 2> /dev/null) || return 1
  [ "$(value '/open_activities/*/started' | sort -u)" = true ] || return 1
  paste -d ' ' <(echo "$types") <(value '/open_activities/*/attempt') | grep -qxF "$2 $3"
}
# wait_for ID STEP ATTEMPT
wait_for() {
  until under_way "$1" "$2" "$3"; do
    kill -0 "$client" 2> /dev/null || fail "the run ended before $2 was seen: $(cat torn.json torn.err)"
    sleep 0.05
  done
}

run "$wfe" workflow "$name" --example in
go whole whole || fail "the undisturbed run ended with $?: $(cat whole.json whole.err)"
undisturbed=$(calls)

go torn torn &
client=$!
wait_for torn "$worker_dies" 1
kill -9 "$worker"
wait "$worker" 2> /dev/null
work_for wfe --allow "$work"
wait_for torn "$server_dies" "${attempt:-1}"
kill -9 "$server"
wait "$server" 2> /dev/null
serve server
server=${pids[-1]}
wait "$client" || fail "the torn run ended with $?: $(cat torn.json torn.err)"

# What it found is what the undisturbed run found; times apart, and what a run took.
python3 - whole torn << 'PY' || fail "the runs differ"
import hashlib, json, os, sys

def load(path):
    with open(path, "rb") as file:
        return file.read()

def without_times(value):
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in ("generated_at", "seconds", "duration_ms")}
    return [without_times(v) for v in value] if isinstance(value, list) else value

whole, torn = (json.loads(load(name + ".json")) for name in sys.argv[1:3])
for member in ("state", "headline", "summary", "findings", "gaps"):
    assert whole[member] == torn[member], f"{member}: {whole[member]} became {torn[member]}"
assert whole["state"] == "done", whole["gaps"]
calls = [result["model_use"]["calls"] for result in (whole, torn)]
assert calls[0] == calls[1] > 0, f"calls that count: {calls}"
listed = sorted(file["path"] for file in torn["deliverables"])
assert listed == sorted(file["path"] for file in whole["deliverables"])
for file in torn["deliverables"]:
    content = load(os.path.join("torn", file["path"]))
    assert hashlib.sha256(content).hexdigest() == file["sha256"], file["path"] + " is not what was delivered"
    before = load(os.path.join("whole", file["path"]))
    if file["path"].endswith(".json"):
        content, before = (without_times(json.loads(text)) for text in (content, before))
    elif file["path"].endswith((".md", ".html")):
        continue  # they tell when they were made
    assert content == before, file["path"] + " differs"
there = sorted(os.path.relpath(os.path.join(at, file), "torn") for at, _, files in os.walk("torn") for file in files)
assert there == sorted(listed + [".wfe_deliverables.json"]), f"there are {there}"
PY
# A call that was cut off is made again; no other is.
made=$(($(calls) - undisturbed))
[ "$made" -ge "$undisturbed" ] && [ "$made" -le $((undisturbed + 8)) ] || fail "$made calls, undisturbed $undisturbed"
run "$wfe" history export torn --file torn-history.json
run "$wfe" replay torn-history.json
# Every step was scheduled once and completed once.
python3 - torn-history.json whole << 'PY' || fail "a step was done twice"
import collections, json, sys

with open(sys.argv[1]) as file:
    events = json.load(file)["events"]
scheduled = collections.Counter()
done = collections.Counter()
for event in events:
    if event["eventType"].endswith("ACTIVITY_TASK_SCHEDULED"):
        scheduled[event["eventId"]] += 1
    elif event["eventType"].endswith("ACTIVITY_TASK_COMPLETED"):
        done[event["activityTaskCompletedEventAttributes"]["scheduledEventId"]] += 1
assert scheduled == done and set(done.values()) == {1}, (scheduled, done)
PY
kill "$server"
wait "$server" || fail "the server did not stop in order"
run "$wfe" history lint torn --data server
run "$wfe" verify torn --data server
report
