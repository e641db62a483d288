#!/usr/bin/env bash
# The SDK as somebody has it who has only what `cmake --install` gave: the example of docs/sdk.md is built far from this
# source tree, serves a server and replays what it did.  (RW-D20)
#   installed_sdk.sh WFE SOURCE_DIR BUILD_DIR CXX [CMAKE_FLAG…]
set -u
wfe=$1 source=$2 build=$3 cxx=$4
shift 4
. "$source/tests/tools/processes.sh"
begin installed-sdk

run cmake --install "$build" --prefix "$work/prefix" --component sdk
cp -r "$source/docs/examples/greet" greet
run cmake -G Ninja -S greet -B out -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$cxx" "$@" -DCMAKE_FIND_PACKAGE_NO_PACKAGE_REGISTRY=ON
run cmake --build out
[ "$(grep -c . greet/main.cpp)" -lt 40 ] || fail "a worker program takes 40 lines"

# Nothing but the prefix was used, and no header of the network, of Temporal's messages or of the store is in it.
ninja -C out -t deps > deps.txt
says "what main.cpp includes" "prefix/include/wfe/workers/sdk/workflow.h" deps.txt
for place in "$source/" "$build/"; do
  if grep -rlF -- "$place" prefix/include prefix/lib*/cmake out/build.ninja deps.txt; then fail "the package leads back to $place"; fi
done
find prefix/include -name '*.h' | sort > headers.txt
for header in workers/sdk/workflow.h workers/sdk/activity.h workers/host/run_worker.h; do
  says "the installed headers" "include/wfe/$header" headers.txt
done
if grep -rnE '#include [<"](grpc|rocksdb|google/|temporal/|boost/|absl/)' prefix/include; then fail "an installed header needs more than JSON"; fi
# What they include is there.
while read -r header; do echo "#include \"${header#prefix/include/wfe/}\""; done < headers.txt > every.cpp
run "$cxx" -std=c++20 -fsyntax-only -Iprefix/include/wfe every.cpp

serve store
export TEMPORAL_ADDRESS=$address
out/greet > greet.log 2>&1 &
worker=$!
pids+=("$worker")
expect 0 '"Hello, Ada"' "$wfe" submit Greet --id g1 --queue greet --input '"Ada"' --wait
expect 1 "nobody to greet" "$wfe" submit Greet --id g2 --queue greet --input '""' --wait
expect 2 "the input of Greet is not what it takes" "$wfe" submit Greet --queue greet --input '7' --wait

# The same program says whether its code still does what it did.
"$wfe" history export g1 > g1.json || fail "no history of g1"
expect 0 "g1.json: deterministic" out/greet replay g1.json
sed 's/"compose"/"compose_more"/' g1.json > changed.json
expect 12 "changed.json" out/greet replay g1.json changed.json
expect 4 "cannot read none.json" out/greet replay none.json

kill -TERM "$worker"
wait "$worker"
same "the exit code after SIGTERM" 0 $?
says "the worker's log" "serves queue greet" greet.log
says "the worker's log" "draining" greet.log

# A source tree can be part of another project instead.
mkdir embedding
cat > embedding/CMakeLists.txt << END
cmake_minimum_required(VERSION 3.25)
project(embedding LANGUAGES CXX)
add_subdirectory("$source" wfe EXCLUDE_FROM_ALL)
add_executable(greet ../greet/main.cpp)
target_link_libraries(greet PRIVATE wfe::worker)
END
run cmake -G Ninja -S embedding -B embedded -DCMAKE_CXX_COMPILER="$cxx" "$@"
ninja -C embedded -t commands greet > plan.txt || fail "the embedded SDK cannot be built: $(cat plan.txt)"
says "what is built for it" "workers/host/CMakeFiles/wfe_worker.dir/run_worker.cpp.o" plan.txt
[ -z "$(grep -E 'rocksdb|engine/(storage|host)' plan.txt)" ] || fail "the SDK brings the engine with it"

# The installed program reads what was installed with it, not what stands in this tree.
run cmake --install "$build" --prefix "$work/prefix" --component program
echo "As it was installed." >> prefix/share/wfe/workflows/audited_build/templates/typescript-package/v001.md
expect 0 "As it was installed." prefix/bin/wfe prompts show typescript-package --text
[ -f prefix/share/wfe/workflows/audited_build/samples/passes_first_time/input.json ] || fail "no samples were installed"

# A wrong command line is one sentence.
expect 0 "Task queue (default: greet)" out/greet --help
expect 2 "greet: --quere is no option of a worker; --help lists them" out/greet --quere x
expect 2 "greet: --queue needs a value" out/greet --queue
expect 2 "greet: --address needs a value" out/greet --address=
expect 2 "greet: replay needs the file of a history" out/greet replay
report
