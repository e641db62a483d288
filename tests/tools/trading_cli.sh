#!/usr/bin/env bash
# wfe workflow trading over its example without server and model: the planted flaws, deliverables, test cases that anybody can
# run, and input that is none.  (CW-1, CW-4, CW-5)
#   trading_cli.sh WFE JSON_AT
set -u
wfe=$1
json_at=$2
. "$(dirname "$0")/processes.sh"
begin trading
value() { "$json_at" - "$1" <<< "$output"; }
# exits CODE COMMAND…: its standard output is in $output.
exits() {
  local code=$1 got
  shift
  output=$(timeout 280 "$@" 2> stderr.txt)
  got=$?
  [ "$got" = "$code" ] || fail "$* ended with $got instead of $code: $output $(cat stderr.txt)"
}
export XDG_STATE_HOME=$work/state TEMPORAL_ADDRESS=
unset GEMINI_API_KEY
trading=("$wfe" workflow trading)

exits 0 "${trading[@]}" --example momentum
for file in momentum.py broker.ini parameters.json prices.csv README.md; do [ -s "momentum/$file" ] || fail "no $file"; done

# Canned answers stand in for a model.
exits 0 "${trading[@]}" --directory momentum --output verified --local --json
same "state" done "$(value /state)"
same "critical findings" 6 "$(value /findings/critical)"
same "what says that no model was asked" true "$(value /model_use/scripted)"
for file in trading_report.md trading_report.json trading_report.html test_trading_algorithm.py; do
  [ -s "verified/$file" ] || fail "no $file"
  ! grep -q 'q7Xv2LmN9t\|Tg5!vRq8\|Lm7w' "verified/$file" || fail "$file tells a secret"
done
says "the report" "Decisions use later prices" verified/trading_report.md
says "what the model adds" "An order may be placed twice" verified/trading_report.md
same "findings of the model" 3 "$("$json_at" verified/trading_report.json '/review/findings/*/line' | wc -l)"
same "findings of the model that name no place" 0 "$("$json_at" verified/trading_report.json /review/dropped)"
! grep -q 'https\?://' <(grep -o '\(src\|href\)="[^"]*"' verified/trading_report.html) || fail "the page fetches something"

# The delivered test file, as anybody runs it.
ALGORITHM_DIR=$work/momentum python3 -B -m unittest verified/test_trading_algorithm.py > cases.txt 2>&1
says "the test cases" "FAILED (failures=2, errors=4)" cases.txt

# Without a model, over its own files of before.
exits 0 "${trading[@]}" --directory momentum --output verified --local --no-model --json
same "calls without a model" 0 "$(value /model_use/calls)"

# A step that cannot be made: the others are delivered, and what is missing is named.
sed -i '7s/,[^,]*,\([^,]*\)$/,-1,\1/' momentum/prices.csv
exits 5 "${trading[@]}" --directory momentum --output partly --local --no-model --json
same "state" incomplete "$(value /state)"
same "what is missing" backtest_algorithm "$(value /gaps/0/step)"
same "why" 'prices.csv:7: the close "-1" must be above 0' "$(value /gaps/0/reason)"
says "the report" "## Missing" partly/trading_report.md

# No algorithm.
mkdir empty
expect 2 "failed: there is no algorithm in $work/empty" "${trading[@]}" --directory empty --output none --local --no-model
expect 4 "there is no directory $work/nowhere" "${trading[@]}" --directory nowhere --output none --local --no-model
mkdir other && echo 'eval(rule);' > other/bot.js
exits 5 "${trading[@]}" --directory other --output other-out --local --no-model --json
same "what needs Python" "assess_risks backtest_algorithm generate_test_cases" \
  "$(value /gaps/0/step) $(value /gaps/1/step) $(value /gaps/2/step)"
same "findings of what nobody has read" 1 "$(value /findings/critical)"
same "and no others" "" "$(value /findings/high 2> /dev/null)"
says "the report" "which is not analysed" other-out/trading_report.md
# An algorithm that never runs, and one that is none: the cause stands on the terminal, once.
mkdir never broken
printf 'def signals(bars, params):\n    raise SystemExit(0)\n' > never/bot.py
printf 'def signals(bars, params:\n    return []\n' > broken/bot.py
expect 5 "missing: backtest_algorithm: the algorithm made no decisions over 520 bars:" \
  "${trading[@]}" --directory never --output never-out --local --no-model
expect 5 "missing: document bot.py: line 1: it is not Python 3." \
  "${trading[@]}" --directory broken --output broken-out --local --no-model
same "times that it is told" 1 "$(grep -c 'is not Python' <<< "$output")"
[[ $output != *"no function signals"* && $output != *stop* ]] || fail "blamed for what nobody has read: $output"

# Nothing to assess is no low risk, and figures over made-up prices are headed as such.
mkdir void plain
: > void/a.py
printf 'def signals(bars, params):\n    return [0.5 for bar in bars]\n' > plain/bot.py
expect 5 "missing: assess_risks: no program of the folder has any code" \
  "${trading[@]}" --directory void --output void-out --local --no-model
exits 0 "${trading[@]}" --directory plain --output plain-out --local --no-model --json
[[ $(value /headline) == *"; back-tested on made-up prices" ]] || fail "made-up prices are not named: $(value /headline)"

mkdir mine && echo mine > mine/trading_report.md
expect 1 "trading_report.md" "${trading[@]}" --directory other --output mine --local --no-model
same "somebody's file" mine "$(cat mine/trading_report.md)"
report
