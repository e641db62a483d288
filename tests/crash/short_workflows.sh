#!/usr/bin/env bash
# Many short workflows while server and worker are killed again and again: everything finishes, nothing acknowledged is
# lost, every history is clean and its chain intact.  (EN-1, F1)
#   short_workflows.sh WFE COUNT KILLS
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
count=$2
kills=$3
worker_command=("$wfe" bench-worker --address "$address")
start_server
wait_healthy
start_worker

# Starts them one by one; a start is repeated until it is acknowledged or found to be there.
(
  for i in $(seq "$count"); do
    until "$wfe" submit BenchTen --queue bench --id "w$i" > /dev/null 2>&1 || "$wfe" show "w$i" > /dev/null 2>&1; do
      sleep 0.05
    done
  done
  touch "$work/all-started"
) &
starter=$!

done_kills=0
while [ "$done_kills" -lt "$kills" ] || [ ! -e "$work/all-started" ]; do
  sleep "0.$((RANDOM % 8 + 1))"
  [ "$done_kills" -lt "$kills" ] || continue
  if [ $((RANDOM % 3)) = 0 ]; then kill_worker; else kill_server; fi
  done_kills=$((done_kills + 1))
done
wait "$starter"
wait_healthy
echo "$count workflows were started during $done_kills kills"

for i in $(seq "$count"); do
  result=$("$wfe" result "w$i" --timeout 120 --output jsonl 2>&1) || fail "w$i did not complete: $result"
  case "$result" in *'"result":10'*) ;; *) fail "w$i has another result: $result" ;; esac
done
echo "all $count completed with the right result"
stop_server
"$wfe" history lint --all --data "$data" || fail "the linter found problems"
echo "OK"
