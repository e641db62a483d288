#!/usr/bin/env bash
# A program with the engine inside, as somebody has it who has only what `cmake --install` gave: docs/examples/counter is
# built far from this source tree, killed again and again, and counts to its end.  (EN-12)
#   counter.sh SOURCE_DIR BUILD_DIR CXX [CMAKE_FLAG…]
set -u
source=$1 build=$2 cxx=$3
shift 3
. "$source/tests/tools/processes.sh"
begin counter

run cmake --install "$build" --prefix "$work/prefix" --component sdk
cp -r "$source/docs/examples/counter" counter
run cmake -G Ninja -S counter -B out -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$cxx" "$@" -DCMAKE_FIND_PACKAGE_NO_PACKAGE_REGISTRY=ON
run cmake --build out
[ "$(grep -c . counter/main.cpp)" -lt 40 ] || fail "a program with an engine inside takes 40 lines"
if ldd out/counter | grep -q 'libgrpc'; then fail "an embedded engine needs no gRPC, and the program loads it"; fi

# Killed as soon as it has counted a little further.
for round in 1 2 3 4; do
  before=$(cat said-*.txt 2> /dev/null | wc -l)
  out/counter > "said-$round.txt" 2> "counter-$round.log" &
  counter=$!
  pids+=("$counter")
  for _ in $(seq 600); do
    [ "$(cat said-*.txt | wc -l)" -lt $((before + 3)) ] || break
    sleep 0.05
  done
  if [ "$round" = 2 ]; then
    expect 1 "the store in counter-data" out/counter # two programs cannot have one directory open
  fi
  kill -9 "$counter"
  wait "$counter" 2> /dev/null
  [ "$(cat said-*.txt | wc -l)" -ge $((before + 3)) ] || fail "round $round: it did not go on"
done
expect 0 "the sum is 210" timeout 60 out/counter
echo "$output" | grep -E '^[0-9]+$' > said-5.txt
same "what was said, without repetitions" "$(seq 20)" "$(cat said-?.txt | sort -nu)"
# Each kill may repeat the one step that was under way.
[ "$(cat said-?.txt | wc -l)" -le 24 ] || fail "steps were repeated: $(cat said-?.txt | tr '\n' ' ')"
# It is done: the same program finds the result and does nothing twice.
expect 0 "the sum is 210" out/counter
same "steps of a run that finds its work done" 0 "$(echo "$output" | grep -cE '^[0-9]+$')"
report
