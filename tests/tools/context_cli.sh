#!/usr/bin/env bash
# Context efficiency and the gate of runs from the command line: builds leave events, a set is recommended, tried and put
# to use, and a worker that enforces the quota makes no call.  (CE-4, CE-5, CL-5, QF-5, RC-10)
#   context_cli.sh WFE JSON_AT
set -u
wfe=$1
json_at=$2
. "$(dirname "$0")/quick_build.sh"
begin context
quick_builds
export XDG_STATE_HOME=$work/state HOME=$work/home GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
unset WFE_QUOTA_LIMIT ANTHROPIC_QUOTA_LIMIT
mkdir home
cat >> wfe.toml << 'TOML'
[context]
give = "all"
[openai]
base_url = "http://127.0.0.1:9"
model = "some"
plain_http = true
[quota]
preflight = "enforce"
monthly_tokens = 0
TOML
value() { "$json_at" - "$1" <<< "$output"; }
narrow() { [ "$(wc -L <<< "$output")" -le 80 ] || fail "a line of $1 is wider than 80 columns: $output"; }
serve engine
export TEMPORAL_ADDRESS=$address
expect 0 "No file was loaded in 0 steps" "$wfe" context efficiency
expect 0 "no steps of agents" "$wfe" context profile
expect 4 "no successful step of an agent is of the category Nothing/at_all" "$wfe" context profile Nothing/at_all
expect 2 "say one of --version and --off" "$wfe" context apply X/y --version 1 --off

work_for wfe --allow "$work"
mkdir -p project/src
echo 'export const old = 0;' > project/src/index.ts
for i in 1 2 3; do head -c 4000 /dev/zero | tr '\0' 'x' > "project/src/idle_$i.ts"; done
# Canned answers are no calls that are bought: a quota of 0 does not stop them.
for i in 1 2 3 4 5; do
  run "$wfe" build "Export a number." --dir project --copy --profile quick --agent scripted --model careful \
    --mode create --id "b$i" --wait
done
run "$wfe" context efficiency --output json
same "runs" 5 "$(value /total/runs)"
# What ships with the profile and what the project had; the agent touched one of them.
loaded=$(value /total/loaded)
same "one file a run is of use" 5 "$(value /total/accessed)"
[ "$loaded" -ge 20 ] || fail "only $loaded files were loaded"
run "$wfe" context efficiency
narrow "context efficiency"
says "of the type" "AuditedBuildWorkflow" <(echo "$output")
expect 12 "CONTEXT EFFICIENCY" "$wfe" context efficiency --check
run "$wfe" context waste
narrow "context waste"
[[ $output == *src/idle_1.ts* ]] || fail "no idle file among the waste: $output"
run "$wfe" context profile
narrow "context profile"
category=AuditedBuildWorkflow/implement
run "$wfe" context profile "$category" --output json
same "steps" 5 "$(value /steps)"
same "the file that is always changed" src/index.ts "$(value /recommended/0)"
run "$wfe" context profile "$category"
narrow "context profile of a category"
run "$wfe" context try "$category" --min-samples 2
expect 2 "runs on it already" "$wfe" context try "$category"
run "$wfe" build "Export a number." --dir project --copy --profile quick --agent scripted --model careful \
  --mode create --id b6 --wait
expect 0 "context-" "$wfe" context result "$category"
run "$wfe" context apply "$category"
[[ $output == *"version 1 of the set"* ]] || fail "no set in use: $output"
run "$wfe" context apply "$category" --off
expect 4 "there is no version 7" "$wfe" context apply "$category" --version 7

# Who would buy is refused before the first call, in words that say what to do.
"$wfe" run --task 'Anything.' --agent openai --attempts 1 --timeout 60 > refused.txt 2>&1
same "the exit code of a refused task" 5 "$?"
says "the refusal" "the month's quota of tokens denies this run: the quota is 0" refused.txt
says "what the worker says" "quota: deny for run" worker.log
# A build is refused before anything is made for it.
mkdir untouched
workspaces=$(ls root/builds root/workspaces)
"$wfe" build "Export a number." --dir untouched --profile quick --agent openai --mode create --id refused --wait \
  > refused_build.txt 2>&1
same "the exit code of a refused build" 6 "$?"
says "the refusal of a build" "the month's quota of tokens denies this run: the quota is 0" refused_build.txt
same "what a refused build has made" "" "$(ls -A untouched)"
same "its workspace" "$workspaces" "$(ls root/builds root/workspaces)"
# Going on with it is asked about anew.
expect 6 "the month's quota of tokens denies this run" "$wfe" build resume refused --wait

# The calls of tools in the agents' transcripts.
run "$wfe" context calls --output json
same "the tool" write_file "$(value /tools/0/tool)"
same "its calls: two in each of six builds" 12 "$(value /tools/0/calls)"
same "who carried them out" tool_call "$(value /tools/0/via)"
run "$wfe" context calls
narrow "context calls"
run "$wfe" context calls b1 --output json
same "calls of a step" 1 "$(value /steps/0/count)"
[ "$(value /steps/0/calls/0/input_hash | wc -c)" -ge 64 ] || fail "a call without the hash of its input: $output"
run "$wfe" context calls b1
narrow "context calls of a run"
expect 4 "no tool was called in a run nobody" "$wfe" context calls nobody
report
