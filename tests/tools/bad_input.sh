#!/usr/bin/env bash
# Bad input and bad surroundings: each gives its exit code and one sentence that names the thing.  (CF-5, F6, F7)
#   bad_input.sh WFE
set -u
wfe=$1
. "$(dirname "$0")/processes.sh"
begin bad-input

serve store
server=${pids[-1]}
export TEMPORAL_ADDRESS=$address

expect 0 SERVING "$wfe" health
expect 3 "no server answers at 127.0.0.1:1" "$wfe" health --address 127.0.0.1:1
expect 3 "no server answers at 127.0.0.1:1" "$wfe" list --address 127.0.0.1:1
expect 13 "in use" "$wfe" server --data store --listen 127.0.0.1:0
expect 14 "$address" "$wfe" server --data other --listen "$address"
expect 2 "refusing to listen on 0.0.0.0:0" "$wfe" server --data third --listen 0.0.0.0:0
expect 2 "HOST:PORT" "$wfe" server --data third --listen 127.0.0.1
expect 2 "refusing to listen on 0:0" "$wfe" server --data third --listen 0:0
expect 2 "127.evil.invalid" "$wfe" server --data third --listen 127.evil.invalid:0
expect 2 "this process may open 40 files" bash -c 'ulimit -n 40 && exec "$0" server --data third --listen 127.0.0.1:0' "$wfe"
ln -s loop loop
expect 2 "cannot look for $PWD/loop" env HOME="$PWD/loop" "$wfe" list
expect 4 "nope" "$wfe" show nope
expect 2 "is not JSON, at byte" "$wfe" submit X --input '{bad'
head -c 3000000 /dev/zero | tr '\0' 1 > big.json
expect 2 "big.json has 3000000 bytes" "$wfe" submit X --input-file big.json
expect 4 "there is no file missing.json" "$wfe" submit X --input @missing.json
mkdir -m 0500 sealed
: > a-file
[ "$(id -u)" = 0 ] || expect 13 "sealed" "$wfe" server --data sealed/store --listen 127.0.0.1:0
expect 13 "is not a folder" "$wfe" server --data a-file --listen 127.0.0.1:0
expect 2 "type is required" "$wfe" submit
expect 2 "wfe has no command frobnicate" "$wfe" frobnicate
expect 2 "wfe has no command subit; did you mean submit?" "$wfe" subit
expect 2 '{"error":{"code":"INVALID_ARGUMENT","message":"wfe has no command subit; did you mean submit?"}}' "$wfe" subit --output json
expect 2 '"message":"--output takes text, json or jsonl, not \"yaml\""' "$wfe" list -o json --output yaml
expect 2 "wfe list has no option --stats; did you mean --status?" "$wfe" list --stats x

# A slip starts nothing (RW-D42); a word that is none is a task.
for slip in pln:plan lst:list shwo:show udno:undo clena:clean; do
  expect 2 "wfe build has no command ${slip%:*}; did you mean ${slip#*:}?" "$wfe" build "${slip%:*}"
