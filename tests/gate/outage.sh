#!/usr/bin/env bash
# A model that is out for SECONDS in every way a service can be: overloaded (503), answers cut in the middle, rate limits
# with a delay (429), nobody listening.  The build waits, `wfe show` says what for, and it passes when the model is back;
# the ledger has every call the service got.  With the Gemini command line the service is overloaded and then away only,
# and the ledger has the program's runs.  (RW-D4, RW-D5)
#   outage.sh WFE JSON_AT IMITATION SECONDS [GEMINI]     GEMINI: the program; "fetch" gets it from npm; "openai": the
#                                                        service speaks OpenAI's protocol, and there is no program
set -u
wfe=$(realpath "$1")
json_at=$(realpath "$2")
imitation=$(realpath "$3")
length=$4
gemini=${5:-}
if [ "$gemini" = fetch ]; then
  # Where the tests of the agent keep it.
  prefix=${WFE_TEST_CACHE:-/tmp/wfe-test-cache-$(id -u)}/gemini-cli-0.61.0
  gemini=$prefix/node_modules/.bin/gemini
  [ -x "$gemini" ] || { mkdir -p "$prefix" && npm install --silent --ignore-scripts --no-audit --no-fund --prefix "$prefix" @google/gemini-cli@0.61.0 > /dev/null; }
  [ -x "$gemini" ] || { echo "npm cannot fetch the Gemini command line here"; exit 77; }
fi
agent=${gemini:+gemini-cli}
agent=${agent:-gemini}
[ "$gemini" != openai ] || { agent=openai; gemini=; }
. "$(dirname "${BASH_SOURCE[0]}")/gate.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../support/imitation/imitation.sh"
begin outage
story outage
when 'Say good evening'
step implement_v1
write greeting.txt << 'END'
good evening
END
done_story
imitate outage
gate_stack "base_url = \"http://127.0.0.1:$model_port/v1beta\"" ${gemini:+"cli_path = \"$gemini\""} \
  '[openai]' "base_url = \"http://127.0.0.1:$model_port\"" 'model = "qwen2.5-coder:7b"'
project greeting
echo 'good morning' > greeting.txt
echo 'grep -q "good evening" greeting.txt || { echo "greeting.txt:1: error: it is evening"; exit 1; }' > test.sh
under_git

# shown: attempt, reason and next attempt of the agent's step, as `wfe show` has them now.
shown() { "$wfe" show outage --output json 2> /dev/null | "$json_at" - '/open_activities/*' /type /attempt /last_failure /next_attempt 2> /dev/null | grep '^executeGeminiAgent' | cut -f 2-; }
# Attempts whose call nobody heard: each of them is in the ledger and not in the service's own count.
declare -A unheard=()
# out WORD [DELAY] PATTERN: this weather for a quarter of the time, and until `wfe show` gives it as the reason, with the
# attempt that follows and its time.
out() {
  local until=$(($(date +%s) + length / 4)) word=$1 seen=
  weather "${@:1:$#-1}"
  while :; do
    seen=$(shown)
    [ "$word" != refuse ] || [[ $seen != *"${*: -1}"* ]] || unheard[${seen%%$'\t'*}]=1
    [[ $seen =~ ^[0-9]+.*"${*: -1}".*20[0-9][0-9]-.*Z$ ]] && [ "$(date +%s)" -ge "$until" ] && break
    [ "$(date +%s)" -lt $((until + 330)) ] || fail "$word: \`wfe show\` says \"$seen\""
    sleep 0.3
  done
  printf '%6s s  %-10s %s\n' "$(seconds_since "$start")" "$word" "$seen"
}
weather 503
start=$EPOCHREALTIME
run "$wfe" build 'Say good evening instead of good morning.' --id outage --agent "$agent" --check 'sh test.sh' --detach
out 503 503
if [ "$agent" != gemini-cli ]; then
  out cut 'bytes remaining'
  out 429 1 429
fi
out refuse "$([ "$agent" != gemini-cli ] && echo 'Failed to connect' || echo 'fetch failed')"
weather clear
run "$wfe" result outage --output json
same "the build" passed "$("$json_at" - /result/status <<< "$output")"
printf '%6s s  clear      passed\n' "$(seconds_since "$start")"
run "$wfe" audit validate "$(find "$work/root" -name audit_trace.jsonl)" --run outage
if [ "$agent" = gemini-cli ]; then
  run "$wfe" costs --workflow outage
  report
fi
for got in 503 cut 429; do [ "$(calls "$got")" -ge 1 ] || fail "the service never answered $got"; done
same "calls that were answered" 2 "$(calls 200)"
rows_are_sent
run "$wfe" costs --workflow outage --output json
printf 'the service counted %s calls, the ledger has %s more that found nobody\n' "$(calls)" "${#unheard[@]}"
same "calls in the ledger" $(($(calls) + ${#unheard[@]})) "$("$json_at" - /total/calls <<< "$output")"
same "calls that are still open" 0 "$("$json_at" - /total/open <<< "$output")"
report
