#!/usr/bin/env bash
# wfe batch and wfe run: the sample without server and model, documents that are none, tasks at once in their order, a job
# through kill -9 of server and worker and of a command that has all in itself.  (BP-1, BP-2, BP-3, CW-6)
#   batch_cli.sh WFE JSON_AT IMITATION [DOCUMENTS [KILLS]]
set -u
wfe=$1
json_at=$2
imitation=$3
documents=${4:-60}
kills=${5:-4}
. "$(dirname "$0")/processes.sh"
. "$(dirname "$0")/../support/imitation/imitation.sh"
begin batch
mkdir cassettes docs empty bad
value() { "$json_at" - "$1" <<< "$output"; }
# exits CODE COMMAND…: its standard output is in $output.
exits() {
  local code=$1 got
  shift
  output=$(timeout 120 "$@" 2> stderr.txt)
  got=$?
  [ "$got" = "$code" ] || fail "$* ended with $got instead of $code: $output $(cat stderr.txt)"
}
for ((i = 0; i < documents; i++)); do echo "This is letter $i." > "docs/letter-$(printf %04d "$i").txt"; done

# Nothing but this program.
export XDG_STATE_HOME=$work/state TEMPORAL_ADDRESS=
unset GEMINI_API_KEY
sample=(--local --agent scripted --model batch_sample)
run "$wfe" batch --dir docs --task 'Sum up.' --join 'What is common?' "${sample[@]}" --parallel 4 --out out --id all --output json
same "state" done "$(value /state)"
same "documents done" "$documents" "$(value /done)"
same "what says that no model was asked" true "$(value /spent/scripted)"
same "lines of results" "$documents" "$(wc -l < out/results.jsonl)"
same "files" "$documents" "$(ls out/*-letter-*.txt.md | wc -l)"
same "the joined text" "A canned summary: no model has read these results." "$(cat out/joined.md)"
same "their order" "$(seq 0 $((documents - 1)))" "$(while read -r line; do "$json_at" - /index <<< "$line"; done < out/results.jsonl)"
run "$wfe" batch --resume all --local --output json
same "documents that were finished before" "$documents" "$(value /kept)"
same "calls of another round" 0 "$(value /spent/model_calls)"
expect 0 "nothing paid: the answers are canned (scripted)" "$wfe" batch --dir docs --task 'Sum up.' "${sample[@]}" --parallel 8
expect 0 "A canned answer" "$wfe" run --task 'What is this?' --file docs/letter-0000.txt "${sample[@]}"
expect 0 "kept candidate 1 of 3" "$wfe" run --task 'What is this?' --file docs/letter-0000.txt --candidates 3 "${sample[@]}"
expect 2 "--candidates is for one --task at a time" "$wfe" run --task a --task b --candidates 3 "${sample[@]}"
expect 2 "--rounds is for --candidates 2 or more" "$wfe" run --task a --rounds 1 "${sample[@]}"
expect 1 "no model is configured: set GEMINI_API_KEY" "$wfe" batch --dir docs --task 'Sum up.' --local

# What a person gave is looked at before what this machine has.
expect 4 "there is no directory nowhere" "$wfe" batch --dir nowhere --task 'Sum up.' --local
expect 4 "there is no file nothing.txt" "$wfe" batch --dir docs --task @nothing.txt --local
expect 2 "--parameters is not JSON, at byte" "$wfe" batch --dir docs --activity analyzeStatic --parameters '{bad' --local
expect 4 "there is no file nothing.txt" "$wfe" run --task x --file nothing.txt --local

# A name stands for one job: its results stay where they are looked for.
expect 2 'there is a job all already, which has ended: `wfe batch --resume all --local` shows what it came to' \
  "$wfe" batch --dir docs --task 'Sum up.' "${sample[@]}" --id all
expect 2 "there is a job all already" "$wfe" run --task 'What is this?' "${sample[@]}" --id all
expect 2 "goes on with a job as it was begun: no --join or --parallel with it" "$wfe" batch --resume all --local --parallel 3 --join x
# The worker of this process serves the queue that was named.
expect 0 "A canned answer" "$wfe" run --task 'What is this?' "${sample[@]}" --queue another

