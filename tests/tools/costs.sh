#!/usr/bin/env bash
# A build through a rate limit, a cut stream and a worker that is killed while a call is open: `wfe costs` shows as many
# calls as the service was asked.  (RW-D4, RW-D5, AC-8, AC-12)
#   costs.sh WFE JSON_AT IMITATION
set -u
wfe=$1
json_at=$2
imitation=$3
. "$(dirname "$0")/quick_build.sh"
. "$(dirname "$0")/../support/imitation/imitation.sh"
begin costs
quick_builds

serve engine
export TEMPORAL_ADDRESS=$address
written() { printf '"calls":[{"name":"write_file","args":{"file_path":"src/index.ts","content":"export const %s;\\n"}}]' "$1"; }
# Refuses the first call, breaks off the second, leaves the fourth open until its client has gone.
cat > cassettes/paid.jsonl << END
{"times":1,"fault":"429","retry_after_s":0.2}
{"times":1,"fault":"cut","text":"I beg"}
{"times":1,$(written "given = 0")}
{"times":1,"fault":"hang","text":"I beg"}
{"times":1,"text":"Laid out."}
{"times":1,$(written "careful = 1")}
{"times":1,"text":"Done."}
END
imitate paid
export GEMINI_API_KEY=key-of-the-test GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:$model_port
unset GEMINI_MODEL WFE_AGENT_BACKEND

run "$wfe" costs
same "before any build" "no model calls in the ledger" "$output"

work_for wfe
first_worker=${pids[-1]}
input=$(quick_input none | sed 's/"backend":"scripted","model":"none"/"backend":"gemini","model":"gemini-2.5-flash"/')
run "$wfe" submit AuditedBuildWorkflow --id paid --queue wfe --input "$input"
until [ "$(calls hang)" = 1 ]; do
  kill -0 "$first_worker" || fail "the worker ended by itself"
  sleep 0.05
done
kill -9 "$first_worker"
wait "$first_worker" 2> /dev/null
work_for wfe
run timeout 90 "$wfe" result paid --output json
same "the build" passed "$("$json_at" - /result/status <<< "$output")"

same "calls of the service" 7 "$(calls)"
rows_are_sent
run "$wfe" costs --workflow paid --output json
costs=$output
same "calls in the ledger" 7 "$("$json_at" - /total/calls <<< "$costs")"
same "calls that are still open" 0 "$("$json_at" - /total/open <<< "$costs")"
same "failed calls" 2 "$("$json_at" - /total/failed <<< "$costs")"
same "lost calls" 1 "$("$json_at" - /total/lost <<< "$costs")"
same "tokens, with those of the cut stream" 5000 "$("$json_at" - /total/input_tokens <<< "$costs")"
run "$wfe" costs --by step --since 24h
says "the table" "implement_v1" <(echo "$output")
run "$wfe" costs --workflow another
same "another workflow" "no model calls in the ledger that fit" "$output"
"$wfe" costs --since yesterday > refused.txt 2>&1 && fail "--since took a word"
says "the refusal" "--since takes a day" refused.txt
says "what went out" "wfe_outbound_calls_total{origin=\"http://127.0.0.1:$model_port\",end=\"200\"}" root/outbound-metrics.txt
grep -rqF "$GEMINI_API_KEY" root engine && fail "the key is in a file"
echo OK
