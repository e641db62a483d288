#!/usr/bin/env bash
# Text of others on the terminal: ids, types, reasons, names and trace fields with escape sequences, bells and turned
# directions come out of every command as visible escapes.  Several files where one is accepted; whole tables in pipes.  (SEC-M4)
#   hostile_text.sh WFE
set -u
wfe=$1
. "$(dirname "$0")/processes.sh"
begin hostile-text

serve store
export TEMPORAL_ADDRESS=$address
evil=$'x\e[2J\a\xc2\x9b31m\xe2\x80\xae\xe2\x81\xa6\x7fy'

# harmless CODE|any COMMAND…: neither stream holds a control character but newline and tab, an 8-bit one, or a direction.
harmless() {
  local code=$1 got
  shift
  timeout 20 "$@" > said.txt 2>&1
  got=$?
  if { [ "$code" != any ] && [ "$got" != "$code" ]; } || LC_ALL=C grep -qaP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae\x8e\x8f]|\xe2\x81[\xa6-\xa9]' said.txt; then
    echo "FAILED: $(printf '%q ' "$@")"
    echo "  expected exit code $code and harmless text, got $got and: $(cat -v said.txt)"
    failures=$((failures + 1))
  fi
}
id="id-$evil"
harmless 0 "$wfe" submit "T$evil" --id "$id" --queue "q$evil" --input '{"a":1}'
for format in text json jsonl; do
  harmless 0 "$wfe" list --output $format
  harmless 0 "$wfe" show "$id" --output $format
  harmless 0 "$wfe" history show "$id" --output $format
  harmless 0 "$wfe" signal "$id" "s$evil" --input 1 --output $format
done
harmless 4 "$wfe" show "no-$evil"
harmless 4 "$wfe" signal "no-$evil" s
harmless 0 "$wfe" cancel "$id" --reason "$evil"
harmless 0 "$wfe" terminate "$id" --reason "$evil"
harmless 10 "$wfe" result "$id"
harmless 0 "$wfe" show "$id"
harmless 0 "$wfe" schedule create "s$evil" --type "T$evil" --cron '0 2 * * *' --paused --note "$evil"
for format in text json; do
  harmless 0 "$wfe" schedule list --output $format
  harmless 0 "$wfe" schedule show "s$evil" --output $format
done
harmless 2 "$wfe" prompts show "t$evil"
harmless 2 "$wfe" blob show "$evil"
harmless 4 "$wfe" audit validate "no$evil.jsonl"
harmless 4 "$wfe" replay "no$evil"
mkdir one two
entry='{"workflow_run_id":"r%s","step_name":"%s","timestamp":"2026-11-21T10:00:00.000Z","validation_status":"%s"}\n'
printf "$entry" "$evil" "$evil" "$evil" | sed 's/\x1b/\\u001b/g; s/\x07/\\u0007/g' > one/audit_trace.jsonl
printf "$entry" 2 scaffold N/A > two/audit_trace.jsonl
for format in text json; do
  harmless 0 "$wfe" audit tail one --output $format
  harmless 12 "$wfe" audit validate one --output $format
done

# A build, in whose task and in whose agent's error it stands.
export XDG_STATE_HOME=$work/state
mkdir project
harmless any "$wfe" build "Task $evil" --dir project --check true --mode create --agent scripted --model "m$evil" --id hostile --local \
  --address "$address"
harmless 0 "$wfe" build show hostile --local
harmless 0 "$wfe" build show hostile --local --output json
harmless 0 "$wfe" build list --local
harmless any "$wfe" audit show-step hostile scaffold
harmless any "$wfe" build plan project --check "echo $evil"

# Several files, as the shell gives them for a pattern.
expect 12 "two/audit_trace.jsonl" "$wfe" audit validate one two
mkdir -p three/libs/inner # the project was a sub-directory
cp two/audit_trace.jsonl three/libs/inner/
expect 12 "three/libs/inner/audit_trace.jsonl: invalid: 1 entry" "$wfe" audit validate three two
expect 12 "two/audit_trace.jsonl: invalid: 1 entry" "$wfe" audit validate three two
expect 0 "==> three/libs/inner/audit_trace.jsonl <==" "$wfe" audit tail three two
expect 0 "==> two/audit_trace.jsonl <==" "$wfe" audit tail one two
expect 12 "no.jsonl" "$wfe" audit validate no.jsonl two

# What is copied out of a pipe is whole.
long=long-$(printf 'x%.0s' {1..150})
run "$wfe" submit T --id "$long" --queue q
run "$wfe" list
[[ $output == *"$long "* ]] || { echo "FAILED: the id is cut in a pipe"; failures=$((failures + 1)); }
report
