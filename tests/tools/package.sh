#!/usr/bin/env bash
# The Debian package: what is in it, and that the program in it runs a build from where it is unpacked.
#   package.sh SOURCE_DIR BUILD_DIR [ROOT]
# With the folder of a minimal Debian 12 it is installed there, builds something, and is removed (as root).
set -u
source=$1 build=$2 fresh=${3:-}
wfe=
. "$source/tests/tools/quick_build.sh"
begin package

# in_fresh_root: installs, builds, removes; apt fetches what the package needs.
in_fresh_root() {
  inside() { chroot "$fresh" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }
  cp "$deb" "$fresh/root/wfe.deb"
  run inside apt-get update
  run inside apt-get install -y --no-install-recommends /root/wfe.deb
  same "whose the store's folder is" wfe "$(inside stat -c %U /var/lib/wfe)"
  cp -r profiles cassettes "$fresh/var/lib/wfe/"
  printf '[agent]\ncassette_dir = "/var/lib/wfe/cassettes"\n[build]\nprofiles = "/var/lib/wfe/profiles"\nsandbox = "off"\n' > "$fresh/var/lib/wfe/test.toml"
  inside chown -R wfe /var/lib/wfe
  run inside runuser -u wfe -- env -C /var/lib/wfe XDG_STATE_HOME=/var/lib/wfe wfe submit AuditedBuildWorkflow --local --output json \
    --config /var/lib/wfe/test.toml --input "$(quick_input careful)"
  [[ $output == *'"passed"'* ]] || fail "the installed program does not build: $output"
  run inside apt-get remove -y wfe
  [ ! -e "$fresh/usr/bin/wfe" ] || fail "the program is still there"
  [ -e "$fresh/etc/wfe/wfe.toml" ] || fail "a removal took the configuration"
  run inside apt-get purge -y wfe
  [ ! -e "$fresh/etc/wfe/wfe.toml" ] || fail "a purge left the configuration"
  [ -d "$fresh/var/lib/wfe" ] || fail "a purge took the histories"
}

run cpack --config "$build/CPackConfig.cmake" -B "$work/packages" -D CPACK_COMPONENTS_ALL="program;system"
deb=$(ls packages/wfe_*.deb) || fail "no package was made"
dpkg-deb -c "$deb" | awk '{ print $6 }' > contents.txt
for file in usr/bin/wfe usr/share/man/man1/wfe.1.gz usr/share/bash-completion/completions/wfe \
  usr/share/zsh/vendor-completions/_wfe etc/wfe/wfe.toml \
  lib/systemd/system/wfe-server.service lib/systemd/system/wfe-worker.service usr/share/doc/wfe/changelog.md; do
  grep -qxF "./$file" contents.txt || fail "the package has no $file"
done
if grep -vE '^\./(usr|etc|lib)(/|$)|^\./$' contents.txt; then fail "the package puts files elsewhere"; fi
dpkg-deb -f "$deb" Depends > depends.txt
for library in libgrpc++1.51 libprotobuf32 libzstd1 adduser; do says "what the package needs" "$library" depends.txt; done
same "its configuration file" /etc/wfe/wfe.toml "$(dpkg-deb -I "$deb" conffiles)"
for script in postinst prerm postrm; do dpkg-deb -I "$deb" "$script" | sh -n || fail "$script is no shell script"; done

dpkg-deb -x "$deb" root
[ "$(stat -c %s root/usr/bin/wfe)" -lt $((40 * 1024 * 1024)) ] || fail "the shipped program has 40 MB or more"
if readelf -S root/usr/bin/wfe | grep -q '\.debug_info'; then fail "the shipped program carries debug information"; fi
zcat root/usr/share/man/man1/wfe.1.gz > wfe.1
for text in '.SH EXIT STATUS' '.SS wfe build resume' '\-\-accept\-data\-loss' '.B 74'; do says "the manual page" "$text" wfe.1; done
run root/usr/bin/wfe config show --config root/etc/wfe/wfe.toml
# It finds its templates where it was unpacked.
mkdir state
export XDG_STATE_HOME=$work/state
quick_builds
expect 0 '"passed"' root/usr/bin/wfe submit AuditedBuildWorkflow --local --output json --input "$(quick_input careful)"
[ -z "$fresh" ] || in_fresh_root
report
