#!/usr/bin/env bash
# Budgets and the cache from the command line: set, shown, met by a build before any call, and a build that is answered
# from the cache.  (QF-2, CE-2, CE-3, CL-4)
#   budget_cli.sh WFE JSON_AT IMITATION
set -u
wfe=$1
json_at=$2
imitation=$3
. "$(dirname "$0")/quick_build.sh"
. "$(dirname "$0")/../support/imitation/imitation.sh"
begin budget
quick_builds

cat >> wfe.toml << 'TOML'
[cost_tracking]
daily_limit = 5
run_limit = "none"
on_exceed = "defer"
TOML
serve engine
export TEMPORAL_ADDRESS=$address
value() { "$json_at" - "$1" <<< "$output"; }

run "$wfe" budget show --output json
same "from the configuration" 5.0 "$(value /budgets/0/limit_usd)"
same "its default" true "$(value /budgets/0/from_configuration)"
same "what it does" defer "$(value /budgets/0/on_exceed)"
same "the month's" 500.0 "$(value /budgets/1/limit_usd)"
run "$wfe" budget set daily 12.345678901 --warn-at 70
run "$wfe" budget show --output json
same "to the nano-dollar" 12.345678901 "$(value /budgets/0/limit_usd)"
same "what was not named stays" defer "$(value /budgets/0/on_exceed)"
run "$wfe" budget reset daily
run "$wfe" budget show --check
echo "$output" > shown.txt
says "for people" "0.0000 of 5.00 USD" shown.txt
[ "$(wc -L <<< "$output")" -le 80 ] || fail "a line of budget show is wider than 80 columns"
"$wfe" budget set daily much > refused.txt 2>&1 && fail "a limit took a word"
says "the refusal" 'the limit "much" is no amount of dollars' refused.txt
"$wfe" budget set weekly 1 > refused.txt 2>&1
same "exit code of a period that is none" 2 $?

# A run's budget of nothing: no call reaches the service.
echo '{"text":"Never said."}' > cassettes/never.jsonl
imitate never
export GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:$model_port
unset GEMINI_MODEL WFE_AGENT_BACKEND
run "$wfe" budget set run 0 --on-exceed block --type AuditedBuildWorkflow
work_for wfe
input=$(quick_input none | sed 's/"backend":"scripted","model":"none"/"backend":"gemini","model":"gemini-2.5-flash"/')
run "$wfe" submit AuditedBuildWorkflow --id poor --queue wfe --input "$input"
timeout 60 "$wfe" result poor > poor.txt 2>&1
same "exit code of a build that met a budget" 6 $?
same "calls of the service" 0 "$(calls)"
run "$wfe" costs
same "and none in the ledger" "no model calls in the ledger" "$output"
run "$wfe" budget events --output json
same "one event" budget_exceeded "$(value /0/event)"
same "of this budget" "run of AuditedBuildWorkflow" "$(value /0/budget)"

# The cache: a build that was made before.
for id in first second; do
  cached=$(quick_input careful | sed 's/^{/{"cache":"always",/')
  run "$wfe" submit AuditedBuildWorkflow --id "$id" --queue wfe --input "$cached"
  run timeout 60 "$wfe" result "$id" --output json
  same "$id build" passed "$(value /result/status)"
done
run "$wfe" cache stats --output json
same "hits" "$(value /entries)" "$(value /hits)"
[ "$(value /hits)" -ge 1 ] || fail "the second build was not answered from the cache"
run "$wfe" cache list --output json
key=$(value /0/cache_key)
run "$wfe" cache invalidate "$key"
"$wfe" cache invalidate "$key" > refused.txt 2>&1
same "exit code of an entry that is not there" 4 $?
run "$wfe" cache clear --older-than 0
run "$wfe" cache stats
grep -q -- "Entries *0" <<< "$output" || fail "an empty cache: no \"Entries *0\" in $output"
echo OK
