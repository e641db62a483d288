#!/usr/bin/env bash
# Projects and checks as they also are: each is built, or refused in one sentence, and the user's files stay as they were.
#   bad_projects.sh WFE JSON_AT [CASE…]
set -u
wfe=$(realpath "$1")
json_at=$(realpath "$2")
shift 2
. "$(dirname "${BASH_SOURCE[0]}")/gate.sh"
begin bad
story canned
step implement_v1
write greeting.txt <<< 'good evening'
done_story
mkdir profiles
# A profile whose one check has 4 s: what never ends must not take the ten minutes that a command has.
cat > profiles/brief.json << 'END'
{"name": "brief", "description": "One check of four seconds at most", "sandbox": "preferred",
 "checks": [{"id": "test", "argv": ["sh", "test.sh"], "timeout_s": 4, "parser": "regex", "pattern": "^(?P<path>[^:]+):(?P<line>\\d+): (?P<text>.*)$", "class": "TEST_FAILURE"}]}
END
gate_stack '[build]' "profiles = \"$work/profiles\""
good='grep -q evening greeting.txt'
# base NAME [TEST]: a committed project with a test.
base() {
  project "$1"
  echo 'good morning' > greeting.txt
  echo "${2:-$good}" > test.sh
  under_git
}
# built ID STATUS [OPTIONS]: a build of the current directory ends so.
built() {
  build_of "$1" canned 'Say good evening.' --check 'sh test.sh' "${@:3}"
  same "the build $1 ($(why "$1"))" "$2" "$("$json_at" "$work/$1.json" /status | tail -n 1)"
}
# taken ID: its result is put into the checkout, and is the agent's file.
taken() {
  run "$wfe" build diff "$1" --apply
  same "the file of $1" 'good evening' "$(cat greeting.txt)"
}
# said ID TEXT: in the trace of the build, or in what it printed.
said() { cat "$work/$1.json" "$work/$1.err" "$(trace_of "$1")" 2> /dev/null | grep -qF -- "$2" || fail "the build $1 does not say \"$2\": $(why "$1")"; }

case_two_builds_at_once() {
  base two
  built two-a passed &
  local first=$!
  built two-b passed
  wait "$first" || fail "the first of two builds"
  same "the checkout" '' "$(git status --porcelain --ignored)"
  same "their branches" 'wfe/two-a wfe/two-b' "$(git branch --format '%(refname:short)' --list 'wfe/*' | tr '\n' ' ' | sed 's/ $//')"
}
case_dirty_repository() {
  base dirty
  echo 'mine, unfinished' >> test.sh
  echo 'mine, new' > notes.txt
  local before
  before=$(footprint)
  built dirty passed
  same "the checkout" "$before" "$(footprint)"
  said dirty uncommitted
  taken dirty
  same "what the user had not committed" 'mine, unfinished mine, new' "$(tail -n 1 test.sh) $(cat notes.txt)"
  same "git status" ' M greeting.txt  M test.sh ?? notes.txt' "$(git status --porcelain | tr '\n' ' ' | sed 's/ $//')"
}
case_submodule() {
  base submodule-library
  base submodule
  git -c protocol.file.allow=always submodule --quiet add "$work/projects/submodule-library" library > /dev/null 2>&1 || fail "git submodule add"
  echo "$good && grep -q morning library/greeting.txt" > test.sh
  git commit -q -am 'With a library'
  built submodule passed
  taken submodule
  same "git status" ' M greeting.txt' "$(git status --porcelain)"
}
case_read_only_file() {
  base read-only
  chmod 444 greeting.txt
  built read-only passed
  taken read-only
  same "git status" ' M greeting.txt' "$(git status --porcelain)"
}
case_file_name_with_a_newline() {
  base newline
  echo 'odd' > $'a\nb.txt'
  printf 'odd' > $'caf\351.txt' # Latin-1, not UTF-8
  echo "$good && [ -f 'a
b.txt' ]" > test.sh
  git add -A && git commit -q -m 'Odd names'
  built newline passed
  taken newline
  same "git status" ' M greeting.txt' "$(git status --porcelain)"
}
case_symlink_loop() {
  base loop
  mkdir deep && ln -s .. deep/up && ln -s self self && ln -s /etc/hostname away
  git add -A && git commit -q -m 'Links'
  built loop passed
  taken loop
  same "git status" ' M greeting.txt' "$(git status --porcelain)"
}
case_no_tests_at_all() {
  project no-tests
  echo 'good morning' > greeting.txt
  under_git
  ! "$wfe" build 'Say good evening.' --id no-tests --agent scripted --model canned --wait > "$work/no-tests.json" 2> "$work/no-tests.err" ||
    fail "a project without any test passed"
  says "a project without a test" --check <(cat "$work"/no-tests.json "$work"/no-tests.err)
  same "its checkout" '' "$(git status --porcelain --ignored)"
}
case_check_that_needs_a_network() {
  # The outside of the sandbox can be reached; the check must not, and says so.
  base network "$good && (exec 3<> /dev/tcp/${address%:*}/${address#*:}) || { echo 'test.sh:1: no network'; exit 1; }"
  sed -i '1s/^/#!\/bin\/bash\n/' test.sh && git commit -q -am bash
  build_of network canned 'Say good evening.' --check 'bash test.sh' --max-fix-attempts 0
  same "a check that needs a network ($(why network))" not_passed "$("$json_at" "$work/network.json" /status | tail -n 1)"
  said network 'no network'
}
case_checker_that_asks() {
  base asks "printf 'Install it? [y/N] '; read answer || { echo 'test.sh:1: nobody answers'; exit 1; }"
  local before=$EPOCHREALTIME
  built asks not_passed --max-fix-attempts 0
  [ "$(seconds_since "$before" | cut -d . -f 1)" -lt 60 ] || fail "the question waited for an answer"
  said asks 'nobody answers'
}
case_checker_that_never_ends() {
  base endless 'while :; do sleep 3.0717; done'
  build_of endless canned 'Say good evening.' --profile brief --mode change --max-fix-attempts 0
  same "a check that never ends ($(why endless))" not_passed "$("$json_at" "$work/endless.json" /status | tail -n 1)"
  said endless TIMEOUT
  ! pgrep -f '^sleep 3\.0717$' > /dev/null || fail "the check goes on after its time"
}
case_checker_that_prints_1_GB() {
  base flood "head -c 1000000000 /dev/zero | tr '\\0' x; echo; $good"
  built flood passed
  [ "$(stat -c %s "$(trace_of flood)")" -lt 1000000 ] || fail "the trace holds the flood"
}

cases=("$@")
[ ${#cases[@]} -gt 0 ] || mapfile -t cases < <(declare -F | sed -n 's/^declare -f case_//p')
for name in "${cases[@]}"; do
  start=$EPOCHREALTIME
  (trap - EXIT; "case_$name") || exit 1
  printf '%6s s  %s\n' "$(seconds_since "$start")" "${name//_/ }"
done
report
