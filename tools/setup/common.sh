# Shared by the scripts under tools/: where the project is, how progress is told, how to ask and how to fail.
# Sourced, never run.

WFE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
WFE_LOGS=$WFE_ROOT/build/logs
WFE_STARTED=$SECONDS
WFE_ASSUME_YES=${WFE_ASSUME_YES:-0}

# Every command speaks the same English, whatever the machine's language is.
export LC_ALL=C.UTF-8

elapsed() { printf '%3d:%02d' $(((SECONDS - WFE_STARTED) / 60)) $(((SECONDS - WFE_STARTED) % 60)); }

say() { printf '[%s] %s\n' "$(elapsed)" "$*"; }

die() {
  printf '\n%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

have() { command -v "$1" > /dev/null 2>&1; }

# confirm QUESTION: agrees at once with --yes, asks a person, and fails where there is nobody to ask.
confirm() {
  [ "$WFE_ASSUME_YES" = 1 ] && return 0
  if [ ! -t 0 ]; then
    die "$1 There is nobody here to ask; run it again with --yes to agree."
  fi
  local answer
  printf '%s [y/N] ' "$1"
  read -r answer || answer=n
  case "$answer" in [yY]*) return 0 ;; *) die "stopped, nothing was changed." ;; esac
}

# as_root COMMAND…: runs it as the administrator.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif have sudo; then
    sudo -E "$@"
  else
    die "this needs the administrator: run it as root, or install sudo. The command was: $*"
  fi
}

# last_line FILE: the newest line of a log, cut to one line of a terminal.
last_line() { tail -n 1 "$1" 2> /dev/null | tr -d '\r' | cut -c 1-100; }

# run_step TITLE LOG-NAME COMMAND…: runs a long command with its output in a log, tells every half minute
# (on a terminal every second) how far it is, and shows the log's end when it fails.
run_step() {
  local title=$1 log=$WFE_LOGS/$2.log begun=$SECONDS code=0 told=$SECONDS pid
  shift 2
  mkdir -p "$WFE_LOGS"
  say "$title"
  "$@" > "$log" 2>&1 < /dev/null &
  pid=$!
  WFE_CHILD=$pid
  while kill -0 "$pid" 2> /dev/null; do
    if [ -t 1 ]; then
      printf '\r\033[K        %s' "$(last_line "$log")"
    elif [ $((SECONDS - told)) -ge 30 ]; then
      told=$SECONDS
      say "  … $(last_line "$log")"
    fi
    sleep 0.5
  done
  wait "$pid" || code=$?
  WFE_CHILD=
  [ -t 1 ] && printf '\r\033[K'
  if [ "$code" != 0 ]; then
    printf '\nThis failed (exit code %s): %s\nThe end of %s:\n\n' "$code" "$*" "$log" >&2
    # The first errors of a compiler say more than the last lines of a build.
    grep -n -m 20 -E '(error:|FAILED:|CMake Error|^E: )' "$log" >&2 || true
    printf '%s\n' '---' >&2
    tail -n 40 "$log" >&2
    return "$code"
  fi
  say "  done in $((SECONDS - begun)) s"
}
