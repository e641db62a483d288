# Sourced: published packages by name and version, through the ordinary clients of their registries.  What was fetched
# stays in $WFE_GATE_SOURCES (default: wfe-gate-sources in the temporary directory), so that a second run fetches nothing.
sources=${WFE_GATE_SOURCES:-${TMPDIR:-/tmp}/wfe-gate-sources}
mkdir -p "$sources"

# npm_source NAME VERSION: unpacks it into the current directory.
npm_source() {
  local file
  file=$sources/$(sed -e 's/^@//' -e 's#/#-#' <<< "$1")-$2.tgz
  [ -s "$file" ] || npm pack --silent --pack-destination "$sources" "$1@$2" > /dev/null || return 1
  tar xzf "$file" --strip-components=1
}
# npm_lock: a lock file for the package in the current directory.  npm before 11 stumbles over some ("Cannot read
# properties of null"); a newer one makes the lock then, and the machine's own installs from it.
npm_lock() {
  local options=(install --package-lock-only --ignore-scripts --no-audit --no-fund --loglevel error)
  npm "${options[@]}" || { rm -f package-lock.json && npm exec --yes npm@11.6.2 -- "${options[@]}"; }
}
# debian_source PACKAGE FILE SHA256: the upstream archive of a source package of Debian 12, from where the machine gets its
# packages, under a configuration of our own; nothing of the machine's is touched.
debian_source() {
  local file=$sources/$2 apt=$sources/apt mirror
  if ! [ -s "$file" ]; then
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    mirror=$(sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb (\[[^]]*\] )?([^ ]+) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2> /dev/null | head -n 1)
    echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm main" > "$apt/sources.list"
    printf 'Dir::Etc::sourcelist "%s";\nDir::Etc::sourceparts "-";\nDir::State::lists "%s";\nDir::Cache "%s";\n' \
      "$apt/sources.list" "$apt/lists" "$apt/cache" > "$apt/apt.conf"
    (
      export APT_CONFIG=$apt/apt.conf
      cd "$sources" && { ls "$apt/lists/"*Sources* || apt-get -qq update; } > "$apt/log" 2>&1 &&
        apt-get -qq source --download-only --tar-only "$1" >> "$apt/log" 2>&1
    ) || return 1
  fi
  sha256sum --quiet -c <<< "$3  $file" || return 1
  tar xf "$file" --strip-components=1
}
# pypi_source NAME VERSION
pypi_source() {
  local file=$sources/$1-$2.tar.gz
  [ -s "$file" ] || python3 -m pip download -q --disable-pip-version-check --no-deps --no-binary :all: -d "$sources" "$1==$2" || return 1
  tar xzf "$file" --strip-components=1
}
# go_source MODULE VERSION
go_source() {
  local at
  at=$(GOFLAGS=-modcacherw GOPATH=$sources/go go mod download -json "$1@$2" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  [ -n "$at" ] && cp -r "$at/." . && chmod -R u+w .
}
