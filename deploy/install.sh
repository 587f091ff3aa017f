#!/bin/sh
# Installs wanbond on this machine and, when told a role, sets it up as a service. Says what it changes before it does.
# May be started any number of times: what is so already is left alone.
set -eu

usage() {
  cat <<'TEXT'
sh install.sh                        install the program only
sh install.sh --concentrator         … and make a concentrator's configuration and service: the VPS
sh install.sh --client --join CODE   … and join with a line from `wanbond concentrator invite NAME`: the home router
sh install.sh --client               … with an /etc/wanbond/client.toml that is there already
sh install.sh --remove [--purge]     undo all of it; --purge takes configuration and keys too

  --from DIR|URL   where the packages are: a folder, the address of one, or of a package; without it: beside this script,
                   or built from the checkout that it lies in
  --init OPTIONS   for `wanbond concentrator init`, such as --init '--endpoint vpn.example.org'
  --dry-run        only print what would be done
TEXT
}

say() { printf '%s\n' "wanbond: $*"; }
fail() {
  say "$2" >&2
  exit "$1"
}
# Prints a command, then runs it.
change() {
  say "\$ $*"
  [ "$dry" = yes ] || "$@"
}
# The same for one that talks a lot: it is heard only when it fails.
quietly() {
  say "\$ $*"
  [ "$dry" = no ] || return 0
  log=$(mktemp)
  "$@" >"$log" 2>&1 || {
    cat "$log" >&2
    rm -f "$log"
    fail 71 "this failed: $*"
  }
  rm -f "$log"
}

# ---- what is asked for

role='' join='' from='' init='' dry=no remove=no purge=no
while [ $# -gt 0 ]; do
  case $1 in
    --concentrator | --client)
      [ -z "$role" ] || [ "$role" = "${1#--}" ] || fail 64 "a machine is a client or a concentrator: one of the two"
      role=${1#--}
      ;;
    --join | --from | --init)
      [ $# -gt 1 ] || fail 64 "$1 needs a value; see --help"
      eval "${1#--}=\$2"
      shift
      ;;
    --dry-run) dry=yes ;;
    --remove) remove=yes ;;
    --purge) purge=yes ;;
    --help | -h) usage && exit 0 ;;
    *) fail 64 "$1 is not known; see --help" ;;
  esac
  shift
done
[ -z "$join" ] || [ "$role" = client ] || fail 64 "--join is for --client"
[ -z "$init" ] || [ "$role" = concentrator ] || fail 64 "--init is for --concentrator"
[ "$purge" = no ] || [ "$remove" = yes ] || fail 64 "--purge is for --remove"
[ "$dry" = yes ] || [ "$(id -u)" = 0 ] || fail 77 "this changes the system: run it as root (sudo sh $0)"

here=$(cd "$(dirname "$0")" && pwd)
work=''
trap '[ -z "$work" ] || rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
export DEBIAN_FRONTEND=noninteractive

# ---- removing

is_package() { dpkg-query -W -f '${db:Status-Status}' wanbond 2>/dev/null | grep -q '^installed$'; }
has_leftovers() { dpkg-query -W -f '${db:Status-Status}' wanbond 2>/dev/null | grep -q '^config-files$'; }

remove_all() {
  found=no
  if command -v wanbond >/dev/null && [ -d /run/systemd/system ]; then change wanbond service remove; fi
  if command -v dpkg-query >/dev/null && { is_package || { [ "$purge" = yes ] && has_leftovers; }; }; then
    found=yes
    if [ "$purge" = yes ]; then quietly apt-get purge -y wanbond; else quietly apt-get remove -y wanbond; fi
    say "nodejs, nftables and iproute2 stay; apt autoremove removes those that nothing else needs"
  fi
  if [ -d /opt/wanbond ]; then
    found=yes
    [ ! -L /usr/local/bin/wanbond ] || change rm -f /usr/local/bin/wanbond
    change rm -rf /opt/wanbond
  fi
  if [ "$purge" = yes ]; then
    for folder in /etc/wanbond /var/lib/wanbond /run/wanbond; do
      [ ! -e "$folder" ] || change rm -rf "$folder"
    done
  elif [ -d /etc/wanbond ]; then
    say "/etc/wanbond stays, with configuration and keys; --purge removes it"
  fi
  [ "$found" = yes ] || say "wanbond is not installed"
}

# ---- which package

architecture() {
  if command -v dpkg >/dev/null; then dpkg --print-architecture && return; fi
  case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    armv7l) echo armhf ;;
    *) uname -m ;;
  esac
}

# Version of the nodejs that is installed or that apt would install; empty when it knows none.
nodejs_version() {
  dpkg-query -W -f '${db:Status-Status} ${Version}\n' nodejs 2>/dev/null | sed -n 's/^installed //p' | grep . && return
  LC_ALL=C apt-cache policy nodejs 2>/dev/null | sed -n 's/^ *Candidate: //p' | grep -v '(none)' || true
}

choose_kind() {
  kind=tar
  command -v apt-get >/dev/null || return 0
  version=$(nodejs_version)
  if [ -z "$version" ]; then
    quietly apt-get -q update
    version=$(nodejs_version)
  fi
  if [ -n "$version" ] && dpkg --compare-versions "$version" ge 20.19~; then kind=deb; fi
  [ "$kind" = deb ] || say "Debian offers ${version:+nodejs $version and }no nodejs from 20.19 on, so wanbond comes with its own"
}

pattern() {
  if [ "$kind" = deb ]; then echo "wanbond_*_$arch.deb"; else echo "wanbond-*-linux-$arch.tar.gz"; fi
}

