#!/usr/bin/env bash
# Versions, a rollout through kills of server and worker, one that is taken back, and a monitor that takes one back, on a
# real server and worker.  (RB-1, RB-2, RO-1 to RO-3, MO-1, MO-2, EN-1, EN-10)
#   optimize_cli.sh WFE JSON_AT PLANT_RUNS
set -u
wfe=$1
json_at=$2
plant=$3
. "$(dirname "$0")/processes.sh"
begin optimize

serve server
listen=$address
export TEMPORAL_ADDRESS=$address
cat > wfe.toml << END
[monitor]
hook_command = ["/bin/sh", "-c", "cat >> $work/told.jsonl"]
END
export WFE_CONFIG=$work/wfe.toml
work_for wfe

# Nothing yet, and what cannot be.
expect 0 "no versions" "$wfe" optimize versions
expect 0 "no rollouts" "$wfe" optimize rollout status
expect 0 "no events" "$wfe" optimize monitor events
expect 4 'there are no versions of a workflow "report"' "$wfe" optimize versions report
expect 4 'there is no rollout "none"' "$wfe" optimize rollout status none
expect 2 "the definition is not JSON" "$wfe" optimize add report --reason r --file - < /dev/null
echo '{"nodes": [1, 2]}' > v0.json
echo '{"nodes": [2]}' > v1.json
echo '{"nodes": [3]}' > v2.json
expect 0 "report_v0 is stored and in service" "$wfe" optimize add report --file v0.json --reason 'as it is' --author ada
expect 0 "report_v1 is stored; \`wfe optimize rollout start report report_v1" \
  "$wfe" optimize add report --file v1.json --reason 'suggestion 7' --author ada
expect 0 "report_v1 is stored" "$wfe" optimize add report --file v1.json --reason 'again'
expect 0 '"nodes"' "$wfe" optimize versions report --show v1
expect 1 "there is no version before report_v0: it is the original" "$wfe" optimize rollback report --reason r
expect 4 "there is no version report_v7; the newest is report_v1" "$wfe" optimize rollback report --to v7 --reason r
expect 2 '"x" is no version of report' "$wfe" optimize rollback report --to x --reason r
expect 1 "report_v0 is the original and cannot be deleted" "$wfe" optimize delete report v0 --reason r
expect 1 "report_v0 is in service already" "$wfe" optimize rollout start report v0 --reason r
expect 2 "stages must rise to 100 percent" "$wfe" optimize rollout start report v1 --reason r --stages 50,10,100
expect 2 'not "half"' "$wfe" optimize rollout start report v1 --reason r --stages half,100

# A good version, stage by stage, with a person in between and kills of server and worker.
"$plant" "$address" report 400 40 30 40 > plant.log 2>&1 &
planting=$!
pids+=("$planting")
expect 0 "rollout good has begun" "$wfe" optimize rollout start report v1 --id good --reason 'suggestion 7' --author ada \
  --stages 10:8s,50:3s,100:3s --check-every 1s --min-samples 1
expect 0 "rollout good is paused" "$wfe" optimize rollout pause good --reason lunch --author ada
expect 1 "the rollout does not run: it is paused" "$wfe" optimize rollout pause good --reason lunch
expect 0 '"phase": "paused"' "$wfe" optimize rollout status good --output json
expect 0 "report_v1" "$wfe" optimize versions report
kill -9 "${pids[0]}" "${pids[1]}"
wait "${pids[0]}" "${pids[1]}" 2> /dev/null
serve server
work_for wfe
pids=("$planting" "${pids[-2]}" "${pids[-1]}")
until "$wfe" optimize rollout resume good --reason back --author ada > resumed.log 2>&1; do
  grep -q "runs already" resumed.log && break
  sleep 0.3
done
kill -9 "${pids[2]}"
wait "${pids[2]}" 2> /dev/null
work_for wfe
for _ in $(seq 1 600); do
  phase=$("$wfe" optimize rollout status good --output json 2> /dev/null | "$json_at" - /state/phase)
  [ "$phase" = running ] || [ "$phase" = paused ] || [ -z "$phase" ] || break
  sleep 0.5
done
same "the rollout's end" succeeded "$phase"
same "its stages" '[1,2,3]' "$("$wfe" optimize rollout status good --output json | "$json_at" - /state/completed | tr -d ' \n')"
same "in service" in_service "$("$wfe" optimize versions report --output json | "$json_at" - /1/status)"
expect 1 "rollout good has ended: it is succeeded" "$wfe" optimize rollout abort good --reason r
expect 0 "ada" "$wfe" optimize versions report --history
kill "$planting" 2> /dev/null

# One that hurts is taken back, and the result names the stage.
expect 0 "report_v2 is stored" "$wfe" optimize add report --file v2.json --reason 'suggestion 8'
"$plant" "$address" report 25 40 40 400 > plant2.log 2>&1 &
pids+=($!)
run timeout 300 "$wfe" optimize rollout start report v2 --id bad --reason 'suggestion 8' --wait --output json \
  --stages 50:20s,100:20s --check-every 1s --min-samples 1
same "it went back" rolled_back "$("$json_at" - /result/phase <<< "$output")"
same "in stage" 1 "$("$json_at" - /result/stage <<< "$output")"
expect 0 "regression in stage 1: mean duration is" "$wfe" optimize rollout status
same "new runs" 1.0 "$("$wfe" optimize versions report --output json | "$json_at" - /1/share)"

# Put in service all the same, it is taken back by the monitor, which tells the hook.
expect 0 "report_v2 is in service now; before: report_v1" "$wfe" optimize activate report v2 --reason 'a person knows better'
"$plant" "$address" report 5 40 40 400 > plant3.log 2>&1 || fail "no runs"
expect 0 "report is watched" "$wfe" optimize monitor start report --every 1s
for _ in $(seq 1 200); do
  [ "$("$wfe" optimize versions report --output json | "$json_at" - /2/status)" = rolled_back ] && break
  sleep 0.2
done
same "taken back by the monitor" rolled_back "$("$wfe" optimize versions report --output json | "$json_at" - /2/status)"
expect 0 "AUTOMATIC_ROLLBACK" "$wfe" optimize monitor events report
same "rollbacks" 1 "$("$wfe" optimize monitor status report --output json | "$json_at" - /rollbacks)"
# Of the last check: the next one may have been already, and what is in service by then has none before it.
expect 0 "runs in the window" "$wfe" optimize monitor status report
for _ in $(seq 1 100); do
  grep -q AUTOMATIC_ROLLBACK told.jsonl 2> /dev/null && break
  sleep 0.1
done
says "the hook was told" '"type":"AUTOMATIC_ROLLBACK"' told.jsonl
expect 0 "report is not watched any more" "$wfe" optimize monitor stop report --reason enough --author ada
report
