#!/usr/bin/env bash
# wfe generate: the sample without server and model, a story with an escalation against an imitated service, runs through
# kill -9 of server and worker, and what is refused.  (SG-1, SG-2, SG-5, SG-7, RC-6)
#   generate_cli.sh WFE JSON_AT IMITATION [KILLS]
set -u
wfe=$1
json_at=$2
imitation=$3
kills=${4:-4}
. "$(dirname "$0")/processes.sh"
. "$(dirname "$0")/../support/imitation/imitation.sh"
begin generate
mkdir cassettes
value() { "$json_at" - "$1" <<< "$output"; }

# Nothing but this program.
export XDG_STATE_HOME=$work/state TEMPORAL_ADDRESS=
unset GEMINI_API_KEY
run "$wfe" generate "count the words of a text" --local --out words.py --output json
same "state of the sample" success_first_pass "$(value /state)"
same "what says that no model was asked" true "$(value /scripted)"
same "grade" A+ "$(value /grade)"
same "what the program says" '{"words": 2}' "$(echo '{"text": "a b"}' | python3 words.py)"
expect 0 "nothing paid: the answers are canned (scripted)" "$wfe" generate "count the words of a text" --local
[ "$(wc -L <<< "$output")" -le 100 ] || fail "a line is wider than 100 columns"
expect 1 "no model is configured: set GEMINI_API_KEY" "$wfe" generate "sort numbers" --local
expect 2 "language takes python or cpp, not" "$wfe" generate "sort numbers" --language perl
expect 2 "the task asks for Rust, and nodes are made in python and cpp" \
  "$wfe" generate "a parser in Rust" --local --agent scripted --model count_words --plan-model count_words
expect 2 "the task is empty" "$wfe" generate " . " --local --agent scripted --model count_words

# A model that talks instead of programming, and a better one.
talks
imitate talks
export GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:$model_port
serve server
export TEMPORAL_ADDRESS=$address
work_for wfe
run timeout 60 "$wfe" generate "how long is it" --id talks --output json
same "state after an escalation" success_after_escalation "$(value /state)"
same "calls that were made" 3 "$(value /model_calls)"
same "calls that arrived" 3 "$(calls)"
same "the better model" "$(value /steps/6/name)" escalate
rows_are_sent
run "$wfe" costs --output json
same "calls in the ledger" 3 "$(value /total/calls)"
expect 0 "how-long-is-it" "$wfe" registry list
same "reports, that of the failure too" 2 "$("$wfe" registry export --what reports | wc -l)"

# The same question again: its answers are kept for who asks so, and cost nothing (CE-1, CE-3).
run timeout 60 "$wfe" generate "how many are there" --cache always --output json
same "calls for a question that is new" 3 "$(value /model_calls)"
asked=$(calls)
run timeout 60 "$wfe" generate "how many are there" --cache always --output json
same "state from the cache" success_after_escalation "$(value /state)"
same "calls for a question that was asked" 0 "$(value /model_calls)"
same "answers from the cache" 3 "$(value /cached_calls)"
same "what is paid" 0.0 "$(value /cost_usd)"
same "calls that arrived" "$asked" "$(calls)"
expect 0 "3 from the cache" timeout 60 "$wfe" generate "how many are there" --cache always
expect 0 "hit" "$wfe" cache stats
expect 2 "--cache takes never, auto or always" "$wfe" generate "how many are there" --cache sometimes
ledger=$asked

# A model that is good at once, while server and worker die at any moment: each run ends, and each call is in the ledger.
kill "${pids[0]}"
rm port  # of the one before
sed -i "3s/.*/{\"text\": \"$(sed 's/[\\&/]/\\&/g' <<< "$good")\", \"delay_s\": 0.2}/" cassettes/talks.jsonl
imitate talks
export GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:$model_port
kill -9 "${pids[2]}"
listen=$address
work_for wfe
worker=${pids[-1]}
server=${pids[1]}
before=$(calls)
worker_kills=0
for ((i = 0; i < kills; i++)); do
  timeout 120 "$wfe" generate "how long is it" --id "killed-$i" --output json > "killed-$i.json" 2> stderr.txt &
  client=$!
  sleep "0.$((RANDOM % 10))"
  if [ $((RANDOM % 2)) = 0 ]; then
    kill -9 "$worker"
    worker_kills=$((worker_kills + 1))
    work_for wfe
    worker=${pids[-1]}
  else
    kill -9 "$server"
    serve server
    server=${pids[-1]}
  fi
  # A client whose server dies before it has started anything says so and is asked again.
  wait "$client" || run timeout 120 "$wfe" generate "how long is it" --id "again-$i" --output json
  [ -s "killed-$i.json" ] || echo "$output" > "killed-$i.json"
  same "end of run $i" success_first_pass "$("$json_at" "killed-$i.json" /state)"
done
rows_are_sent
run "$wfe" costs --output json
# A worker that dies between its note of a call and the call itself leaves a lost one that the service never saw.
asked=$((ledger + $(calls) - before))
noted=$(value /total/calls)
((asked <= noted && noted <= asked + worker_kills)) ||
  fail "calls in the ledger, lost ones too: $noted, of $asked that arrived and $worker_kills kills of a worker"
report
