# Installs Debian packages, only those that are missing.  Needs common.sh.

# packages_of GROUP…: the names in these groups of packages.txt.
packages_of() {
  local group
  for group in "$@"; do
    awk -v want="[$group]" '
      /^\[/ { inside = ($1 == want); next }
      { sub(/#.*/, "") }
      inside && NF { print $1 }' "$WFE_ROOT/tools/setup/packages.txt"
  done
}

# missing_of NAME…: those of them that are not installed.
missing_of() {
  local installed name
  installed=$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' "$@" 2> /dev/null | awk '$1 == "ii" { print $2 }')
  for name in "$@"; do
    grep -qxF -- "$name" <<< "$installed" || printf '%s\n' "$name"
  done
}

# removals_of NAME…: what apt would remove to install these.
removals_of() { apt-get install --simulate --no-install-recommends "$@" 2> /dev/null | awk '$1 == "Remv" { print $2 }'; }

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=600 -o APT::Color=0 "$@"
}

# install_packages GROUP…: does nothing, quickly, when all of them are there.
install_packages() {
  have dpkg-query || die "wfe is built on Debian 12 and this machine has no dpkg-query; docs/dependencies.md names what it needs."
  local missing removals foreign
  mapfile -t missing < <(missing_of $(packages_of "$@"))
  if [ "${#missing[@]}" = 0 ]; then
    say "All Debian packages are installed"
    return 0
  fi
  [ "$(id -u)" = 0 ] || have sudo ||
    die "these Debian packages are missing, and installing them needs root or sudo: ${missing[*]}"
  # A list that could not be refreshed may still be good enough; the installation then says what is not.
  run_step "Refreshing the list of Debian packages" apt-update apt update || say "  going on with the list this machine has"

  mapfile -t removals < <(removals_of "${missing[@]}")
  if [ "${#removals[@]}" = 0 ]; then
    run_step "Installing ${#missing[@]} Debian packages: ${missing[*]}" apt-install \
      apt install --no-remove --no-install-recommends "${missing[@]}" || exit 1
    return 0
  fi
  foreign=$(printf '%s\n' "${removals[@]}" | grep -v '^libboost' || true)
  say "Installing ${missing[*]} would remove these packages, whose files are in the way: ${removals[*]}"
  if [ -n "$foreign" ]; then
    # Agreeing in advance covers the headers of the other Boost and nothing else.
    WFE_ASSUME_YES=0 confirm "That is more than Boost's headers (${foreign//$'\n'/ }). Remove all of them?"
  else
    confirm "wfe needs the headers of Boost 1.81, and they cannot be installed beside 1.74's. Remove ${removals[*]}?"
  fi
  run_step "Installing ${#missing[@]} Debian packages: ${missing[*]}" apt-install \
    apt install --no-install-recommends "${missing[@]}" || exit 1
}
