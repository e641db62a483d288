#!/usr/bin/env bash
# Patterns, tools and savings on real processes: three builds of the same kind, a tool for it, a build whose step the tool
# does without a model, and one whose tool lies.  (PD-1 to PD-8, CL-6, RP-8)
#   patterns_cli.sh WFE JSON_AT
set -u
wfe=$1
json_at=$2
. "$(dirname "$0")/quick_build.sh"
begin patterns
quick_builds
export HOME=$work/home GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
mkdir home
value() { "$json_at" - "$1" <<< "$output"; }
serve store
export TEMPORAL_ADDRESS=$address
work_for wfe --allow "$work"
build() {
  mkdir "$1"
  timeout 120 "$wfe" build "Sort the imports of the python package" --dir "$1" --id "$1" --profile quick --agent scripted \
    --model careful --mode create --wait > "$1.txt" 2>&1 || fail "build $1: $(cat "$1.txt")"
}
pattern=lint:imports:python
seen() { sleep 2.2; } # so long a worker may not see what was changed elsewhere

run "$wfe" patterns list
[[ $output == *"No patterns yet"* ]] || fail "an empty library: $output"
expect 4 "no pattern $pattern" "$wfe" patterns activate $pattern
for name in one two three; do build $name; done

# The detector has run after each.
run "$wfe" patterns list --output json
same "the pattern" $pattern "$(value /0/pattern_signature)"
same "its occurrences" 3 "$(value /0/occurrence_count)"
same "its status" detected "$(value /0/automation_status)"
tokens=$(value /0/avg_tokens)
run "$wfe" patterns backfill --output json
same "backfill adds" 0 "$(value /new_occurrences)"
run "$wfe" patterns analyze --all
[[ $output == *$pattern* ]] || fail "analyze: $output"

echo '{"tool_id": "sorter", "comand": ["sort"]}' > wrong.json
expect 2 "the key \"comand\" is not known; did you mean command?" "$wfe" tools register wrong.json
echo '{"tool_id": "sorter"}' > wrong.json
expect 2 "activity_type or a command" "$wfe" tools register wrong.json
echo '{"tool_id": "sorter", "command": ["sort"], "output_schema": {"$ref": "x"}}' > wrong.json
expect 2 'output_schema: the keyword "$ref" of a schema is not known here' "$wfe" tools register wrong.json
tool() { printf '{"tool_id":"%s","command":["sh","-c","mkdir -p src; echo \\"export const %s = 1;\\" > src/index.ts"]}' "$1" "$2"; }
tool sorter sorted > sorter.json
run "$wfe" tools register sorter.json
expect 4 "there is no tool other" "$wfe" patterns activate $pattern --tool other
run "$wfe" patterns activate $pattern --tool sorter
seen
build four
says "what the tool wrote" "export const sorted = 1;" four/src/index.ts
grep -rq tool_routed four root || fail "no tool_routed in the trace"
run "$wfe" savings --output json
same "what was saved" "$(printf '%.0f' "$tokens")" "$(value /saved_30_days/tokens_saved)"
run "$wfe" tools list --output json
same "calls" 1 "$(value /0/calls)"

# One that lies: the check refutes it, the agent repairs, and nothing more is saved.
tool sorter hasty > sorter.json
run "$wfe" tools register sorter.json
seen
build five
says "what the agent repaired" "export const repaired = 1;" five/src/index.ts
run "$wfe" savings --output json
same "what was saved after a lie" "$(printf '%.0f' "$tokens")" "$(value /saved_30_days/tokens_saved)"
run "$wfe" patterns list --output json
same "successes" 1 "$("$json_at" - "/*/tool_successes" <<< "$output" | grep -c 1)"
run "$wfe" patterns retire $pattern --reason "for the test"
seen
build six
says "the agent again" "export const careful = 1;" six/src/index.ts

# The weekly run.
run "$wfe" submit PatternAnalysisWorkflow --id weekly --queue wfe
run timeout 60 "$wfe" result weekly --output json
same "what the weekly run adds" 0 "$(value /result/detected/new_occurrences)"
[[ $(value /result/sentence) == *" patterns, 0 worth a tool, 0 new issue drafts" ]] || fail "weekly: $output"

run "$wfe" patterns report --html report.html
echo "$output" > shown.txt
[ "$(wc -L < shown.txt)" -le 80 ] || fail "a line of patterns report is wider than 80 columns"
says "the page" "$pattern" report.html
! grep -qE 'src="http|href="http' report.html || fail "the page fetches something"
for command in "patterns list" "patterns analyze" "patterns report" "patterns backfill" "patterns activate" "patterns retire" "tools register" "tools list" savings; do
  run "$wfe" $command --help
  [ "$(sed -n '/^Examples/,$p' <<< "$output" | wc -L)" -le 80 ] || fail "the examples of $command are wider than 80 columns"
done
expect 2 "" "$wfe" patterns list --status wrong
printf '[patterns]\nrules = "rules.json"\n' > other.toml
echo '{"rules": [{"category": "A", "subcategory": "b", "keywords": ["x"]}]}' > rules.json
expect 2 'rules.json: rule 1: "A" must have' "$wfe" patterns list --config other.toml
report
