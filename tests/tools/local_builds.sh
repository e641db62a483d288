#!/usr/bin/env bash
# `wfe build --local` without any server: what was built is there for every command afterwards (RW-D40), an interrupt ends
# within seconds and gives the directory back, and a killed command locks it for nobody (RW-D41).
#   local_builds.sh WFE JSON_AT
set -u
wfe=$1
json_at=$2
. "$(dirname "$0")/quick_build.sh"
begin local-builds
quick_builds
export XDG_STATE_HOME=$work/state HOME=$work/home GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export TEMPORAL_ADDRESS=127.0.0.1:1 # nobody answers there
mkdir home one two
build() { "$wfe" build "Export a number." --profile quick --agent scripted --mode create --local "$@"; }
expect 3 "no server answers" "$wfe" build list
expect 4 "no local build nobody" "$wfe" build show nobody --local

# Two at once, each in a store of its own.
build --dir one --model careful --id one > one.txt 2>&1 &
first=$!
build --dir two --model hasty --max-fix-attempts 0 --id two > two.txt 2>&1 &
second=$!
wait $first
same "the first of two" 0 $?
wait $second
same "the second of two" 5 $?
says "what to do next" "wfe build undo one" one.txt

mkdir three
run build --dir three --model careful --id three --follow --output json
echo "$output" > three.json
same "one document" passed "$("$json_at" three.json /status)"

# Afterwards, without a server.
run "$wfe" build list
[[ $output == *passed*one* && $output == *not_passed*two* ]] || fail "list: $output"
run "$wfe" build list --local --output json
echo "$output" > list.json
same "builds" 3 "$("$json_at" list.json '/*/workflow_id' | wc -l)"
run "$wfe" build show one
[[ $output == *implement_v1* ]] || fail "show: $output"
run "$wfe" build diff one --local
[[ $output == *"+export const careful = 1;"* ]] || fail "diff: $output"
run "$wfe" audit show-step one implement_v1
run "$wfe" build undo one
[ ! -e one/src ] || fail "undo left $(ls one)"
run "$wfe" build resume two --max-fix-attempts 1
[[ $output == *"passed after 1 fix attempt"* ]] || fail "resume: $output"
run "$wfe" build diff two
[[ $output == *"+export const repaired = 1;"* ]] || fail "diff of the resumed: $output"
run "$wfe" build clean one --yes
[[ $output == *"its records in $work/state/wfe/local/one."* ]] || fail "clean: $output"
same "after cleaning" "" "$(ls -A one)"
expect 3 "no server answers" "$wfe" build show one

# begun ID: a build in `busy` whose check does not end; returns when it runs.
begun() {
  rm -f started
  "$wfe" build "Export a number." --dir busy --check "sh -c 'touch $work/started; exec sleep 600'" --agent scripted --model careful \
    --mode create --local --id "$1" > "$1.txt" 2>&1 &
  pid=$!
  local i
  for i in {1..600}; do
    [ ! -e started ] || return 0
    kill -0 $pid 2> /dev/null || fail "$1 ended by itself: $(cat "$1.txt")"
    sleep 0.1
  done
  fail "the check of $1 does not begin: $(cat "$1.txt")"
}
mkdir busy
begun interrupted
run "$wfe" build show interrupted # of the command that runs it
[[ $output == *running* ]] || fail "show of a build that runs: $output"
kill -INT $pid
timeout 60 tail --pid=$pid -f /dev/null || fail "an interrupt does not end it"
wait $pid
same "interrupted" 130 $?
says "an interrupt" "interrupted: canceled" interrupted.txt
[ ! -e busy/.wfe/claim.json ] || fail "the interrupted build keeps the directory"

begun killed
[ -e busy/.wfe/claim.json ] || fail "nobody holds the directory"
again=("$wfe" build "Export a number." --profile quick --agent scripted --mode create --local --dir busy --model careful)
expect 1 "runs already, in another command" "${again[@]}" --id killed
expect 1 "one run uses a directory at a time; if that run has ended, " "${again[@]}" --id beside
kill -9 $pid
wait $pid 2> /dev/null
mkdir -p busy/.git busy/.gemini # as a sandbox leaves them that nobody ended
run "$wfe" build list
[[ $output == *interrupted*killed* ]] || fail "list after a kill: $output"
run build --dir busy --model careful --id next
[[ $output == *"the process of build killed"*"is gone"* ]] || fail "no word of the directory that was taken over: $output"
[ ! -e busy/.git ] && [ ! -e busy/.gemini ] || fail "mount points stay"
run "$wfe" build show killed
[[ $output == *terminated* ]] || fail "show after a kill: $output"

# One process for one machine: the server has a worker in it.
serve together --worker --queue together --work-root "$work/root"
expect 0 '"passed"' "$wfe" submit AuditedBuildWorkflow --address "$address" --queue together --wait --output json \
  --input "$(quick_input careful)"
expect 2 "--worker and --records-only exclude each other" "$wfe" server --data none --worker --records-only
report
