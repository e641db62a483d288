#!/usr/bin/env bash
# tools/setup against an imitated Debian: what is installed, what would be removed and who agrees.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
export FAKE=$work PATH=$work/bin:$PATH
passed=0
failed=0

cat > "$work/bin/dpkg-query" << 'FAKE'
#!/bin/sh
cat "$FAKE/installed"
FAKE
cat > "$work/bin/apt-get" << 'FAKE'
#!/bin/sh
echo "$*" >> "$FAKE/calls"
case "$*" in *--simulate*) cat "$FAKE/removals" ;; esac
FAKE
printf '#!/bin/sh\n[ "$1" = -E ] && shift\nexec "$@"\n' > "$work/bin/sudo"
chmod +x "$work"/bin/*

# install ANSWER: runs install_packages with what $work/installed and $work/removals say.
install() {
  : > "$work/calls"
  WFE_ASSUME_YES=$1 bash -c '
    . "$1/tools/setup/common.sh"
    . "$1/tools/setup/packages.sh"
    WFE_LOGS=$FAKE/logs
    install_packages build' install "$root" > "$work/output" 2>&1 < /dev/null
}

expect() {
  local title=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\n' "$title"
    sed 's/^/  calls:  /' "$work/calls"
    sed 's/^/  output: /' "$work/output"
  fi
}
called() { grep -q -- "$1" "$work/calls"; }
not_called() { ! called "$1"; }
says() { grep -q -- "$1" "$work/output"; }

everything=$(awk '/^\[/ { next } { sub(/#.*/, "") } NF { print "ii  " $1 }' "$root/tools/setup/packages.txt")

printf '%s\n' "$everything" > "$work/installed"
: > "$work/removals"
install 0
expect "succeeds when everything is installed" test $? = 0
expect "asks apt for nothing when everything is installed" test ! -s "$work/calls"

grep -v -e ' libre2-dev$' -e ' ninja-build$' <<< "$everything" > "$work/installed"
echo 'rc  ninja-build' >> "$work/installed"
install 0
expect "succeeds when packages are missing" test $? = 0
expect "installs what is missing, a removed package included, and removes nothing" \
  called 'install --no-remove --no-install-recommends ninja-build libre2-dev$'

grep -v ' libboost1.81-dev$' <<< "$everything" > "$work/installed"
printf 'Remv libboost-dev [1.74]\nRemv libboost1.74-dev [1.74]\n' > "$work/removals"
install 0
expect "fails when there is nobody to ask about Boost 1.74" test $? = 1
expect "says what would be removed" says 'Remove libboost-dev libboost1.74-dev?'
expect "says how to agree" says 'again with --yes'
expect "changes nothing without an answer" not_called '^-y.* install'
install 1
expect "--yes agrees to remove Boost 1.74" test $? = 0
expect "installs Boost 1.81 then" called '^-y.* install --no-install-recommends libboost1.81-dev$'

echo 'Remv precious-dev [1.0]' >> "$work/removals"
install 1
expect "--yes does not agree to remove anything else" test $? = 1
expect "names the other package" says 'precious-dev'
expect "changes nothing then" not_called '^-y.* install'

recent() {
  printf '#!/bin/sh\necho %s\n' "$1" > "$work/bin/some-node"
  chmod +x "$work/bin/some-node"
  bash -c '. "$1/tools/setup/common.sh"; . "$1/tools/setup/node.sh"; node_is_recent some-node' recent "$root"
}
for version in v20.19.0 v20.20.2 v22.13.0 v24.0.0 v26.1.0; do expect "accepts Node $version" recent "$version"; done
too_old() { ! recent "$1"; }
for version in v18.20.4 v20.18.9 v21.7.0 v22.12.0 v23.11.0 nonsense; do expect "refuses Node $version" too_old "$version"; done

expect "the README's tour finds the Node that set-up installs" grep -q "PATH=.*$(. "$root/tools/setup/common.sh"; . "$root/tools/setup/node.sh"
  echo "${WFE_NODE_DIR#"$WFE_ROOT/"}")/node_modules/node/bin:" "$root/README.md"

refuses() { bash "$root/tools/$1" "${@:2}" > "$work/output" 2>&1 < /dev/null; [ $? = 1 ] && says "$2"; }
expect "test.sh names an option it does not know" refuses test.sh --bogus
expect "quickstart.sh names an option it does not know" refuses quickstart.sh --bogus

for script in "$root"/tools/*.sh "$root"/tools/setup/*.sh "$root/.ci/run" "$root/tests/typescript/run.sh"; do
  expect "$script has no mistake of syntax" bash -n "$script"
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
