#!/bin/sh
# The lab in containers. It needs docker, and either compose v2 or docker-compose 1.29.
set -eu
cd "$(dirname "$0")"

usage() {
  cat <<'HELP'
Usage: deploy/docker/lab.sh COMMAND

A household with three internet lines, its providers, a concentrator and a server, as containers (compose.yaml).

  up               build the image and start everything; again: what has changed
  run [SECONDS]    one TCP download from the server to the LAN host through the bond, and pings: prints the bond's table
  cut LINK         a line goes dead without a word; LINK is 1, 2 or 3
  slow LINK [MS]   a line takes MS longer each way (default: 1000)
  restore [LINK]   what cut and slow have done is over; without LINK: on all lines
  status           the bond, its members, and the lines
  down             remove containers, networks and keys

Lines and policy are set by variables before `up`, for example
  POLICY=balance-rr ISP2_DOWN=50000 ISP2_UP=10000 ISP2_DELAY=15 ISP2_LOSS=1 deploy/docker/lab.sh up
compose.yaml names them all. BASE_IMAGE is the image to build on. DOCKER_HOST is respected.
HELP
}

fail() {
  echo "lab: $*" >&2
  exit 1
}

usage_error() {
  echo "lab: $*" >&2
  usage >&2
  exit 64
}

compose() {
  if docker compose version >/dev/null 2>&1; then
    docker compose --project-name wanbond-lab "$@"
  elif command -v docker-compose >/dev/null; then
    docker-compose --project-name wanbond-lab "$@"
  else
    fail "neither \`docker compose\` nor docker-compose is installed (Debian: apt install docker-compose)."
  fi
}

# Runs a command in a machine of the lab.
in_machine() {
  machine=$1
  shift
  compose exec -T "$machine" "$@" </dev/null
}

line() {
  in_machine "isp$1" node /usr/lib/wanbond-lab/line.mjs "$2" "${3:-}"
}

# 1, 2 or 3 of 1, 2, 3, isp1, isp2, isp3.
link_number() {
  number=${1#isp}
  case "$number" in
    [123]) echo "$number" ;;
    "") usage_error "which LINK? 1, 2 or 3." ;;
    *) usage_error "there is no LINK \"$1\": 1, 2 or 3." ;;
  esac
}

require_up() {
  in_machine home wanbond status --json >/dev/null 2>&1 || fail "the lab is not up. Start it: deploy/docker/lab.sh up"
}

up() {
  compose build lan
  compose up --detach --no-build --remove-orphans
  tries=0
  until in_machine lan ping -n -q -c 1 -W 1 198.19.1.80 >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -ge 60 ]; then
      compose logs --tail 20 >&2
      fail "the LAN host does not reach the server through the bond."
    fi
    sleep 0.5
  done
  echo "The lab is up: the LAN host reaches the server through the bond."
}

# Round trips of pings as a JSON array, in milliseconds.
pings() {
  printf '[%s]' "$(in_machine lan ping -n -i 0.2 -c "$1" -W 2 198.19.1.80 | sed -n 's/.* time=\([0-9.]*\) ms/\1/p' | paste -sd,)"
}

run() {
  seconds=${1:-10}
  case "$seconds" in '' | *[!0-9]* | 0) usage_error "SECONDS is a whole number, not \"$seconds\"." ;; esac
  require_up
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  pings 20 >"$folder/idle"
  in_machine home wanbond status --json >"$folder/before"
  pings $((5 * seconds)) >"$folder/loaded" &
  in_machine lan iperf3 --client 198.19.1.80 --reverse --time "$seconds" --json --connect-timeout 10000 >"$folder/tcp" || true
  wait
  in_machine home wanbond status --json >"$folder/after"
  for n in 1 2 3; do line "$n" show; done | paste -sd, >"$folder/lines"
  printf '{"seconds":%s,"before":%s,"after":%s,"tcp":%s,"idleMs":%s,"loadedMs":%s,"lines":[%s]}' "$seconds" \
    "$(cat "$folder/before")" "$(cat "$folder/after")" "$(cat "$folder/tcp")" "$(cat "$folder/idle")" \
    "$(cat "$folder/loaded")" "$(cat "$folder/lines")" |
    compose exec -T lan node /usr/lib/wanbond-lab/table.mjs
}

cut() {
  number=$(link_number "$1")
  require_up
  line "$number" set '{"cut":true}' >/dev/null
  echo "Line $number is dead."
}

slow() {
  number=$(link_number "$1")
  delay=${2:-1000}
  case "$delay" in '' | *[!0-9]*) usage_error "MS is a whole number, not \"$delay\"." ;; esac
  require_up
  line "$number" set "{\"extraDelayMs\":$delay}" >/dev/null
  echo "Line $number takes $delay ms longer each way."
}

restore() {
  numbers="1 2 3"
  [ -z "$1" ] || numbers=$(link_number "$1")
  require_up
  for number in $numbers; do
    line "$number" set '{"cut":false,"extraDelayMs":0}' >/dev/null
    echo "Line $number is as it was."
  done
}

status() {
  require_up
  in_machine home wanbond status
  for number in 1 2 3; do
    printf 'line %s: ' "$number"
    line "$number" show
  done
}

case "${1:-}" in
  up) up ;;
  run) run "${2:-10}" ;;
  cut) cut "${2:-}" ;;
  slow) slow "${2:-}" "${3:-1000}" ;;
  restore) restore "${2:-}" ;;
  status) status ;;
  down) compose down --volumes --remove-orphans ;;
  help | -h | --help) usage ;;
  "") usage_error "which COMMAND?" ;;
  *) usage_error "there is no COMMAND \"$1\"." ;;
esac
