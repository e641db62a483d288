#!/usr/bin/env bash
# The gate: eight published packages get a small change each, by a canned agent and real checks, from the outside as a
# person would do it.  For each: the build passes; the checkout stays as it was until its result is taken, and then
# `git status` shows the agent's files and nothing else; the project's own tests still work; the trace is valid and agrees
# with its history; a second build of the same installs nothing again.  At least all but one must pass.
#   public_projects.sh WFE JSON_AT [NAME…]
# Needs the registries of npm, PyPI, Go and Debian, and the Debian packages git, nodejs, npm, python3-venv and python3-pip,
# beside those of C++; Go 1.20 or newer (Debian 12 has it in bookworm-backports; with its own 1.19 the build of the Go
# project says so and fails).
set -u
wfe=$(realpath "$1")
json_at=$(realpath "$2")
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/gate.sh"
. "$here/sources.sh"
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(jest vitest workspace pnpm pytest cmake go node_test)
begin gate
gate_stack
run_gate "$here/projects" "${names[@]}"
[ "$passed" -ge $((${#names[@]} > 1 ? ${#names[@]} - 1 : 1)) ] || fail "too few of them"
