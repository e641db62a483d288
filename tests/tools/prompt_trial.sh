#!/usr/bin/env bash
# Two versions of a build's template on live builds: a person starts the trial, each build draws its arm and says so in
# its trace, what builds leave is compared, and the person ends it.  (AB-10, XB-1, XB-5, RC-14)
#   prompt_trial.sh WFE JSON_AT
set -u
wfe=$1
json_at=$2
. "$(dirname "$0")/quick_build.sh"
begin trial
quick_builds
id=typescript-package

serve server
export TEMPORAL_ADDRESS=$address
work_for wfe

run "$wfe" prompts show $id --text
{ echo "$output"; printf '\n- Write the test first.\n'; } > edited.md
expect 0 "stored as draft version 2" "$wfe" prompts propose $id --file edited.md --author ada --reason "tests first"
expect 4 "there is no $id version 9" "$wfe" prompts try $id 9 --reason r
expect 1 "$id version 1 is the one in use" "$wfe" prompts try $id 1 --reason r
expect 2 "--share" "$wfe" prompts try $id 2 --share 1.5 --reason r
expect 0 "50 % of the runs use version 2, the others version 1" \
  "$wfe" prompts try $id 2 --share 0.5 --min-samples 30 --hours 48 --author ada --reason "does it help"


builds=8
for i in $(seq $builds); do
  run timeout 60 "$wfe" submit AuditedBuildWorkflow --id "b$i" --queue wfe --wait --input "$(quick_input careful)"
  run "$wfe" result "b$i" --output json
  trace=$("$json_at" - /result/working_dir <<< "$output")/audit_trace.jsonl
  grep '"template_version"' "$trace" | while read -r line; do
    version=$("$json_at" - /ext/template_version <<< "$line")
    arm=$("$json_at" - /ext/experiment_arm <<< "$line")
    case "$version $arm" in
      "1 $id-v2-1/control" | "2 $id-v2-1/variant") ;;
      *) fail "build b$i: version $version with arm \"$arm\"" ;;
    esac
  done || exit 1
  grep -q '"experiment_arm"' "$trace" || fail "no entry of build b$i says its arm"
done
# A version that a person names is used, and is no part of the trial.
run timeout 60 "$wfe" submit AuditedBuildWorkflow --id named --queue wfe --wait \
  --input "$(quick_input careful | sed 's/"template_values"/"template_version":1,"template_values"/')"
run "$wfe" result named --output json
! grep -q '"experiment_arm"' "$("$json_at" - /result/working_dir <<< "$output")/audit_trace.jsonl" || fail "a named version was drawn"

same "builds in the history of usage" $((builds + 1)) \
  "$("$wfe" registry export --what usage | grep -c '"workflow_type":"AuditedBuildWorkflow"')"
run "$wfe" prompts experiments --output json
same "builds that are compared" $builds \
  $(($("$json_at" - /0/control_runs <<< "$output") + $("$json_at" - /0/variant_runs <<< "$output")))
run timeout 60 "$wfe" submit PromptOptimizationWorkflow --queue wfe --wait --input '{}'
expect 0 "waits for" "$wfe" prompts cycles $id
expect 0 "is given up" "$wfe" prompts stop-experiment $id-v2-1 --author ada --reason "enough seen"
expect 0 "given_up" "$wfe" prompts show $id --history
report
