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
# examined ID: profile, names of the checks, files examined and tests of the last verification, from the trace.
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
