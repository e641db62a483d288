#!/usr/bin/env bash
# The front door on a project under git and on one without: build, list, show, diff, apply, undo, resume, clean.  (RW-D3)
#   build_cli.sh WFE JSON_AT
set -u
wfe=$1
json_at=$2
. "$(dirname "$0")/quick_build.sh"
begin build-cli
quick_builds
export XDG_STATE_HOME=$work/state HOME=$work/home GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
mkdir home
serve store
export TEMPORAL_ADDRESS=$address

# Nobody polls: said at once, and by show.
run "$wfe" build "Export a number." --dir "$work/nobody" --profile quick --agent scripted --model careful --id waiting --detach
says "a start without a worker" "nobody polls queue wfe yet" stderr.txt
run "$wfe" show waiting
[[ $output == *"nobody polls queue wfe yet"* ]] || fail "show does not say why the build waits: $output"
expect 2 'takes the signals add_guidance and abort, not "nonsense"' "$wfe" signal waiting nonsense
run "$wfe" terminate waiting

work_for wfe --allow "$work"

# A repository: the checkout stays, each step is a commit, the user's own change is not in it.
mkdir -p project/src
git -C project init -q -b main
git -C project config user.name Someone
git -C project config user.email someone@example.com
echo 'export const old = 0;' > project/src/index.ts
echo kept > project/README
git -C project add -A
git -C project commit -q -m first
echo changed > project/README
build() { "$wfe" build "Export a number." --profile quick --agent scripted --mode create "$@"; }
run build --dir project --model hasty --id repaired --wait
[[ $output == *"passed after 1 fix attempt"* ]] || fail "no verdict in: $output"
[[ $output == *"1 uncommitted file is not part of the build"* ]] || fail "nothing about what is not committed: $output"
same "status of the checkout" " M README" "$(git -C project status --porcelain)"
same "files of the branch" "src/index.ts" "$(git -C project diff --name-only main wfe/repaired)"
git -C project log --format=%s main..wfe/repaired > subjects
says "commits" "fix_attempt_1: pass" subjects
says "commits" "implement_v1: TSC_ERROR" subjects

run "$wfe" build list
[[ $output == *"passed"*"repaired"*"$work/project"* ]] || fail "list: $output"
run "$wfe" build show repaired --output json
echo "$output" > show.json
same "branch" "wfe/repaired" "$("$json_at" show.json /branch)"
same "steps" "5" "$("$json_at" show.json '/steps/*/step' | grep -cE 'scaffold|implement|fix|initial')"

# How much a pass says, before and after (docs/verdict.md).
run "$wfe" build plan project --profile quick
[[ $output == *"checks decide by their exit code alone: tsc;"* ]] || fail "plan says nothing of its evidence: $output"
run "$wfe" build show repaired
[[ $output == *"checks decide by their exit code alone: tsc;"* ]] || fail "show says nothing of its evidence: $output"
[[ $output == *"git merge wfe/repaired"* ]] || fail "no way to take it: $output"

# One document, or a line each.
trace=$("$json_at" show.json /working_dir)/audit_trace.jsonl
run "$wfe" audit tail "$trace" --output json
[ "$("$json_at" - '/*/step_name' <<< "$output" | wc -l)" -gt 3 ] || fail "audit tail is not one document: $output"
run "$wfe" audit validate "$trace" "$trace" --output json
same "files of one document" 2 "$("$json_at" - '/*/status' <<< "$output" | wc -l)"
expect 2 "take --output jsonl" "$wfe" audit tail "$trace" --follow --output json

# What a hash of the trace stands for can be seen (RW-D21).
run "$wfe" audit show-step repaired fix_attempt_1
[[ $output == *"Export a number."* || $output == *TSC_ERROR* ]] || fail "show-step: $output"
[[ $output == *"it said:"* ]] || fail "show-step does not say what the agent said: $output"
trace=$("$json_at" show.json /working_dir)/audit_trace.jsonl
for key in context_file_hash error_log_hash; do
  hash=$(grep '"kind":"verification"' "$trace" | head -n 1 | grep -o "\"$key\":\"[0-9a-f]*\"" | cut -d '"' -f 4)
  [ -n "$hash" ] || continue
  run "$wfe" blob show "$hash"
  [ -n "$output" ] || fail "blob show of $key says nothing"
done

run "$wfe" build diff repaired
[[ $output == *"+export const repaired = 1;"* && $output != *GEMINI* ]] || fail "diff: $output"
run "$wfe" build diff repaired --stat
[[ $output == *"1 file changed"* ]] || fail "stat: $output"
expect 4 "changed no file nothing.ts" "$wfe" build diff repaired --file nothing.ts
expect 1 "nothing of repaired was applied" "$wfe" build undo repaired

