#!/usr/bin/env bash
# wfe workflow: example data, a run without server and model, what is missing, what is refused, and a run on a server.
# (CW-1, CW-2, CW-5, CL-3)
#   workflow_cli.sh WFE JSON_AT
set -u
wfe=$1
json_at=$2
. "$(dirname "$0")/processes.sh"
begin workflow
value() { "$json_at" - "$1" <<< "$output"; }
export XDG_STATE_HOME=$work/state TEMPORAL_ADDRESS=
unset GEMINI_API_KEY

run "$wfe" workflow permits --example permits
same "example files" 13 "$(ls permits | wc -l)"
run "$wfe" workflow permits --directory permits --output out --as-of 2026-06-01 --local --json
same "state" done "$(value /state)"
same "gaps" 0 "$(value /gaps/0 2> /dev/null | wc -c)"
same "grave findings" 14 "$(value /findings/high)"
same "what says that no model was asked" true "$(value /model_use/scripted)"
for file in permits_report.md permits_report.json permits_report.html; do [ -s "out/$file" ] || fail "no $file"; done
says "the report" "The soil report wants to lower the groundwater" out/permits_report.md
says "the page" "prefers-color-scheme" out/permits_report.html
if grep -qE 'src="http|href="http|url\(http' out/permits_report.html; then fail "the page fetches something"; fi
# The same again, without a model: over its own files.
run "$wfe" workflow permits --directory permits --output out --as-of 2026-06-01 --no-model --local --output json
same "grave findings of rules alone" 12 "$(value /findings/high)"
same "calls" 0 "$(value /model_use/calls)"

# Documents that are none: the others are delivered.
mkdir bad
cp permits/01-building-permit.md bad/
truncate -s 500M bad/huge.pdf
ln -s /etc/passwd bad/link.txt
printf '\x89PNG\r\n\x1a\n\0\0' > bad/photo.jpg
printf 'Gr\xfc\xdfe. Parcel: 9/9\n' > bad/latin.txt
output=$(timeout 60 "$wfe" workflow permits --directory bad --output bad-out --no-model --local --json 2> stderr.txt)
same "exit code with gaps" 5 $?
same "state" incomplete "$(value /state)"
says "the report" "it has 500.0 MB; the limit of a document is 50.0 MB" bad-out/permits_report.md
says "the report" "it is a link" bad-out/permits_report.md
says "the report" "needs OCR" bad-out/permits_report.md
says "the report" "Windows-1252" bad-out/permits_report.md

# What is refused.
mkdir empty
expect 2 "failed: there are no documents in" "$wfe" workflow permits --directory empty --output e --local
[[ $output != *INVALID_INPUT* && $output != *run_id* ]] || fail "a person is told internals: $output"
[[ $output == *$'\n'"  workflow "* ]] || fail "no ids on a line of their own: $output"
output=$(timeout 60 "$wfe" workflow permits --directory empty --output e --local --json 2> stderr.txt)
same "exit code of an input that is none" 2 $?
same "its type, for programs" INVALID_INPUT "$(value /failure_type)"
same "its cause" "there are no documents in $work/empty" "$(value /cause)"
expect 4 "there is no directory" "$wfe" workflow permits --directory nowhere --output e --local
expect 2 "--output OUT beside it names the folder" "$wfe" workflow permits --directory bad --output json --local
expect 2 "must not lie in --directory" "$wfe" workflow permits --directory bad --output bad/out --local
expect 2 "--directory DIR says what is read" "$wfe" workflow permits --local
for day in soon tomorrow 2026-02-30 01.06.2026; do
  expect 2 "--as-of must be a day such as 2026-06-01" "$wfe" workflow permits --directory bad --output never --as-of $day --local
  [ ! -e never ] || fail "a run has begun with --as-of $day"
done
mkdir mine
echo mine > mine/permits_report.md
expect 1 "permits_report.md was there before and is not ours" "$wfe" workflow permits --directory bad --output mine --no-model --local
same "my file" mine "$(cat mine/permits_report.md)"
echo changed > permits/01-building-permit.md
expect 1 "is not of the example" "$wfe" workflow permits --example permits

# A battery: its planted faults, its firmware against its plan, and input that cannot be used.  (CW-3)
run "$wfe" workflow battery --example cabin
run "$wfe" workflow battery --directory cabin --output design --local --json
same "state" done "$(value /state)"
same "grave findings of a battery" 16 "$(value /findings/high)"
same "what says that no model was asked" true "$(value /model_use/scripted)"
for file in battery_report.md battery_report.json battery_report.html test_plan.md test_plan.json bill_of_materials.csv \
  firmware/battery_monitor/battery_monitor.ino firmware/simulation/simulated_pack.cpp; do
  [ -s "design/$file" ] || fail "no $file"
done
same "the firmware's plan" passed "$("$json_at" design/battery_report.json /safety/plan/outcome)"
same "its cases" 106 "$("$json_at" design/battery_report.json /safety/plan/passed)"
if grep -qE 'src="http|href="http|url\(http' design/battery_report.html; then fail "the page fetches something"; fi
run "$wfe" workflow battery --directory cabin --output design --no-model --local --json
same "grave findings of rules alone" 16 "$(value /findings/high)"
same "calls" 0 "$(value /model_use/calls)"
sed -i 's/^capacity:.*/capacity: -280 Ah/; s/^nominal_voltage:.*/nominal_voltage: 400 V/' cabin/cell.txt
expect 2 "cell.txt:6: nominal_voltage is 400 V, which cannot be" "$wfe" workflow battery --directory cabin --output b --local
expect 2 "has no cell.txt or cell.json" "$wfe" workflow battery --directory empty --output b --local

# On a server, whose worker may touch both folders, or may not.
serve server
export TEMPORAL_ADDRESS=$address
"$wfe" worker --queue wfe --allow "$work/bad" --allow "$work/served" > worker.log 2>&1 &
pids+=($!)
output=$(timeout 60 "$wfe" workflow permits --directory bad --output served --no-model --json 2> stderr.txt)
same "exit code on a server" 5 $?
[ -s served/permits_report.html ] || fail "no page out of a server's worker"
expect 1 "may not touch" "$wfe" workflow permits --directory bad --output elsewhere --no-model
report
