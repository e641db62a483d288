#!/usr/bin/env bash
# The whole way round on a real server and worker: builds whose traces show a costly wording, the audit's draft against
# it, a person's decision, builds that are told the new words, and the report that says what these did.  (OP-12, OP-13)
#   proposal_loop.sh WFE JSON_AT
set -u
wfe=$1
json_at=$2
. "$(dirname "$0")/quick_build.sh"
begin proposal
quick_builds
id=typescript-package

serve server
export TEMPORAL_ADDRESS=$address
work_for wfe --allow "$work"

# builds NAME HASTY ALL VERSION: ALL builds at once, the first HASTY of them with the mistake; each one's trace names VERSION.
builds() {
  local i cassette run trace
  for i in $(seq "$3"); do
    cassette=careful
    [ "$i" -gt "$2" ] || cassette=hasty
    run "$wfe" submit AuditedBuildWorkflow --id "$1-$i" --queue wfe --input "$(quick_input "$cassette")"
  done
  for i in $(seq "$3"); do
    run "$wfe" result "$1-$i" --output json
    same "build $1-$i" passed "$("$json_at" - /result/status <<< "$output")"
    run=$("$json_at" - /result/workflow_run_id <<< "$output")
    trace=root/builds/$run/audit_trace.jsonl
    same "the template version in the trace of $1-$i" "$4" "$("$json_at" "$trace" /ext/template_version | sort -u)"
    last_build=root/builds/$run
  done
  echo "$1: builds: $3, of these with the mistake: $2; template version $4"
}
# audit OUT [FLAGS]: a report of the central store; $report is its report.json.
audit() {
  run timeout 300 "$wfe" audit run --queue wfe --out "$work/$1" "${@:2}"
  report=$work/$1/latest/report.json
}

# 1. A person makes the brief shorter, and the mistake that the dropped line prevented comes up.
builds first 1 12 1
run "$wfe" prompts show $id --text
sed '/^- Every exported function declares/d' <<< "$output" > shorter.md
run "$wfe" prompts propose $id --file shorter.md --author ada --reason "A shorter brief"
run "$wfe" prompts activate $id 2 --author ada --reason "A shorter brief"
builds second 11 12 2

# 2. The audit finds it, with a test, and drafts a rule against the class.  Nothing becomes active by itself.
# Answers of a script say nothing of a model, so their drafts have to be asked for by name (RW-D19).
audit refused --propose
[[ $output == *"no draft was stored"* ]] || fail "drafts of scripted builds: $output"
says "the report without drafts" "No draft was stored: every answer behind this report was scripted" <("$json_at" "$report" /header/note)
run "$wfe" prompts list $id
[[ $output != *draft* ]] || fail "there is a draft nobody asked for: $output"
audit before --propose --allow-scripted
same "builds in the first report" 24 "$("$json_at" "$report" /header/builds)"
report_id=$("$json_at" "$report" /report_id)
"$json_at" "$report" '/findings/*' /significant /rule_key /id /section /proposal/section /proposal/draft_version > findings.tsv
IFS=$'\t' read -r _ _ finding section drafted_section version < <(grep "^true"$'\t'"TSC_ERROR_TS2345"$'\t' findings.tsv) ||
  fail "no claim is about TSC_ERROR_TS2345: $(cat findings.tsv)"
same "the section of the finding and of its draft" "STRICT CONSTRAINTS, STRICT CONSTRAINTS" "$section, $drafted_section"
[ -n "$version" ] || fail "the finding has no draft: $(cat findings.tsv)"
[[ $output == *"draft $id@$version"* ]] || fail "the command does not name the draft: $output"
words="- Write the types and signatures of a module first"
says "the drafted change" "+$words" <("$json_at" "$report" '/findings/*/proposal/diff')

run "$wfe" prompts show $id "$version" --output json
echo "$output" > draft.json
same "the draft" "draft optimizer 2" "$("$json_at" draft.json "" /status /author /parent_version | tr '\t' ' ')"
same "its evidence" "$report_id $finding TSC_ERROR_TS2345" \
  "$("$json_at" draft.json /evidence /report_id /finding_id /predicted/rule_key | tr '\t' ' ')"
# 1 of 12 builds before, 11 of 12 after, with Newcombe's interval of the difference.
found=$'difference in share of builds with TSC_ERROR_TS2345\tshare\t0.833333333\t[0.450722694,0.930162045]'
same "what it found" "$found" "$("$json_at" draft.json /evidence/predicted/effect /measure /unit /value /interval)"
same "the active version" 2 "$("$json_at" draft.json /active_version)"
builds between 0 1 2
untold=$("$json_at" "$last_build/audit_trace.jsonl" /context_file_hash | sort -u)

# 3. A person decides.
run "$wfe" prompts activate $id "$version" --author grace --reason "finding $finding of report $report_id"
[[ $output == *"version $version is active now; before: 2"* ]] || fail "activate says: $output"

# 4. The next builds are told the drafted words.
builds third 1 12 "$version"
says "what the agent was told" "$words" "$last_build/.wfe/context.md"
told=$("$json_at" "$last_build/audit_trace.jsonl" /context_file_hash | sort -u)
same "the hash in the trace" "$(sha256sum < "$last_build/.wfe/context.md" | cut -d ' ' -f 1)" "$told"
run "$wfe" audit diff-context "$untold" "$told"
[[ $output == *"+$words"* ]] || fail "the stored contexts differ otherwise: $output"

# 5. The next report says what was expected of the change and what has come of it: 11 of 13 builds, then 1 of 12.
audit after
same "builds in the reports of this scope" "24 24 37" "$("$json_at" "$report" '/trend/reports/*/builds' | tr '\n' ' ' | sed 's/ $//')"
"$json_at" "$report" '/trend/proposals/*' /template_id /version /predicted/rule_key > proposals.tsv
same "the accepted proposals" "$id"$'\t'"$version"$'\t'TSC_ERROR_TS2345 "$(cat proposals.tsv)"
same "what was predicted" "$found" "$("$json_at" "$report" /trend/proposals/0/predicted/effect /measure /unit /value /interval)"
same "what was measured" $'difference in share of builds with TSC_ERROR_TS2345\tshare\t-0.762820513\t[-0.892888188,-0.381654165]\t25' \
  "$("$json_at" "$report" /trend/proposals/0/measured /measure /unit /value /interval /n)"
same "the two sides" "$id@2 13 0.846153846,$id@$version 12 0.0833333333," \
  "$("$json_at" "$report" '/trend/proposals/0/measured/groups/*' /name /n /value | tr '\t\n' ' ,')"
# Numbers and their units are kept together by spaces that do not break.
sed 's/\xc2\xa0/ /g; s/\xe2\x80\xaf/ /g' "$(dirname "$report")/report.md" > report.md
says "the report to read" "**$id version $version**, active since" report.md
says "the report to read" "Measured: −76.3 pts better, difference in share of builds with TSC" report.md
says "the report to read" "(−89.3 to −38.2 pts), n = 25" report.md
says "the report to read" "Found before: +83.3 pts" report.md
echo OK
