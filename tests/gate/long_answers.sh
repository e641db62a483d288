#!/usr/bin/env bash
# One worker with a check of CHECK seconds, a model answer of ANSWER seconds and other builds beside them: nothing times out,
# `wfe query` answers within a second all the time, what is cancelled is gone within 5 s, and the others pass.  (RW-D1,
# RW-D11, AC-1)
#   long_answers.sh WFE JSON_AT IMITATION CHECK ANSWER
set -u
wfe=$(realpath "$1")
json_at=$(realpath "$2")
imitation=$(realpath "$3")
check_s=$4
answer_s=$5
. "$(dirname "${BASH_SOURCE[0]}")/gate.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../support/imitation/imitation.sh"
begin long
story model
for text in 'Say good evening' 'Say good night'; do
  when "$text" "$answer_s"
  step implement_v1
  write greeting.txt <<< "${text,,}"
done
done_story
story canned
step implement_v1
write greeting.txt <<< 'say good evening'
done_story
imitate model
gate_stack "base_url = \"http://127.0.0.1:$model_port/v1beta\""
now() { seconds_since "$start"; }
tell() { printf '%6s s  %s\n' "$(now)" "$1"; }
# begin_build ID AGENT TASK CHECK: a project of its own, and its build started.
begin_build() {
  (
    project "$1"
    echo 'good morning' > greeting.txt
    echo "$4" > test.sh
    under_git
    "$wfe" build "$3" --id "$1" --agent "$2" --model "$([ "$2" = scripted ] && echo canned || echo gemini-2.5-flash)" \
      --check 'sh test.sh' --detach > /dev/null || exit 1
  ) || fail "the build $1 did not start"
}
quick='grep -q "say good" greeting.txt'
# The seconds are a fingerprint: so long sleeps nobody else.
start=$EPOCHREALTIME
begin_build check scripted 'Say good evening.' "$quick && sleep $check_s.0417"
begin_build answer gemini 'Say good evening.' "$quick"
begin_build cancelled-check scripted 'Say good evening.' "$quick && sleep 399.0417"
begin_build cancelled-answer gemini 'Say good night.' "$quick"
tell "four builds on one worker: a check of $check_s s, a model answer of $answer_s s, and two to cancel"
sleeps() { pgrep -fc "^sleep $1\.0417\$"; }
until [ "$(sleeps "$check_s")" = 1 ] && [ "$(sleeps 399)" = 1 ] && [ "$(calls)" -ge 2 ]; do
  sleep 0.1
  [ "$(now | cut -d . -f 1)" -lt 120 ] || fail "the checks and the calls did not begin"
done
tell "both checks run, both models think"

slowest=0
longest=0
queries=0
beside=0
# ask: one query of each build that runs.  What counts is how much longer it takes than asking the server alone at that
# moment, since a process takes its time to start on a busy machine.
ask() {
  local id began between took
  for id in check answer; do
    began=$(date +%s%3N)
    run "$wfe" health
    between=$(date +%s%3N)
    run timeout 10 "$wfe" query "$id" status --output json
    took=$(($(date +%s%3N) - between))
    queries=$((queries + 1))
    [ "$took" -le "$longest" ] || longest=$took
    took=$((took - between + began))
    [ "$took" -le "$slowest" ] || slowest=$took
  done
}
# cancel ID PROBE: cancels it; PROBE succeeds once its work is gone.
cancel() {
  local began=$(date +%s%3N) took
  run "$wfe" cancel "$1"
  until $2; do sleep 0.05; [ $(($(date +%s%3N) - began)) -lt 60000 ] || fail "the work of $1 is still there after a minute"; done
  took=$(($(date +%s%3N) - began))
  tell "cancel $1: its work is gone after $took ms"
  [ "$took" -lt 5000 ] || fail "that is too late"
  expect 9 "" "$wfe" result "$1"
}
check_gone() { [ "$(sleeps 399)" = 0 ]; }
answer_gone() { grep -q ' gone ' "$work/calls.log"; }
ask
cancel cancelled-check check_gone
ask
cancel cancelled-answer answer_gone
until [ "$("$wfe" show answer --output json | "$json_at" - /status)" != Running ]; do
  ask
  if [ "$beside" -lt 5 ]; then
    beside=$((beside + 1))
    begin_build "beside-$beside" scripted 'Say good evening.' "$quick"
    run "$wfe" result "beside-$beside" --output json
    same "a build beside them" passed "$("$json_at" - /result/status <<< "$output")"
    tell "beside-$beside passed"
  fi
  sleep 1
done
for id in check answer; do
  run "$wfe" result "$id" --output json
  same "the build $id" passed "$("$json_at" - /result/status <<< "$output")"
  run "$wfe" history export "$id"
  ! grep -Eq '"attempt": *"?([2-9]|1[0-9])' <<< "$output" || fail "an activity of $id needed another attempt"
  run "$wfe" audit validate "$(grep -l "\"workflow_id\":\"$id\"" "$work"/root/builds/*/audit_trace.jsonl)" --run "$id"
  tell "$id passed, every activity at its first attempt"
done
tell "$queries queries, the longest $longest ms with its process, at most $slowest ms more than \`wfe health\` at that moment"
[ "$slowest" -lt 1000 ] || fail "a query took $slowest ms"
report
