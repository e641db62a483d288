#!/usr/bin/env bash
# wfe dashboard beside what the stored records and the other commands say of the same window.  (RP-5, RP-6, RP-12, CL-9)
#   dashboard_cli.sh WFE JSON_AT PLANT_GENERATIONS IMITATION RECOUNT
set -u
wfe=$1
json_at=$2
plant=$3
imitation=$4
recount=$5
. "$(dirname "$0")/processes.sh"
. "$(dirname "$0")/../support/imitation/imitation.sh"
begin dashboard
mkdir cassettes
unset GEMINI_API_KEY

serve server
export TEMPORAL_ADDRESS=$address
expect 0 "never run" "$wfe" dashboard
expect 0 '0.0 % of $50.00' "$wfe" dashboard
same "generations of an empty store" 0 "$("$wfe" dashboard --output json | "$json_at" - /generations/generations)"

# Generations of an hour ago, one that is asked of an imitated service now, and what the optimizer makes of them.
talks
imitate talks
export GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:$model_port
work_for wfe
run "$plant" "$address" 0 60
run timeout 60 "$wfe" generate "how long is it" --id talks --output json
run "$wfe" budget set daily 0.05
run timeout 60 "$wfe" submit PromptOptimizationWorkflow --id cycle-1 --queue wfe --wait \
  --input '{"options":{"auto_apply":true}}'

rows_are_sent
# What is shown is what a program that shares nothing with it counts from the exported rows.
"$wfe" dashboard --output json > dashboard.json || fail "no dashboard"
for what in usage reports cycles calls; do "$wfe" registry export --what $what > "$what.jsonl" || fail "no $what"; done
"$wfe" costs --output json > costs.json || fail "no costs"
"$wfe" budget show --output json > budgets.json || fail "no budgets"
python3 "$recount" . || fail "the dashboard is no recount of the records"
for what in generations reports cycles; do
  "$wfe" dashboard --rows $what > rows.jsonl
  python3 "$recount" . $what rows.jsonl || fail "--rows $what are not the rows that were counted"
done

# What a person sees.
run "$wfe" dashboard --once
[ "$(wc -L <<< "$output")" -le 80 ] || fail "a line is wider than 80 columns"
expect 0 "version 2 is active now" "$wfe" dashboard --once
expect 0 "1 after escalation" "$wfe" dashboard --once
expect 0 "target < 10.0 s: met by 61 of 61" "$wfe" dashboard --once
run "$wfe" dashboard --html page.html
says "the page with the rows behind its figures" "how long is it" page.html
expect 2 "cannot write /proc/no/page.html" "$wfe" dashboard --html /proc/no/page.html

# On a terminal it looks again and again, and outlives a server that goes away.
: > screen.log
script -qfc "stty cols 80 rows 24; exec $wfe dashboard --every 0.2" screen.log > /dev/null < /dev/null &
pids+=($!)
until_shown() {
  for _ in $(seq 300); do
    ! tail -c 6000 screen.log | grep -qF -- "$1" || return 0
    sleep 0.1
  done
  fail "the terminal never showed \"$1\": $(tail -c 3000 screen.log)"
}
until_shown "Generations             61"
until_shown "more lines: wfe dashboard --once"
run "$plant" "$address" 60 1
until_shown "Generations             62"
kill -9 "${pids[0]}"
until_shown "no answer from the server"
until_shown "Generations             62" # the last figures stay
report
