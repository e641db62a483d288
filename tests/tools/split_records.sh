#!/usr/bin/env bash
# Blobs, templates and traces kept by one server while another one runs the workflows, as beside a Temporal cluster.  (D7, EN-8)
#   split_records.sh WFE JSON_AT
set -u
wfe=$1
json_at=$2
. "$(dirname "$0")/quick_build.sh"
begin split
quick_builds

serve engine
export TEMPORAL_ADDRESS=$address
serve records --records-only
records=$address
records_server=${pids[-1]}
work_for wfe --records "$records" --allow "$work/report"

build() {
  run "$wfe" submit AuditedBuildWorkflow --id "$1" --queue wfe --input "$(quick_input hasty)"
}
# built NAME: it ended, and its trace is whole.
built() {
  run "$wfe" result "$1" --output json
  same "build $1" passed "$("$json_at" - /result/status <<< "$output")"
  run "$wfe" audit validate "root/builds/$("$json_at" - /result/workflow_run_id <<< "$output")" --run "$1"
}

# 1. A build leaves its context and its trace with the records server, not with the engine.
build one
built one
context=$("$json_at" root/builds/*/audit_trace.jsonl /context_file_hash | sort -u)
run "$wfe" audit diff-context "$context" "$context" --records "$records"
"$wfe" audit diff-context "$context" "$context" > missing.txt 2>&1 && fail "the engine has the context of the build"
says "the engine" "has no context $context" missing.txt

# 2. The records server serves no workflows, and says so.
"$wfe" submit AuditedBuildWorkflow --address "$records" --queue wfe --input "$(quick_input careful)" > refused.txt 2>&1 &&
  fail "the records server took a workflow"
says "the refusal" "is not served: this server was started with --records-only" refused.txt

# 3. A build that starts while the records server is gone waits for it.
kill -9 "$records_server"
wait "$records_server" 2> /dev/null
build two
until "$wfe" show two 2> /dev/null | grep -q last_failure; do
  kill -0 "${pids[0]}" || fail "the engine ended by itself"
  sleep 0.1
done
listen=$records serve records --records-only
built two

# 4. An audit finds both builds in the central store.
run timeout 60 "$wfe" audit run --queue wfe --out "$work/report"
same "builds in the report" 2 "$("$json_at" report/latest/report.json /header/builds)"
echo OK
