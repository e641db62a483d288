#!/usr/bin/env bash
# What a worker of this program lets in: directories it may touch, configuration files it trusts, its socket, and JSON that
# would end a process.  (SEC-C3, SEC-M10, SEC-M11, SEC-H6)
#   worker_doors.sh WFE JSON_AT
set -u
wfe=$1
json_at=$2
. "$(dirname "$0")/quick_build.sh"
begin doors
quick_builds

# A socket in the file system: nobody else can reach it.
listen=unix:$work/wfe.sock
"$wfe" server --data store --listen "$listen" > store.log 2>&1 &
pids+=($!)
until grep -q listens store.log; do sleep 0.05; done
says "the address" "listens on $listen," store.log
same "mode of the socket" 700 "$(stat -c %a wfe.sock)"
export TEMPORAL_ADDRESS=$listen
expect 0 SERVING "$wfe" health
expect 14 "a server has it" "$wfe" server --data other --listen "$listen"
expect 0 SERVING "$wfe" health --address "$listen"

# A directory that nobody allowed is refused, with the line to add, and stays as it is; with that line it is used.
mkdir project refused
"$wfe" worker --queue wfe --work-root "$work/root" --allow "$work/project" > worker.log 2>&1 &
pids+=($!)
[ "$(id -u)" != 0 ] || until grep -q "this worker runs as root" worker.log; do sleep 0.05; done
input() { quick_input careful | sed "s|^{|{\"working_dir\":\"$1\",|"; }
expect 1 "allow it with \`wfe worker --allow $work/refused\`" "$wfe" submit AuditedBuildWorkflow --wait --input "$(input "$work/refused")"
same "what is in the refused directory" "" "$(ls -A refused)"
ln -s "$work/refused" project/link
expect 1 "(which is $work/refused)" "$wfe" submit AuditedBuildWorkflow --wait --input "$(input "$work/project/link")"
rm project/link
expect 0 passed "$wfe" submit AuditedBuildWorkflow --wait --input "$(input "$work/project")"

# An input that is no JSON, or nested deeper than any use, fails its run with a sentence; as a signal it is ignored.
deep=$(head -c 100000 /dev/zero | tr '\0' '[')$(head -c 100000 /dev/zero | tr '\0' ']')
echo "$deep" > deep.json
expect 2 "the input from deep.json is nested too deeply (more than 200 levels)" "$wfe" submit AuditedBuildWorkflow --input @deep.json

# A build here and now may use the directory that its input names, and no other.
mkdir local
expect 0 passed "$wfe" submit AuditedBuildWorkflow --local --input "$(input "$work/local")"

# The current directory's wfe.toml is read where it can be meant, and not where a build's agent may have written it.
unset WFE_CONFIG
mkdir -p inside/.wfe
cp wfe.toml inside/wfe.toml
(cd inside && expect 0 "ok" "$wfe" config check; exit $failures) || failures=$((failures + 1))
echo '{"claim_id":"r"}' > inside/.wfe/claim.json
(cd inside && expect 2 "lies in the directory of a build" "$wfe" config check; exit $failures) || failures=$((failures + 1))
(cd inside && expect 0 "ok" "$wfe" config check --config wfe.toml; exit $failures) || failures=$((failures + 1))
if [ "$(id -u)" = 0 ]; then
  mkdir theirs
  cp wfe.toml theirs
  chown 65534 theirs/wfe.toml
  (cd theirs && expect 2 "belongs to user 65534, not to you, and is not read" "$wfe" config check; exit $failures) || failures=$((failures + 1))
fi
export WFE_CONFIG=$work/wfe.toml

# A home that may not be read is said, not died of.
if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null; then
  mkdir -p home/.config
  chmod 700 home home/.config
  chmod 711 "$work"
  cp "$wfe" "$work/wfe" && chmod 755 "$work/wfe" && chmod 644 "$work/wfe.toml"
  expect 2 "let HOME or TEMPORAL_CONFIG_FILE name a place that you may read" \
    env HOME="$work/home" setpriv --reuid 65534 --regid 65534 --clear-groups "$work/wfe" config check
fi

report
