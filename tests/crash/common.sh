# A server and a worker that can be killed and come back.  Sourced.
set -u
wfe=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/wfe-crash.XXXXXX")
data=$work/data
server=
worker=
worker_command=()
# Seeds the moments of the kills; printed, so that a bad run can be tried again.
RANDOM=${WFE_SEED:=$$}
echo "seed $WFE_SEED (set WFE_SEED to repeat the moments of the kills)"

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 20000))
    (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null || { echo "$port"; return; }
  done
}
address=127.0.0.1:$(free_port)
export TEMPORAL_ADDRESS=$address

finish() {
  local code=$?
  trap - EXIT INT TERM
  kill -9 $server $worker 2> /dev/null
  wait 2> /dev/null
  if [ "$code" = 0 ]; then rm -rf "$work"; else echo "kept for a look: $work"; fi
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM
fail() {
  echo "FAILED: $1" >&2
  tail -n 15 "$work/server.log" "$work/worker.log" >&2
  exit 1
}

start_server() {
  "$wfe" server --data "$data" --listen "$address" >> "$work/server.log" 2>&1 &
  server=$!
}
start_worker() {
  "${worker_command[@]}" >> "$work/worker.log" 2>&1 &
  worker=$!
}
wait_healthy() {
  local i
  for i in $(seq 300); do
    "$wfe" health > /dev/null 2>&1 && return
    kill -0 "$server" 2> /dev/null || fail "the server ended by itself"
    sleep 0.1
  done
  fail "the server did not come up"
}
kill_server() {
  kill -9 "$server"
  wait "$server" 2> /dev/null
  start_server
}
kill_worker() {
  kill -9 "$worker"
  wait "$worker" 2> /dev/null
  start_worker
}
stop_server() {
  kill "$server"
  wait "$server" || fail "the server did not stop in order"
  server=
}
