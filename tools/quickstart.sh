#!/usr/bin/env bash
# From a fresh checkout to a finished, audited build and a report, offline: installs, builds, starts a server and a
# worker, submits a sample, shows it live, and audits what it left.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/setup/common.sh"
. "$WFE_ROOT/tools/setup/packages.sh"
. "$WFE_ROOT/tools/setup/node.sh"
. "$WFE_ROOT/tools/setup/build.sh"
. "$WFE_ROOT/tools/setup/service.sh"

usage() {
  cat << 'TEXT'
Usage: tools/quickstart.sh [options]

  --dir DIR       where the server's data and the build's files go (default: ./wfe-quickstart)
  --sample NAME   a folder of workflows/audited_build/samples (default: any_then_test_failure)
  --keep          leave the server and the worker running
  --yes           agree to what would be asked (removing the headers of Boost 1.74)
  --help          this text

Needs no API key: the agent's answers come from the sample.  The exit code is that of `wfe submit`: 0 when the build
passed its checks.
TEXT
}

dir=./wfe-quickstart
sample=any_then_test_failure
keep=0
while [ $# -gt 0 ]; do
  case "$1" in
    --dir | --sample)
      [ $# -ge 2 ] || die "$1 needs a value; --help shows what there is."
      if [ "$1" = --dir ]; then dir=$2; else sample=$2; fi
      shift
      ;;
    --keep) keep=1 ;;
    --yes | -y) WFE_ASSUME_YES=1 ;;
    --help | -h)
      usage
      exit 0
      ;;
    *) die "unknown option $1; --help shows what there is." ;;
  esac
  shift
done
input=$WFE_ROOT/workflows/audited_build/samples/$sample/input.json
[ -f "$input" ] || die "there is no sample $sample; there are: $(ls "$WFE_ROOT/workflows/audited_build/samples" 2> /dev/null | tr '\n' ' ')"
mkdir -p "$dir" && chmod 700 "$dir" && dir=$(cd "$dir" && pwd) || die "cannot make the folder $dir"

started=0
finish() {
  local code=$?
  trap - EXIT INT TERM
  [ -z "${WFE_CHILD:-}" ] || kill "$WFE_CHILD" 2> /dev/null
  if [ "$started" = 1 ] && [ "$keep" = 0 ]; then
    stop_service "$dir" worker
    stop_service "$dir" server
    say "Stopped the server and the worker"
  fi
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

install_packages build
ensure_node
configure_preset release
build_preset release "$(build_jobs)" wfe
wfe=$WFE_ROOT/build/release/bin/wfe

# The worker's agent answers from the sample, so nothing is asked of a model.
config=$dir/wfe.toml
printf '[agent]\ncassette_dir = "%s"\n' "$(dirname "$input")" > "$config.new"
same_config=0
cmp -s "$config" "$config.new" && same_config=1
mv "$config.new" "$config"
export WFE_CONFIG=$config

queue=quickstart
address=$(cat "$dir/address" 2> /dev/null)
if [ "$same_config" = 1 ] && is_running "$dir/server.pid" && is_running "$dir/worker.pid" && "$wfe" health --address "$address" > /dev/null 2>&1; then
  say "Using the server and the worker that an earlier run left at $address"
else
  stop_service "$dir" worker
  stop_service "$dir" server
  started=1
  say "Starting a server"
  start_server "$wfe" "$dir"
  address=$(cat "$dir/address")
  say "  it listens on $address and keeps its data in $dir/data"
  say "Starting a worker"
  mkdir -p "$dir/work"
  start_service "$wfe" "$dir" worker worker --address "$address" --queue "$queue" --work-root "$dir/work" \
    --allow "$dir/reports" --allow "$WFE_ROOT/workflows/optimization/corpus"
  sleep 0.2
  is_running "$dir/worker.pid" || { tail -n 20 "$dir/worker.log" >&2; die "the worker ended at once; its log is $dir/worker.log"; }
fi

id=quickstart-$(date +%Y%m%d-%H%M%S)
say "Submitting the sample $sample as workflow $id"
echo
before=$(mktemp "$dir/.before.XXXXXX")
"$wfe" submit AuditedBuildWorkflow --address "$address" --queue "$queue" --id "$id" --input "@$input" --follow
code=$?
echo
trace=$(find "$dir/work" -name audit_trace.jsonl -newer "$before" 2> /dev/null | head -n 1)
rm -f "$before"
if [ -n "$trace" ]; then
  say "The audit trace: $trace"
  "$wfe" audit validate "$trace" || code=1
fi

# One build says little, so the bundled corpus of simulated builds is audited with it.
say "Auditing this build and a bundled corpus of simulated ones"
"$wfe" audit run --address "$address" --queue "$queue" --id "$id-audit" --traces "$dir/work" \
  --traces "$WFE_ROOT/workflows/optimization/corpus" --out "$dir/reports" || code=1
[ "$code" = 0 ] || say "The build did not pass (exit code $code); the logs are in $dir"

if [ "$keep" = 1 ]; then
  cat << TEXT

The server and the worker keep running; stop them with: kill \$(cat $dir/worker.pid $dir/server.pid)
Next:
  $wfe show $id --address $address            # the run: state, result
  $wfe history show $id --address $address    # every event that is stored
  $wfe list --address $address                # all runs
TEXT
else
  cat << TEXT

Next:
  $wfe audit tail ${trace:-$dir/work}
                  # what the agent did and what the checks found
  $wfe verify $id --data $dir/data
                  # the hash chain over the stored history, without a server
  tools/quickstart.sh --dir $dir --keep
                  # once more, and leave the server running
TEXT
fi
exit "$code"
