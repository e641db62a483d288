# Finds a Node.js that is new enough, or installs one in the project's own folder.  Needs common.sh and packages.sh.
#
# Debian 12 ships Node 18; the TypeScript SDK and today's tools want 20.19, 22.13 or 24 and later.

WFE_NODE_VERSION=22.22.0
WFE_NODE_DIR=$WFE_ROOT/build/node

# node_is_recent PROGRAM
node_is_recent() {
  local version major minor
  version=$("$1" --version 2> /dev/null) || return 1
  version=${version#v}
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  case "$major$minor" in '' | *[!0-9]*) return 1 ;; esac
  [ "$major" -ge 24 ] || { [ "$major" = 22 ] && [ "$minor" -ge 13 ]; } || { [ "$major" = 20 ] && [ "$minor" -ge 19 ]; }
}

# ensure_node: afterwards `node` and `npm` are on the PATH.
ensure_node() {
  have npm || install_packages node
  have npm || die "npm is still not on the PATH after its package was installed."
  if have node && node_is_recent node; then
    say "Node $(node --version)"
    return 0
  fi
  local own=$WFE_NODE_DIR/node_modules/node/bin
  if ! node_is_recent "$own/node"; then
    mkdir -p "$WFE_NODE_DIR"
    # The package consists of an install script that fetches the program for this processor; newer versions of npm
    # run such a script only for the packages named here.
    cat > "$WFE_NODE_DIR/package.json" << JSON
{ "name": "wfe-node", "private": true, "dependencies": { "node": "$WFE_NODE_VERSION" }, "allowScripts": { "node": true } }
JSON
    run_step "Installing Node $WFE_NODE_VERSION in build/node (this machine has $(node --version 2> /dev/null || echo none))" node-install \
      env npm_config_ignore_scripts=false npm install --prefix "$WFE_NODE_DIR" --no-audit --no-fund --no-package-lock ||
      die "Node $WFE_NODE_VERSION could not be installed; a Node 20.19, 22.13 or 24 on the PATH would be used as it is."
    node_is_recent "$own/node" || die "the npm package node@$WFE_NODE_VERSION brought no working $own/node."
  fi
  export PATH="$own:$PATH"
  say "Node $(node --version) from build/node"
}