# The newest package of our kind in a folder, or nothing.
newest() {
  # shellcheck disable=SC2012,SC2046 # our own names: no blanks in them
  ls -t $(find "$1" -maxdepth 1 -name "$(pattern)" 2>/dev/null) /dev/null | grep -m1 -v '^/dev/null$' || true
}

find_package() {
  case $from in
    http://* | https://*) download ;;
    '') package=$(newest "$here") ;;
    *)
      [ -d "$from" ] || fail 66 "there is no folder $from"
      package=$(newest "$(cd "$from" && pwd)")
      ;;
  esac
  if [ -z "$package" ] && [ -z "$from" ] && [ -f "$here/package/main.ts" ]; then build; fi
  [ -n "$package" ] || fail 66 "there is no $(pattern) in ${from:-$here}; --from names another place"
  case $from in http*) ;; *) verify "$(dirname "$package")/SHA256SUMS" ;; esac
}

# Of a checkout. A dry run stops here: it cannot know what would come of it.
build() {
  command -v npm >/dev/null || fail 69 "to build wanbond here, npm and node 20.19 are needed; or --from names a package"
  checkout=$(cd "$here/.." && pwd)
  quietly npm --prefix "$checkout" run --silent package -- --format "$kind"
  package=$(newest "$checkout/dist-packages")
  [ "$dry" = no ] || package=$checkout/dist-packages/$(pattern)
}

download() {
  work=$(mktemp -d)
  case $from in
    *.deb | *.tar.gz)
      package=$work/${from##*/}
      case $from in *.deb) kind=deb ;; *) kind=tar ;; esac
      ;;
    *)
      fetch "${from%/}/SHA256SUMS" "$work/SHA256SUMS"
      name=$(sed 's/.*[ *]//' "$work/SHA256SUMS" | sort -V | while read -r each; do
        # shellcheck disable=SC2254 # a pattern is meant
        case $each in $(pattern)) echo "$each" ;; esac
      done | tail -n1)
      [ -n "$name" ] || fail 66 "$from has no $(pattern)"
      from=${from%/}/$name package=$work/$name
      ;;
  esac
  say "fetching $from"
  fetch "$from" "$package"
  verify "$work/SHA256SUMS"
}

# A bare Debian has neither curl nor wget, but apt has a helper.
fetch() {
  if command -v curl >/dev/null; then curl -fsSL -o "$2" "$1"
  elif command -v wget >/dev/null; then wget -qO "$2" "$1"
  else /usr/lib/apt/apt-helper -q download-file "$1" "$2" >/dev/null; fi || fail 69 "$1 cannot be fetched"
}

# Against a list of checksums, where there is one.
verify() {
  [ -f "$1" ] && [ -f "$package" ] || return 0
  wanted=$(sed -n "s/[ *]*${package##*/}\$//p" "$1")
  [ -z "$wanted" ] || [ "$(sha256sum <"$package" | cut -d' ' -f1)" = "$wanted" ] ||
    fail 65 "$package is damaged: its checksum is not that of $1"
}

# ---- installing

install_deb() {
  wanted=$(dpkg-deb -f "$package" Version 2>/dev/null || true)
  if is_package && [ "$(dpkg-query -W -f '${Version}' wanbond)" = "$wanted" ]; then
    say "version $wanted is installed already"
    return 0
  fi
  [ "$dry" = yes ] || LC_ALL=C apt-cache policy nftables | grep -q 'Candidate: [0-9]' || quietly apt-get -q update
  quietly apt-get install -y --no-install-recommends "$package"
}

install_tar() {
  for program in ip nft; do
    command -v $program >/dev/null || [ -x /usr/sbin/$program ] || missing=${missing:-}" $program"
  done
  if [ -n "${missing:-}" ]; then
    command -v apt-get >/dev/null || fail 69 "these programs are missing:$missing. Install iproute2 and nftables."
    quietly apt-get install -y --no-install-recommends iproute2 nftables
  fi
  wanted=$(basename "$package" | sed 's/^wanbond-\(.*\)-linux-.*/\1/')
  if [ -x /opt/wanbond/bin/wanbond ] && [ "$(/opt/wanbond/bin/wanbond --version)" = "$wanted" ]; then
    say "version $wanted is installed already"
    return 0
  fi
  change mkdir -p /opt/wanbond.new
  change tar -xzf "$package" -C /opt/wanbond.new --strip-components=1 --no-same-owner
  change rm -rf /opt/wanbond
  change mv /opt/wanbond.new /opt/wanbond
  change ln -sfn /opt/wanbond/bin/wanbond /usr/local/bin/wanbond
  [ -d /run/systemd/system ] || return 0
  # Sessions go on with the new version.
  for unit in wanbond-concentrator wanbond-client; do
    if systemctl --quiet is-active "$unit"; then change systemctl restart "$unit"; fi
  done
}

set_up() {
  file=/etc/wanbond/$role.toml
  if [ -f "$file" ]; then
    say "$file is there already and stays as it is"
  elif [ "$role" = concentrator ]; then
    # shellcheck disable=SC2086 # several options in one word
    change wanbond concentrator init $init
  elif [ -n "$join" ]; then
    change wanbond client join "$join"
  else
    fail 78 "there is no $file: --join 'wb1:…' makes it, with a line from \`wanbond concentrator invite NAME\`"
  fi
  if [ -d /run/systemd/system ]; then
    change wanbond service install "$role"
  else
    say "systemd does not run here: start it yourself with: wanbond $role run --config $file"
  fi
}

if [ "$remove" = yes ]; then
  remove_all
  exit 0
fi
arch=$(architecture)
choose_kind
find_package
if [ "$kind" = deb ]; then install_deb; else install_tar; fi
[ -z "$role" ] || set_up
say "done"
