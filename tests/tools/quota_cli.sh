#!/usr/bin/env bash
# The month's quota from the command line: forecasts from a file and from a ledger, their width, what is refused, and the
# daily run.  (QF-3, QF-5, QF-6, QF-7, CL-4)
#   quota_cli.sh WFE JSON_AT
set -u
wfe=$1
json_at=$2
. "$(dirname "$0")/processes.sh"
begin quota
export HOME=$work
unset WFE_QUOTA_LIMIT ANTHROPIC_QUOTA_LIMIT WFE_CONFIG TEMPORAL_ADDRESS
value() { "$json_at" - "$1" <<< "$output"; }
# days FIRST COUNT TOKENS
days() {
  local separator='['
  for ((i = 0; i < $2; ++i)); do
    printf '%s{"day":"%s","tokens":%s}' "$separator" "$(date -u -d "$1 + $i days" +%F)" "$3"
    separator=,
  done
  printf ']'
}

days 2026-08-20 42 20000000 > heavy.json
run "$wfe" quota forecast --daily heavy.json --at 2026-10-01 --output json
same "20 million a day" 2026-10-15 "$(value /forecast/exhaustion/day)"
days 2026-08-20 42 14000000 > light.json
run "$wfe" quota forecast --daily light.json --at 2026-10-01 --output json
same "14 million a day" 2026-10-22 "$(value /forecast/exhaustion/day)"
run "$wfe" quota forecast --daily light.json --at 2026-10-01
echo "$output" > shown.txt
[ "$(wc -L < shown.txt)" -le 80 ] || fail "a line of quota forecast is wider than 80 columns"
says "for people" "the quota is gone on 2026-10-22" shown.txt
says "a day" "Thu 10-22" shown.txt
run "$wfe" quota status --daily light.json --at 2026-10-01
[ "$(wc -L <<< "$output")" -le 80 ] || fail "a line of quota status is wider than 80 columns"
expect 12 "gone on 2026-10-22" "$wfe" quota status --check --daily light.json --at 2026-10-01
expect 0 "lasts" "$wfe" quota status --check --daily light.json --at 2026-10-01 --quota 500000000
WFE_QUOTA_LIMIT=500000000 expect 0 "lasts" "$wfe" quota status --daily light.json --at 2026-10-01
ANTHROPIC_QUOTA_LIMIT=500000000 expect 0 "lasts" "$wfe" quota status --daily light.json --at 2026-10-01
WFE_QUOTA_LIMIT=much expect 2 "WFE_QUOTA_LIMIT must be a number of tokens" "$wfe" quota status --daily light.json

# What is no data.
days 2026-10-01 6 1000 > six.json
expect 0 "a forecast needs 7 whole days, and there are 6" "$wfe" quota forecast --daily six.json --at 2026-10-07
days 2026-09-01 30 0 > nothing.json
expect 0 "the quota lasts to the end of the month" "$wfe" quota forecast --daily nothing.json --at 2026-10-01
expect 0 "a quota of 0 buys nothing" "$wfe" quota forecast --daily light.json --at 2026-10-01 --quota 0
expect 12 "the quota is 0: it buys nothing" "$wfe" quota check Any --daily light.json --at 2026-10-01 --quota 0
expect 0 "warn" "$wfe" quota check Any --daily light.json --at 2026-10-01
expect 2 "is not a day" "$wfe" quota forecast --daily <(echo '[{"day":"soon","tokens":1}]')
expect 2 "is there twice" "$wfe" quota forecast --daily <(echo '[{"day":"2026-10-01","tokens":1},{"day":"2026-10-01","tokens":2}]')
expect 2 "less than no tokens" "$wfe" quota forecast --daily <(echo '[{"day":"2026-10-01","tokens":-1}]')
expect 2 "ten years apart" "$wfe" quota forecast --daily <(echo '[{"day":"1976-10-01","tokens":1},{"day":"2026-10-01","tokens":2}]')
expect 2 "--at takes a day" "$wfe" quota forecast --daily light.json --at tomorrow
expect 2 "must be a list" "$wfe" quota forecast --daily <(echo '{}')

# A ledger, and the forecast of a schedule.
serve engine
export TEMPORAL_ADDRESS=$address
expect 0 "there are 0" "$wfe" quota forecast
work_for wfe
run "$wfe" submit QuotaForecastWorkflow --id daily --queue wfe
run timeout 60 "$wfe" result daily --output json
same "what the daily run says" "0.0 % of 300000000 tokens used; a forecast needs 7 whole days, and there are 0" \
  "$(value /result/sentence)"
report