# Applied whole, taken back whole; a conflict names its file and changes nothing.
run "$wfe" build diff repaired --apply
same "applied" "export const repaired = 1;" "$(cat project/src/index.ts)"
same "the user's change" "changed" "$(cat project/README)"
echo 'export const mine = 3;' > project/src/index.ts
expect 1 "src/index.ts" "$wfe" build undo repaired
same "refused undo" 'export const mine = 3;' "$(cat project/src/index.ts)"
expect 1 "nothing was applied" "$wfe" build diff repaired --apply
same "refused apply" 'export const mine = 3;' "$(cat project/src/index.ts)"
echo 'export const repaired = 1;' > project/src/index.ts
run "$wfe" build undo repaired
same "undone" 'export const old = 0;' "$(cat project/src/index.ts)"

# A build that ended too early goes on.
run build --dir project --model hasty --id short --max-fix-attempts 0 --detach
timeout 60 "$wfe" result short > /dev/null
same "too few attempts" 5 $?
expect 1 "has passed" "$wfe" build resume repaired
run "$wfe" build resume short --max-fix-attempts 1 --wait
[[ $output == *"passed after 1 fix attempt"* ]] || fail "resumed: $output"
run "$wfe" build diff short
[[ $output == *"+export const repaired = 1;"* && $output == *"-export const old = 0;"* ]] || fail "diff of the resumed: $output"

# Outside git: in place, with diff and undo from the stored trees.
mkdir plain
echo kept > plain/notes
run build --dir plain --model careful --id plain --wait
[[ -f plain/src/index.ts ]] || fail "nothing was built in place"
run "$wfe" build diff plain
[[ $output == *"+export const careful = 1;"* && $output != *GEMINI* ]] || fail "diff in place: $output"
run "$wfe" build undo plain
[[ ! -e plain/src && $(cat plain/notes) == kept ]] || fail "undo in place left $(ls plain)"

# What the user does after the build is not replaced unasked; when it is, all of it comes back by one command.
run build --dir plain --model hasty --id later --max-fix-attempts 0 --detach
timeout 60 "$wfe" result later > /dev/null
same "not passed" 5 $?
echo mine > plain/mine
ln -s notes plain/link
mkdir plain/empty
chmod 600 plain/notes
expect 1 "link, mine, notes; --discard keeps them as a blob" "$wfe" build resume later
expect 1 "--discard keeps them as a blob" "$wfe" build retry later --from implement_v1
same "untouched" "mine notes" "$(cat plain/mine) $(readlink plain/link)"
same "no run was started" 1 "$("$wfe" list --output jsonl 2> /dev/null | grep -c '"later"')"
run "$wfe" build resume later --max-fix-attempts 1 --discard --wait
[[ $output == *"passed after 1 fix attempt"* ]] || fail "resumed in place: $output"
[[ ! -e plain/mine && ! -L plain/link ]] || fail "not restored: $(ls plain)"
kept=$("$wfe" build show later --output json | grep -o 'wfe blob show [0-9a-f]*' | head -n 1 | cut -d ' ' -f 4)
run "$wfe" blob show "$kept" --to "$work/back"
same "kept" "mine notes 600" "$(cat back/mine) $(readlink back/link) $(stat -c %a back/notes)"
[[ -d back/empty ]] || fail "the empty directory was not kept"
expect 1 "is not empty" "$wfe" blob show "$kept" --to "$work/back"
run "$wfe" build show later
[[ $output == *"not_passed"*"implement_v1"*"fix_attempt_1"* ]] || fail "show does not list the run before: $output"
run "$wfe" build retry later --from implement_v1 --wait
run "$wfe" build diff later --file ./src/index.ts
[[ $output == *"+export const repaired = 1;"* && $output != *"-export"* ]] || fail "retried from the tree before: $output"
echo mine > plain/mine
run "$wfe" build undo later
[[ $output == *"still not as it was"*mine* && ! -e plain/src ]] || fail "undo says nothing of the rest: $output"
run "$wfe" build undo later --discard
[[ ! -e plain/mine && $output == *"wfe blob show "* ]] || fail "undo of everything: $output"

# Cleaning asks, and leaves the records.
expect 1 "--yes" "$wfe" build clean repaired
run "$wfe" build clean repaired --yes
same "branch after cleaning" "" "$(git -C project branch --list wfe/repaired)"
run "$wfe" build show repaired
[[ $output == *"wfe/repaired of $work/project is not there any more"* && $output != *"git merge"* ]] || fail "show after clean: $output"
run "$wfe" build clean short --yes
same "branches of all runs" "" "$(git -C project branch --list 'wfe/short*')"
run "$wfe" build clean plain --yes
same "after cleaning" "notes" "$(ls -A plain | grep -v GEMINI.md)"
run "$wfe" build show repaired
run "$wfe" build clean repaired --yes
[[ $output == *"nothing of repaired is left"* ]] || fail "second cleaning: $output"

expect 2 "there is no profile quik here; did you mean quick?" "$wfe" build x --dir plain --profile quik --local
expect 2 "say what to build" "$wfe" build
expect 4 "nobody" "$wfe" build show nobody-here
report
