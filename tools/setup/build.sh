# Configures and builds one preset.  Needs common.sh.

# build_jobs: as many compilations at once as there are processors and memory (the largest file takes 1.4 GB).
build_jobs() {
  local processors memory_kb by_memory
  processors=$(nproc)
  memory_kb=$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)
  by_memory=$((memory_kb / 1600000))
  [ "$by_memory" -ge 1 ] || by_memory=1
  echo $((processors < by_memory ? processors : by_memory))
}

# configure_preset PRESET: quick when nothing changed; the first time it fetches Temporal's protos.
configure_preset() {
  run_step "Configuring build/$1" "configure-$1" cmake -S "$WFE_ROOT" --preset "$1" || exit 1
}

# build_preset PRESET JOBS [TARGET…]
build_preset() {
  local preset=$1 jobs=$2
  shift 2
  run_step "Building build/$preset${*:+ ($*)} with $jobs jobs" "build-$preset" \
    env NINJA_STATUS='[%f/%t] ' ninja -C "$WFE_ROOT/build/$preset" -j "$jobs" "$@" || exit 1
}
