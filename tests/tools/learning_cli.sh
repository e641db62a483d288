#!/usr/bin/env bash
# From generations with a forgotten import to the first automatic change of their prompt, and its undo, on a real server
# and worker; and what people see of the records.  (RC-1, RC-2, RC-3, PO-4, PO-6, XB-1, CL-7)
#   learning_cli.sh WFE JSON_AT PLANT_GENERATIONS
set -u
wfe=$1
json_at=$2
plant=$3
. "$(dirname "$0")/processes.sh"
begin learning
id=generation-python

serve server
export TEMPORAL_ADDRESS=$address
work_for wfe

# Nothing yet.
expect 0 "no nodes" "$wfe" registry list
expect 0 "no artifacts" "$wfe" artifacts list
expect 0 "no cycles" "$wfe" prompts cycles
expect 0 "no experiments" "$wfe" prompts experiments
expect 4 'there is no node "nobody" in the registry' "$wfe" registry show nobody
expect 4 'there is no artifact "nothing"' "$wfe" artifacts show nothing
expect 4 'there is no experiment "none"' "$wfe" prompts stop-experiment none --reason r
expect 2 "--type takes PATTERN, REPORT, EXAMPLE, FAILURE or TEMPLATE" "$wfe" artifacts list --type IDEA
expect 2 '"soon" is not a time' "$wfe" artifacts list --since soon

run "$plant" "$address" 0 60
expect 0 "node-2" "$wfe" registry list --status ready
expect 0 "report-59" "$wfe" registry show node-2
same "exported reports" 60 "$("$wfe" registry export --what reports | wc -l)"
same "exported usage" 60 "$("$wfe" registry export --what usage | wc -l)"
same "examples" 15 "$("$wfe" artifacts list --tag static-analysis --tag score-100 --limit 100 --output jsonl | wc -l)"
same "the most similar" "count the words of text number 7" \
  "$("$wfe" artifacts search "words in text 7" --type EXAMPLE --output json | "$json_at" - /0/name)"
expect 0 "json.dump" "$wfe" artifacts show generation-report-7 --text

# A cycle with auto_apply: the prompt says which imports are needed.
run timeout 60 "$wfe" submit PromptOptimizationWorkflow --id cycle-1 --queue wfe --wait --output json \
  --input '{"options":{"auto_apply":true}}'
expect 0 "version 2 is active now: 45 of 45 findings (100 %) are undefined_names" "$wfe" prompts cycles $id --changed
undo=$(sed -n 's/^ *to undo: //p' <<< "$output")
same "the command that undoes it" "wfe prompts rollback $id --reason …" "$undo"
expect 0 'import json' "$wfe" prompts show $id --section imports
expect 0 "optimizer" "$wfe" prompts show $id --history
expect 0 "PATTERN" "$wfe" artifacts list --tag best-practice --tag proven --type PATTERN
expect 0 "version 1 is active now; before: 2" "$wfe" prompts rollback $id --reason "a person knows better"

# The same again: the wording was given up, and nobody proposes it once more.
run timeout 60 "$wfe" submit PromptOptimizationWorkflow --id cycle-2 --queue wfe --wait --input '{"options":{"auto_apply":true}}'
expect 0 '"active_version": 1' "$wfe" prompts show $id --output json

# By an experiment, as is the default: another rule of the class is tried, until a person stops it.
run "$plant" "$address" 60 40
run timeout 60 "$wfe" submit PromptOptimizationWorkflow --id cycle-3 --queue wfe --wait --input '{}'
expect 0 "waits for 1000 more runs" "$wfe" prompts experiments
experiment=$("$wfe" prompts experiments --output json | "$json_at" - /0/experiment_id)
expect 0 "is given up" "$wfe" prompts stop-experiment "$experiment" --author ada --reason "not now"
expect 0 "stopped by ada: not now" "$wfe" prompts experiments
expect 1 "has ended" "$wfe" prompts stop-experiment "$experiment" --author ada --reason "not now"
expect 0 "given_up" "$wfe" prompts show $id --history

expect 0 "schedule prompts-hourly created" "$wfe" prompts schedule
expect 0 "interval" "$wfe" schedule show prompts-hourly
expect 2 "one of --daily and --every" "$wfe" prompts schedule --daily --every 1h
report
