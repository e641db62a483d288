#!/usr/bin/env bash
# Installs what wfe needs, builds it and runs its tests.  The last thing printed is ctest's own summary, and the exit
# code is ctest's.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/setup/common.sh"
. "$WFE_ROOT/tools/setup/packages.sh"
. "$WFE_ROOT/tools/setup/node.sh"
. "$WFE_ROOT/tools/setup/build.sh"

usage() {
  cat << 'TEXT'
Usage: tools/test.sh [options]

  (no option)       GCC, optimised: what is shipped
  --asan            GCC with AddressSanitizer and UndefinedBehaviorSanitizer
  --clang           Clang 19, optimised
  --tsan            Clang 19 with ThreadSanitizer; leaves out the tests labelled rocksdb, grpc or typescript,
                    because the packaged libraries are not instrumented
  --dev             GCC, unoptimised, quick to build
  --long            also the tests labelled long
  --only REGEX      only the tests whose name matches
  --jobs N          compilations and tests at once (default: by processors and memory)
  --setup-only      install and configure, then stop
  --yes             agree to what would be asked (removing the headers of Boost 1.74)
  --help            this text

Logs of each step are in build/logs.
TEXT
}

preset=release
with_long=0
only=
jobs=
setup_only=0
while [ $# -gt 0 ]; do
  case "$1" in
    --asan) preset=asan ;;
    --clang) preset=clang ;;
    --tsan) preset=tsan ;;
    --dev) preset=dev ;;
    --release) preset=release ;;
    --long) with_long=1 ;;
    --only | --jobs)
      [ $# -ge 2 ] || die "$1 needs a value; --help shows what there is."
      if [ "$1" = --only ]; then only=$2; else jobs=$2; fi
      shift
      ;;
    --setup-only) setup_only=1 ;;
    --yes | -y) WFE_ASSUME_YES=1 ;;
    --help | -h)
      usage
      exit 0
      ;;
    *) die "unknown option $1; --help shows what there is." ;;
  esac
  shift
done
case "$jobs" in *[!0-9]* | 0) die "--jobs needs a number of at least 1, not '$jobs'." ;; esac

cd "$WFE_ROOT" || die "cannot enter $WFE_ROOT"
stop() {
  trap - INT TERM
  [ -z "${WFE_CHILD:-}" ] || kill "$WFE_CHILD" 2> /dev/null
  exit 130
}
trap stop INT TERM

groups=(build)
case "$preset" in clang | tsan) groups+=(clang) ;; esac
install_packages "${groups[@]}"
ensure_node
configure_preset "$preset"
if [ "$setup_only" = 1 ]; then
  say "Ready: ninja -C build/$preset"
  exit 0
fi
build_preset "$preset" "${jobs:-$(build_jobs)}"

leave_out=()
[ "$with_long" = 1 ] || leave_out+=(long)
[ "$preset" != tsan ] || leave_out+=(rocksdb grpc typescript)
selection=()
if [ "${#leave_out[@]}" -gt 0 ]; then
  selection+=(--label-exclude "^($(IFS='|' && echo "${leave_out[*]}"))\$")
fi
[ -z "$only" ] || selection+=(--tests-regex "$only")

# Tests that imitate a killed worker fork, and their child starts threads.
[ "$preset" != tsan ] || export TSAN_OPTIONS=die_after_fork=0

say "Running the tests of build/$preset"
ctest --test-dir "build/$preset" --parallel "${jobs:-2}" --output-on-failure --no-tests=error "${selection[@]}"
