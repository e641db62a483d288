#!/usr/bin/env bash
# The gate of public projects in small: projects of our own, one of each kind that needs no registry but for the lock file
# of the typescript profile.  What is demanded of them is the same (public_projects.sh).
#   miniature.sh WFE JSON_AT [NAME…]
set -u
wfe=$(realpath "$1")
json_at=$(realpath "$2")
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/gate.sh"
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(jest workspace node_test python cmake)
begin miniature
gate_stack
run_gate "$here/miniature" "${names[@]}"
[ "$passed" = ${#names[@]} ] || fail "not all of them"
