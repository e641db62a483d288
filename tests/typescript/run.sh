#!/usr/bin/env bash
# Runs the TypeScript SDK's tests against a server of their own.  ctest calls it; by hand:
#   tests/typescript/run.sh BUILD-DIRECTORY [TEST-FILE-PREFIX…]      (for example: build/release basics messages)
# With WFE_ADDRESS=HOST:PORT the server that is there is tested instead, in its namespace WFE_NAMESPACE (default): a real Temporal
# server must pass children, family and external too.  The namespace must be empty, since all its histories are replayed.
set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
[ $# -ge 1 ] || { echo "Usage: $0 BUILD-DIRECTORY [TEST-FILE-PREFIX…]" >&2; exit 2; }
build=$(cd "$1" && pwd) || exit 2
shift
wfe=$build/bin/wfe
[ -x "$wfe" ] || { echo "$wfe is not built, and without it there is nothing to test" >&2; exit 1; }
for program in node npm; do
  command -v "$program" > /dev/null || { echo "$program is not on the PATH; tools/test.sh installs it" >&2; exit 1; }
done

work=$(mktemp -d "${TMPDIR:-/tmp}/wfe-typescript.XXXXXX")
server=
finish() {
  trap - EXIT INT TERM
  if [ -n "$server" ]; then
    kill "$server" 2> /dev/null
    wait "$server" 2> /dev/null
  fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# The SDK is installed once for each lock file, whatever the number of build directories.
lock=$(sha256sum "$here/package-lock.json" | cut -c 1-16)
packages=${WFE_DEPS_DIR:-$root/build/deps}/typescript-tests/$lock
mkdir -p "$packages"
(
  flock 9
  if [ ! -e "$packages/complete" ]; then
    echo "Installing the TypeScript SDK"
    cp "$here/package.json" "$here/package-lock.json" "$packages/"
    npm ci --ignore-scripts --no-audit --no-fund --prefix "$packages" && touch "$packages/complete"
  fi
) 9> "$packages/.lock" || { echo "npm could not install the TypeScript SDK" >&2; exit 1; }
[ -e "$packages/complete" ] || { echo "npm could not install the TypeScript SDK" >&2; exit 1; }

cp -r "$here/src" "$here/package.json" "$here/tsconfig.json" "$work/"
ln -s "$packages/node_modules" "$work/node_modules"
cd "$work" || exit 1
echo "Compiling the tests and bundling the workflows"
node node_modules/typescript/bin/tsc || exit 1
node lib/bundle.js "$work/bundle.js" > "$work/bundle.log" 2>&1 || { cat "$work/bundle.log" >&2; exit 1; }

export WFE_BUNDLE=$work/bundle.js
fail() {
  printf '\n%s\n' "$1" >&2
  [ ! -e "$work/server.log" ] || { echo 'The end of the log of the server:'; tail -n 50 "$work/server.log"; } >&2
  exit 1
}
if [ -z "${WFE_ADDRESS:-}" ]; then
  port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
  export WFE_ADDRESS=127.0.0.1:$port
  mkdir -m 700 "$work/data"
  "$wfe" server --data "$work/data" --listen "$WFE_ADDRESS" > "$work/server.log" 2>&1 &
  server=$!
  for _ in $(seq 150); do
    "$wfe" health --address "$WFE_ADDRESS" > /dev/null 2>&1 && healthy=1 && break
    kill -0 "$server" 2> /dev/null || fail "The server ended before it was ready."
    sleep 0.2
  done
  [ "${healthy:-0}" = 1 ] || fail "The server did not become healthy within 30 seconds."
fi

files=()
for prefix in "${@:-}"; do
  files+=(lib/"$prefix"*.test.js)
done
echo "Running the tests against $WFE_ADDRESS"
node --enable-source-maps --test --test-concurrency=2 --test-timeout=240000 "${files[@]}"
tests=$?
[ -z "$server" ] || kill -0 "$server" 2> /dev/null || fail "The server ended during the tests."

echo "Replaying every history with the SDK's replayer"
[ $# -gt 0 ] || export WFE_FEWEST_HISTORIES=200
node --enable-source-maps --test --test-timeout=240000 lib/replay_oracle.js
oracle=$?

if [ -n "$server" ]; then
  kill "$server"
  wait "$server"
  stopped=$?
  server=
  [ "$stopped" = 0 ] || fail "The server ended with exit code $stopped when it was asked to stop."
fi
[ "$tests" = 0 ] && [ "$oracle" = 0 ] || fail "Tests: exit code $tests.  Replay of all histories: exit code $oracle."
echo "The TypeScript SDK is content"
