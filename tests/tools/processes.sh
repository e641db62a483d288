# Sourced by tests of the built program: a directory of their own, and servers and workers that end with the test.
# It expects $wfe, the program; `begin NAME` comes first.

# Servers that stand beside each other would want the same port for their pages.
export WFE_HTTP=${WFE_HTTP:-off}

# begin NAME: enters a new directory, removed at the end unless the test fails.
begin() {
  work=$(mktemp -d "${TMPDIR:-/tmp}/wfe-$1.XXXXXX")
  trap finish EXIT
  trap 'exit 130' INT TERM
  cd "$work" || exit 1
}
pids=()
finish() {
  local code=$?
  trap - EXIT INT TERM
  [ ${#pids[@]} = 0 ] || kill -9 "${pids[@]}" 2> /dev/null
  wait 2> /dev/null
  if [ "$code" = 0 ]; then rm -rf "$work"; else echo "kept for a look: $work"; fi
  exit "$code"
}
fail() {
  echo "FAILED: $1" >&2
  kill -0 "${pids[@]}" || echo "a server or a worker ended by itself" >&2
  tail -n 15 "$work"/*.log >&2
  exit 1
}
# same WHAT EXPECTED GOT
same() { [ "$2" = "$3" ] || fail "$1: expected \"$2\", got \"$3\""; }
# run COMMAND…: its standard output is in $output; anything but success ends the test.
run() {
  output=$("$@" 2> "$work/stderr.txt") || fail "$* ended with exit code $?: $output $(cat "$work/stderr.txt")"
}
# says WHAT TEXT FILE
says() { grep -qF -- "$2" "$3" || fail "$1: no \"$2\" in $3"; }

# expect CODE TEXT COMMAND…: runs it, compares the exit code and looks for the text; what it said is in $output.  Goes on
# after a mistake and counts it; `report` ends the test.
failures=0
expect() {
  local code=$1 text=$2 got
  shift 2
  output=$(timeout 20 "$@" 2>&1)
  got=$?
  if [ "$got" != "$code" ] || [[ $output != *"$text"* ]]; then
    echo "FAILED: $*"
    echo "  expected exit code $code and \"$text\", got $got and: $output"
    failures=$((failures + 1))
  fi
}
report() {
  [ "$failures" = 0 ] && echo OK
  exit $((failures > 0))
}

# serve NAME [FLAGS]: a server named by $address, on $listen or a port of its own; its store and its log carry the name.
serve() {
  local name=$1
  : > "$name.log" # before the server has it: what the last one wrote must not be read
  "$wfe" server --data "$name" --listen "${listen:-127.0.0.1:0}" "${@:2}" >> "$name.log" 2>&1 &
  pids+=($!)
  local server=$!
  address=
  until [ -n "$address" ]; do
    kill -0 "$server" 2> /dev/null || fail "the server ended by itself"
    address=$(sed -n 's/.* on \(127.0.0.1:[0-9]*\).*/\1/p' "$name.log" | head -n 1)
    [ -n "$address" ] || sleep 0.05
  done
}
# rows_are_sent: waits for the rows of the cost ledger that workers on $work/root have not sent yet; after a server was away
# they try again some seconds later.
rows_are_sent() {
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    [ -n "$(find "$work/root/ledger-queue" -name '*.json')" ] || return 0
    sleep 0.1
  done
  fail "rows of the ledger still wait on the worker after a minute"
}
# work_for QUEUE [FLAGS]: a worker on $work/root.
work_for() {
  "$wfe" worker --queue "$1" --work-root "$work/root" "${@:2}" > worker.log 2>&1 &
  pids+=($!)
}