# Documents that are none; the others are delivered.
expect 0 "there are no documents in empty" "$wfe" batch --dir empty --task 'Sum up.' "${sample[@]}"
expect 4 "there is no directory nowhere" "$wfe" batch --dir nowhere --task 'Sum up.' "${sample[@]}"
expect 2 "takes either --dir DIR or --list FILE" "$wfe" batch --task 'Sum up.' "${sample[@]}"
expect 2 "--task says what is to be done" "$wfe" batch --dir docs "${sample[@]}"
expect 4 "there is no batch job nothing" "$wfe" batch --resume nothing --local
expect 2 "--file belongs to the --task before it" "$wfe" run --file docs/letter-0000.txt --task x "${sample[@]}"
truncate -s 500M bad/huge.txt
printf 'caf\xe9' > bad/latin.txt
printf '\xff\xfeh\0i\0' > bad/utf16.txt
: > bad/void.txt
echo good > bad/good.txt
exits 5 "$wfe" batch --dir bad --task 'Sum up.' "${sample[@]}" --out bad-out --output json
same "documents done" 2 "$(value /done)"
same "documents failed" 3 "$(value /failed)"
same "the first fault" "huge.txt: it has 524288000 bytes; the limit of a document is 4194304" "$(value /first_fault)"
says "the joined text" "(failed: its text is neither UTF-8 nor marked as UTF-16)" bad-out/joined.md
exits 5 "$wfe" batch --dir bad --task 'Sum up.' --local --agent scripted --model nowhere --output json
same "documents done without their cassette" 0 "$(value /done)"

# A step that needs no model.
printf 'x = 1\n' > cassettes/one.py
exits 0 "$wfe" batch --dir cassettes --activity analyzeStatic --parameters '{"source": "{text}", "language": "python"}' --local \
  --output json
same "programs examined" 1 "$(value /done)"

# A command that has engine and worker in itself is killed; its job goes on where it was.
echo '{"text": "Short.", "delay_s": 0.1}' > cassettes/short.jsonl
imitate short
export GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:$model_port
"$wfe" batch --dir docs --task 'Sum up.' --local --id torn --parallel 3 --batch-size 5 > torn.txt 2>&1 &
torn=$!
until [ "$(calls)" -ge 10 ]; do sleep 0.05; done
kill -9 "$torn"
wait "$torn" 2> /dev/null
asked=$(calls)
run timeout 300 "$wfe" batch --resume torn --local --out torn-out --output json
same "documents done" "$documents" "$(value /done)"
[ "$(calls)" -le $((documents + 3)) ] || fail "$(calls) calls for $documents documents, of which $asked before the kill"
same "lines of results" "$documents" "$(wc -l < torn-out/results.jsonl)"

# The same on a server, while it and the worker die at any moment.
serve server
listen=$address
export TEMPORAL_ADDRESS=$address
work_for wfe
worker=${pids[-1]}
server=${pids[-2]}
before=$(calls)
timeout 600 "$wfe" batch --dir docs --task 'Say it shorter.' --id job --parallel 3 --batch-size 5 --out job-out --output json \
  > job.json 2> job.err &
client=$!
until [ "$(calls)" -gt "$before" ]; do
  kill -0 "$client" || fail "the job ended: $(cat job.json job.err)"
  sleep 0.05
done
for ((i = 0; i < kills; i++)); do
  sleep "0.$((RANDOM % 10))"
  if [ $((RANDOM % 2)) = 0 ]; then
    kill -9 "$worker"
    work_for wfe
    worker=${pids[-1]}
  else
    kill -9 "$server"
    serve server
    server=${pids[-1]}
  fi
done
wait "$client" || fail "the job ended with $?: $(cat job.json job.err)"
output=$(cat job.json)
same "state" done "$(value /state)"
same "documents done" "$documents" "$(value /done)"
same "calls that count" "$documents" "$(value /spent/model_calls)"
same "lines of results" "$documents" "$(wc -l < job-out/results.jsonl)"
made=$(($(calls) - before))
# A call that was cut off is made again: at most one for each batch at once and kill.
[ "$made" -le $((documents + 3 * kills)) ] || fail "$made calls for $documents documents and $kills kills"
rows_are_sent
run "$wfe" costs --output json
same "calls in the ledger, lost ones too" "$made" "$(value /total/calls)"
run "$wfe" query job progress --output json
same "progress" "$documents" "$(value /tally/done)"
echo "$documents documents, $kills kills, $made calls"

# Tasks at once, in their order; the same question again costs nothing.
run timeout 60 "$wfe" run --task one --task two --file docs/letter-0001.txt --task three --cache always --output json
same "the second task" "task 2" "$(value /results/1/name)"
same "its answer" Short. "$(value /results/1/text)"
same "calls" 3 "$(value /spent/model_calls)"
run timeout 60 "$wfe" run --task two --file docs/letter-0001.txt --cache always --output json
same "calls for a question that was asked" 0 "$(value /spent/model_calls)"
same "answers from the cache" 1 "$(value /spent/cached_calls)"
report
