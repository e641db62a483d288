# Sourced after story.sh: projects under git that an agent changes, judged from the user's side of the wall.
. "$(dirname "${BASH_SOURCE[0]}")/../tools/processes.sh"
. "$(dirname "${BASH_SOURCE[0]}")/story.sh"

# gate_stack [LINE…]: a server and a worker that may work on $work/projects; the lines go into the [agent] section of the
# configuration.  Everything that wfe keeps for its user stays in $work.
gate_stack() {
  mkdir -p projects cassettes home
  {
    printf '[agent]\nbackend = "scripted"\ncassette_dir = "%s"\n' "$work/cassettes"
    [ $# = 0 ] || printf '%s\n' "$@"
  } > wfe.toml
  export WFE_CONFIG=$work/wfe.toml XDG_STATE_HOME=$work/home/state XDG_CONFIG_HOME=$work/home/config
  serve server
  export TEMPORAL_ADDRESS=$address
  work_for wfe --allow "$work/projects"
}

# project NAME: enters a new directory for a project of that name.
project() {
  mkdir "$work/projects/$1" && cd "$work/projects/$1" || fail "the directory of $1 could not be made"
}
# under_git: what stands in the current directory is one commit.
under_git() {
  git init -q -b main .
  git config user.name user && git config user.email user@example.com
  git add -A && git commit -q -m 'As it is' || fail "$PWD could not be committed"
}
# footprint: everything that stands in the checkout, with content, and where its HEAD is.
footprint() {
  git rev-parse HEAD
  git status --porcelain --ignored
  find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 -r sha256sum
}
# seconds_since START ($EPOCHREALTIME)
seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

# build_of ID STORY TASK [OPTIONS]: a build of the checkout in the current directory to its end; 0 when it passed.
build_of() {
  "$wfe" build "$3" --id "$1" --agent scripted --model "$2" "${@:4}" --wait --output json > "$work/$1.json" 2> "$work/$1.err"
}
# why ID: why a build did not pass, in one line.
why() {
  local status
  status=$("$json_at" "$work/$1.json" /status 2> /dev/null | tail -n 1)
  echo "${status:-not started}: $("$json_at" "$work/$1.json" /failure 2> /dev/null || "$json_at" "$work/$1.json" /message 2> /dev/null || tail -n 2 "$work/$1.err")" | tr '\n' ' '
}
# trace_of ID: where its trace is.
trace_of() { echo "$("$json_at" "$work/$1.json" /working_dir | tail -n 1)/audit_trace.jsonl"; }

# judge NAME ID EXPECTED: everything that must hold for a build that passed in the current directory; EXPECTED is what
# `git status --porcelain` says once its result was taken.  Gives the reason on standard output and 1 when something does not.
judge() {
  local trace status
  "$wfe" audit validate "$(trace_of "$2")" --run "$2" > "$work/$2.validate" 2>&1 ||
    { echo "the trace: $(tail -n 3 "$work/$2.validate" | tr '\n' ' ')"; return 1; }
  "$wfe" build diff "$2" --apply > "$work/$2.apply" 2>&1 || { echo "diff --apply: $(tail -n 2 "$work/$2.apply" | tr '\n' ' ')"; return 1; }
  status=$(git status --porcelain -uall)
  [ "$status" = "$3" ] || { echo "git status says \"$status\" instead of \"$3\""; return 1; }
}

# needs PROGRAM…: "" or what is missing.
needs() {
  local program
  for program in "$@"; do
    command -v "$program" > /dev/null || { echo "there is no program $program"; return 1; }
  done
}
# gate NAME: one project; its row of the table, and 0 when all of it holds.
gate() {
  local name=$1 options=() start before reason= seconds=- again=- id="gate-$1" trace= installed
  . "$stories/$name.sh"
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
      installed=$(ls --full-time "$work/root/deps" 2> /dev/null)
      start=$EPOCHREALTIME
      build_of "$id-again" "$name" "$task" "${options[@]}" || reason="the second build: $(why "$id-again")"
      again=$(seconds_since "$start")
      [ -n "$reason" ] || [ "$installed" = "$(ls --full-time "$work/root/deps" 2> /dev/null)" ] ||
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

# run_gate DIRECTORY NAME…: the projects told in the directory, one after the other, and a table of them; how many passed
# is in $passed.
run_gate() {
  stories=$1
  shift
  local name
  table=$work/table.tsv
  printf 'project\torigin\tprofile\tchecks\tfiles\ttests\tseconds\tagain\tverdict\n' > "$table"
  passed=0
  for name in "$@"; do gate "$name" && passed=$((passed + 1)); done
  echo
  column -t -s $'\t' "$table" 2> /dev/null || cat "$table"
  echo
  echo "$passed of $# passed"
}
