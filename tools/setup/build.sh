# Configures and builds one preset.  Needs common.sh.

# build_jobs: as many compilations at once as there are processors and memory (the largest file takes 1.8 GB).
build_jobs() {
  local processors memory_kb by_memory
  processors=$(nproc)
  memory_kb=$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)
  by_memory=$((memory_kb / 1900000))
  [ "$by_memory" -ge 1 ] || by_memory=1
  echo $((processors < by_memory ? processors : by_memory))
}

# configure_preset PRESET: quick when nothing changed; the first time it fetches Temporal's protos.
configure_preset() {
  run_step "Configuring build/$1" "configure-$1" cmake -S "$WFE_ROOT" --preset "$1" || exit 1
}

# check_precompiled_header PRESET JOBS: GCC 12 has been seen to write a precompiled header that it then could not read
# ("out of memory" in every file).  A file that uses nothing else shows it; made again, outside the cache, it is good.
check_precompiled_header() {
  local build=$WFE_ROOT/build/$1
  ninja -C "$build" -j "$2" temporal_pch > /dev/null 2>&1 && return
  find "$build/schemas" -name 'cmake_pch.hxx.*ch' -delete
  CCACHE_RECACHE=1 ninja -C "$build" -j "$2" temporal_pch > /dev/null 2>&1
}

# build_preset PRESET JOBS [TARGET…]
build_preset() {
  local preset=$1 jobs=$2
  shift 2
  check_precompiled_header "$preset" "$jobs"
  run_step "Building build/$preset${*:+ ($*)} with $jobs jobs" "build-$preset" \
    env NINJA_STATUS='[%f/%t] ' ninja -C "$WFE_ROOT/build/$preset" -j "$jobs" "$@" || exit 1
}