done
mkdir one-word
expect 0 "build word started" "$wfe" build lst --dir one-word --id word --check true --detach
expect 0 "build other started" "$wfe" build Refactor --id other --check true --detach
expect 0 "this program knows no workflow type Nope; it waits for a worker" "$wfe" submit Nope --id nope-1
expect 0 "did you mean AuditedBuildWorkflow?" "$wfe" schedule create slip --type AuditedBuildWorkflowX --cron '@daily' --paused
printf '[agent]\nbackend = "comand"\n' > agent.toml
expect 2 "agent.toml:2:11: agent.backend must be gemini, gemini-cli, openai, command or scripted" "$wfe" config check --config agent.toml
expect 2 "did you mean command?" env WFE_AGENT_BACKEND=comand "$wfe" config check
printf '[agent]\nbackend = "command"\n' > agent.toml
expect 2 "agent.command names no program" "$wfe" config check --config agent.toml
mkdir empty
expect 12 "the directory is empty" "$wfe" build plan empty
expect 4 "there is no directory" "$wfe" build plan not-there
expect 4 "there is no file and no workflow b1.jsn" "$wfe" replay b1.jsn
expect 3 "there is no file b1.jsn, and no server answers" "$wfe" replay b1.jsn --address 127.0.0.1:1
expect 2 "no workflow type AuditedBuildWorkflw; did you mean AuditedBuildWorkflow?" "$wfe" submit AuditedBuildWorkflw --local
expect 0 "nobody polls queue wfe yet" "$wfe" submit AuditedBuildWorkflow -t wfe --id waits
expect 0 "nobody polls queue wfe yet" "$wfe" show waits
# Whoever waits is told, too, and no longer than they said.
begun=$SECONDS
expect 11 "nobody polls queue wfe yet; start a worker with" "$wfe" result waits --timeout 4
[ $((SECONDS - begun)) -le 6 ] || { echo "FAILED: --timeout 4 took $((SECONDS - begun)) s"; failures=$((failures + 1)); }
expect 1 "nobody serves the queue bench at $address; start" "$wfe" bench one --address "$address"
expect 2 "there is no scenario on; did you mean one?" "$wfe" bench on
expect 2 "a worker's queue needs a name" "$wfe" worker --address "$address" --queue ''
expect 2 "empty is a directory and no file" "$wfe" submit X --input @empty
expect 2 "say what the program shall do" "$wfe" generate ' '
expect 124 "nobody polls queue wfe yet" timeout 2 "$wfe" query waits progress
expect 11 "the query progress was not answered in 1.0 s: nobody polls queue wfe yet" "$wfe" query waits progress --timeout 1
expect 0 "1" "$wfe" count --query "WorkflowId = 'waits'"

# What was named and is not there is one mistake, whatever names it.
for named in "audit run --traces not-there" "audit run --traces not-there --local" "batch --dir not-there --task x" \
  "batch --list not-there --task x" "batch --dir empty --task @not-there" "run --task x --file not-there" \
  "build plan not-there" "build @not-there --dir empty" "submit X --input-file not-there" "signal waits abort --input @not-there" \
  "workflow permits --directory not-there --output out --local" "graph check not-there" "quota forecast --daily not-there" \
  "tools register not-there" "config check --config not-there" "audit validate not-there" "history lint not-there"; do
  expect 4 "" "$wfe" $named
  [[ $output == *"not-there"* ]] || { echo "FAILED: $named does not name it: $output"; failures=$((failures + 1)); }
done
printf '{"tool_id": "x", "comand": ["true"]}' > tool.json
expect 2 'the key "comand" is not known; did you mean command?' "$wfe" tools register tool.json

# No library speaks in an error, whatever command is given what. (CF-5)
expect 0 "" "$wfe" terminate waits
for change in cancel terminate "signal s"; do
  expect 4 "waits has ended already (Terminated, run " "$wfe" ${change% *} waits $([[ $change == *" "* ]] && echo s)
done
expect 0 "waits had an earlier run (Terminated)" "$wfe" submit AuditedBuildWorkflow --id waits
expect 0 "" "$wfe" terminate waits
expect 2 "cannot write /proc/no/x.html: No such file or directory" "$wfe" quota forecast --html /proc/no/x.html
echo '[{"day": "2026-01-01", "tokens": 5}, {"day": "2026-01-02", "tokens": "x"}]' > days.json
expect 2 "the days in days.json: [1].tokens must be a whole number" "$wfe" quota forecast --daily days.json
expect 2 "--out gone/x.py: there is no directory" "$wfe" generate "count the words of a text" --local --out gone/x.py
for input in '{"tsk":"x"}' '{"task":7}' '[]' '{"task":"x","max_fix_attempts":"many"}'; do
  expect 2 "failed: " "$wfe" submit AuditedBuildWorkflow --input "$input" --local
  [[ $output != *"(type "* ]] || { echo "FAILED: a person is told the name of a type: $output"; failures=$((failures + 1)); }
  [[ $output != *json.exception* && $output != *"["*exception* ]] || { echo "FAILED: a library speaks: $output"; failures=$((failures + 1)); }
