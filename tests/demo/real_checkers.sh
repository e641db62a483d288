#!/usr/bin/env bash
# A corpus with nothing simulated but the agent: canned answers write real files, the real compiler, linter and test
# runner judge them, on a real server and worker.  Every trace is valid and agrees with its history, and the audit reads
# them all.
#   real_checkers.sh WFE RUNS [OUT]     OUT: a new directory to which the traces are copied, RUN/audit_trace.jsonl
. "$(dirname "${BASH_SOURCE[0]}")/../crash/common.sh"
runs=$2
out=${3:-}
samples=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../workflows/audited_build/samples" && pwd)
names=(passes_first_time any_then_test_failure never_passes)
expected=(0 0 5) # exit codes of `wfe result`: passed, passed, not_passed
printf '[worker]\nmax_concurrent_activities = 3\n[agent]\ncassette_dir = "%s"\n' "$work/cassettes" > "$work/wfe.toml"
mkdir "$work/cassettes"
for name in "${names[@]}"; do cp "$samples/$name/$name".* "$work/cassettes"; done
export WFE_CONFIG=$work/wfe.toml
worker_command=("$wfe" worker --address "$address" --queue wfe --work-root "$work/root")
start_server
wait_healthy
start_worker
[ -z "$out" ] || mkdir -p "$out"
for i in $(seq "$runs"); do
  "$wfe" submit AuditedBuildWorkflow --id "real-$i" --queue wfe --input "@$samples/${names[i % 3]}/input.json" > /dev/null ||
    fail "build $i could not be submitted"
done
for i in $(seq "$runs"); do
  "$wfe" result "real-$i" --output json > "$work/result.json"
  code=$?
  [ "$code" = "${expected[i % 3]}" ] ||
    fail "build $i (${names[i % 3]}) ended with exit code $code: $(cat "$work/result.json")"
  run=$(grep -o '"workflow_run_id": *"[^"]*"' "$work/result.json" | cut -d '"' -f 4)
  trace=$work/root/builds/$run/audit_trace.jsonl
  "$wfe" audit validate "$trace" --run "real-$i" > "$work/validate.log" ||
    fail "the trace of build $i: $(cat "$work/validate.log")"
  [ -z "$out" ] || { mkdir "$out/$run" && cp "$trace" "$out/$run/"; }
  echo "build $i of $runs: ${names[i % 3]}, exit code $code"
done
"$wfe" audit run --local --traces "$work/root" --out "$work/reports" || fail "the audit did not run"
report=$(find "$work/reports" -name report.json | head -n 1)
[ -n "$report" ] || fail "there is no report.json"
grep -q "\"builds\": *$runs,\?" "$report" || fail "the report does not count $runs builds: $(grep -m 1 '"builds"' "$report")"
grep -q 'No model was called' "$report" || fail "the report does not say that no model was called"
stop_server
echo "OK"
