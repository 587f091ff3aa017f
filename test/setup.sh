#!/usr/bin/env bash
# Makes a fresh clone ready for `npm run lab`, `npm test` and `npm run bench`: programs of the system, node modules,
# the addon, the bundle. Says nothing and takes half a second when all of it is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "setup: $*" >&2; }
fail() {
  say "$*"
  exit 69 # EX_UNAVAILABLE
}

# program:Debian package
NEEDED="g++:g++ make:make python3:python3 ip:iproute2 tc:iproute2 nft:nftables iperf3:iperf3 ping:iputils-ping
  ethtool:ethtool sysctl:procps"
# Debian keeps some of these where only root's PATH looks.
PATH="$PATH:/usr/sbin:/sbin"

install_programs() {
  local pair program packages=()
  for pair in $NEEDED; do
    program=${pair%%:*}
    command -v "$program" >/dev/null || packages+=("${pair##*:}")
  done
  ((${#packages[@]} > 0)) || return 0
  local install="apt-get install -y --no-install-recommends ${packages[*]}"
  command -v apt-get >/dev/null || fail "missing: ${packages[*]} (names of Debian packages). Install them and start again."
  [ "$(id -u)" = 0 ] || fail "missing programs. Run as root: $install"
  say "installing ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -yqq --no-install-recommends "${packages[@]}" >/dev/null 2>&1 && return 0
  quietly apt-get update
  quietly apt-get install -y --no-install-recommends "${packages[@]}"
}

# Shows what a command printed only when it fails.
quietly() {
  local output
  output=$("$@" 2>&1) || {
    echo "$output" >&2
    fail "this failed: $*"
  }
}

install_modules() {
  [ node_modules/.package-lock.json -nt package-lock.json ] && return 0
  say "installing node modules"
  # Not `npm ci`: it refuses a lock file that was written where the registry lacks packages of foreign platforms.
  quietly npm install --no-save --no-audit --no-fund
  touch node_modules/.package-lock.json
}

build_addon() {
  addon_is_current && return 0
  say "building the addon"
  quietly npm run --silent build:native
}

addon_is_current() {
  (cd packages/shared && node -e 'require("node-gyp-build")(process.cwd())') 2>/dev/null || return 1
  # Changed sources need a new build; a prebuilt binary without a build of our own does not.
  local built newer
  built=$(find packages/shared/build/Release -maxdepth 1 -name '*.node' -print -quit 2>/dev/null)
  [ -n "$built" ] || return 0
  newer=$(find packages/shared/native packages/shared/binding.gyp -newer "$built" -type f -print -quit)
  [ -z "$newer" ]
}

node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)' ||
  fail "node $(node --version) is too old: wanbond needs 20.19 or later."
install_programs
install_modules
build_addon
quietly npm run --silent build