done
for command in "audit run --input" "submit X --input" "signal waits s --input"; do
  for input in '{bad' '{"sources":7}' '{"nonsense":1}'; do
    output=$(timeout 20 "$wfe" $command "$input" 2>&1)
    [[ $output != *json.exception* ]] || { echo "FAILED: a library speaks in $command $input: $output"; failures=$((failures + 1)); }
  done
done
expect 2 "say when" "$wfe" schedule create s --type T
expect 2 "Invalid schedule spec" "$wfe" schedule create s --type T --cron '61 * * * *'
expect 2 "Mars/Olympus" "$wfe" schedule create s --type T --cron '@daily' --timezone Mars/Olympus
expect 2 "is no duration" "$wfe" schedule create s --type T --interval soon
expect 2 "is not one of second" "$wfe" schedule create s --type T --calendar noon
expect 0 "schedule s created" "$wfe" schedule create s --type T --cron '0 2 * * *' --paused
expect 1 "already registered" "$wfe" schedule create s --type T --cron '0 2 * * *'
expect 2 "is no time" "$wfe" schedule backfill s --from yesterday --to today
expect 4 "not found" "$wfe" schedule pause nobody
expect 11 "still running" "$wfe" submit NoWorkerForThis --wait --timeout 2
printf '[server]\nlisen = "x"\nshards = "four"\n' > bad.toml
expect 2 "bad.toml:2:9: unknown key server.lisen" "$wfe" config check --config bad.toml
expect 2 "bad.toml:3:10: server.shards must be a whole number" "$wfe" config check --config bad.toml
printf '[limits]\nmax_signals = 0\n' > bad.toml
expect 2 "bad.toml:2:15: limits.max_signals must be from 1 to 1000000" "$wfe" config check --config bad.toml
expect 4 "no.jsonl" "$wfe" audit validate no.jsonl
printf '{"step_name":"x"}\n' > bad.jsonl
expect 12 "bad.jsonl:1" "$wfe" audit validate bad.jsonl
: > empty.jsonl
expect 12 "empty: 0 entries" "$wfe" audit validate empty.jsonl
expect 2 "not a history" "$wfe" replay bad.jsonl
expect 2 "no workflow type Nothing" "$wfe" worker --types Nothing --work-root root
expect 2 "/proc/nowhere" "$wfe" worker --work-root /proc/nowhere

# One flipped bit in what is stored is refused, never served.
kill "$server" && wait "$server" || { echo "FAILED: the server did not stop in order"; failures=$((failures + 1)); }
log=$(ls -S store/db/*.log | head -n 1) # the largest: what a smaller one has may be in a table already
size=$(stat -c %s "$log")
printf '\xff' | dd of="$log" bs=1 seek=$((size / 2)) conv=notrunc status=none
expect 13 "store/db" "$wfe" server --data store --listen 127.0.0.1:0


# Output that does not arrive is no success, in whatever way it is printed; a time is a time.
for command in "profiles list" "profiles list --output json" manual "completion bash"; do
  expect 74 "the output could not be written" bash -c '"$1" '"$command"' > /dev/full' _ "$wfe"
done
expect 2 '--timeout must be seconds, 0.001 to 100000000, not "-1"' "$wfe" result x --timeout -1
expect 2 '--run-timeout must be seconds, 0.001 to 100000000, not "-5"' "$wfe" submit T --run-timeout -5
expect 2 '--run-timeout must be seconds, 0.001 to 100000000, not "nan"' "$wfe" submit T --run-timeout nan
expect 2 '--seconds must be seconds, 0.001 to 100000000, not "inf"' "$wfe" bench one --seconds inf
expect 2 '--hours must be a whole number from 1 to 744, not "0"' "$wfe" dashboard --hours 0
expect 2 '--rows takes generations, reports or cycles, not "x"' "$wfe" dashboard --rows x

report
