#!/usr/bin/env bash
# A real audited build while server and worker are killed at random moments: it passes, and the trace has exactly one
# entry per step.  (AB-5, TR-3)
#   audited_build.sh WFE KILLS
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
kills=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
input=$here/../../workflows/audited_build/samples/any_then_test_failure/input.json
worker_command=("$wfe" worker --address "$address" --queue wfe --work-root "$work/root")
start_server
wait_healthy
start_worker
"$wfe" submit AuditedBuildWorkflow --id build --queue wfe --input "@$input" --follow --timeout 330 > "$work/follow.log" 2>&1 &
follow=$!
# The first seconds install dependencies; kills are spread over the whole run.
done_kills=0
while [ "$done_kills" -lt "$kills" ] && kill -0 "$follow" 2> /dev/null; do
  sleep "$((RANDOM % 4 + 1)).$((RANDOM % 10))"
  if [ $((RANDOM % 2)) = 0 ]; then kill_worker; else kill_server; fi
  done_kills=$((done_kills + 1))
done
wait "$follow"
code=$?
cat "$work/follow.log"
[ "$code" = 0 ] || fail "the build did not pass (exit code $code)"
echo "passed after $done_kills kills"
trace=$(find "$work/root/builds" -name audit_trace.jsonl)
"$wfe" audit validate "$trace" --run build || fail "the trace is not valid"
steps=$("$wfe" audit tail "$trace" | awk '{print $2}' | tr '\n' ' ')
expected="workflow_started scaffold implement_v1 initial_verification fix_attempt_1 fix_attempt_1 fix_attempt_2 fix_attempt_2 workflow_completed "
[ "$steps" = "$expected" ] || fail "the trace has the steps: $steps"
"$wfe" history export build --file "$work/history.json" > /dev/null || fail "the history could not be exported"
"$wfe" replay "$work/history.json" || fail "the history does not replay"
"$wfe" audit rebuild build --out "$work/rebuilt.jsonl" > /dev/null || fail "the trace could not be rebuilt"
strip() { sed -E 's/,?"logged_at":"[^"]*"//' "$1"; }
[ "$(strip "$trace")" = "$(strip "$work/rebuilt.jsonl")" ] || fail "the rebuilt trace differs"
stop_server
"$wfe" history lint build --data "$data" || fail "the linter found problems"
"$wfe" verify build --data "$data" || fail "the chain is broken"
echo "OK"
