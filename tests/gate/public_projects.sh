#!/usr/bin/env bash
# The gate: eight published packages get a small change each, by a canned agent and real checks, from the outside as a
# person would do it.  For each: the build passes; the checkout stays as it was until its result is taken, and then
# `git status` shows the agent's files and nothing else; the project's own tests still work; the trace is valid and agrees
# with its history; a second build of the same installs nothing again.  At least all but one must pass.
#   public_projects.sh WFE JSON_AT [NAME…]
# Needs the registries of npm, PyPI, Go and Debian, and the Debian packages git, nodejs, npm, golang-go, python3-venv and
# python3-pip, beside those of C++.
set -u
wfe=$(realpath "$1")
json_at=$(realpath "$2")
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/gate.sh"
. "$here/sources.sh"
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(jest vitest workspace pnpm pytest cmake go node_test)
begin gate
gate_stack
table=$work/table.tsv
printf 'project\torigin\tprofile\tchecks\tfiles\ttests\tseconds\tagain\tverdict\n' > "$table"

# gate NAME: one project; its row of the table, and 0 when all of it holds.
gate() {
  local name=$1 options=() start before reason= seconds=- again=- id="gate-$1" trace=
  . "$here/projects/$name.sh"
  say() { printf '%-10s %6s s  %s\n' "$name" "$(seconds_since "$start")" "$1"; }
  start=$EPOCHREALTIME
  project "$name"
  if ! reason=$(needs "${tools[@]}" git); then say "$reason"
  elif ! fetch > "$work/$name.fetch" 2>&1; then reason="not fetched: $(tail -n 1 "$work/$name.fetch")"
  else
    under_git
    story "$name" && tell && done_story
    before=$(footprint)
    say "fetched $origin, $(git ls-files | wc -l) files"
    start=$EPOCHREALTIME
    if ! build_of "$id" "$name" "$task" "${options[@]}"; then reason=$(why "$id"); fi
    seconds=$(seconds_since "$start")
    trace=$(trace_of "$id")
    [ -n "$reason" ] || [ "$(footprint)" = "$before" ] || reason="the checkout is not as it was"
    [ -n "$reason" ] || reason=$(judge "$name" "$id" "$changes")
    if [ -z "$reason" ]; then
      say "passed, $("$json_at" "$work/$id.json" /fix_attempts | tail -n 1) repairs; its own tests now"
      own_tests > "$work/$name.own" 2>&1 < /dev/null || reason="its own tests: $(tail -n 3 "$work/$name.own" | tr '\n' ' ')"
    fi
    if [ -z "$reason" ]; then
      git stash -q -u
      start=$EPOCHREALTIME
      build_of "$id-again" "$name" "$task" "${options[@]}" || reason="the second build: $(why "$id-again")"
      again=$(seconds_since "$start")
      [ -n "$reason" ] || ! "$wfe" history show "$id-again" --output json | grep -q '"installed": *true' ||
        reason="the second build installed dependencies again"
    fi
  fi
  cd "$work"
  say "${reason:-all of it holds; again in $again s}"
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$origin" "$("$json_at" "$work/$id.json" /profile 2> /dev/null | tail -n 1)" \
    "$(last "$trace" /commands_attempted)" "$(last "$trace" /ext/files_examined)" "$(last "$trace" /ext/tests_total)" \
    "$seconds" "$again" "${reason:-passed}" >> "$table"
  [ -z "$reason" ]
}
# last TRACE POINTER: from the last verification of a trace; of a list, how many it has.
last() {
  local value
  value=$(grep -s '"kind":"verification"' "$1" | tail -n 1 | "$json_at" - "$2" 2> /dev/null)
  case $value in '['*) "$json_at" - '/*' <<< "$value" | wc -l ;; *) echo "${value:--}" ;; esac
}

passed=0
for name in "${names[@]}"; do gate "$name" && passed=$((passed + 1)); done
echo
column -t -s $'\t' "$table" 2> /dev/null || cat "$table"
echo
echo "$passed of ${#names[@]} passed"
[ "$passed" -ge $((${#names[@]} > 1 ? ${#names[@]} - 1 : 1)) ] || fail "too few of them"
