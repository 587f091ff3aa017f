#!/bin/sh
# One machine of the lab: role.sh lan | home | isp N | concentrator | server. Addresses are those of compose.yaml.
set -eu
PATH="$PATH:/usr/sbin:/sbin"
LAB=/usr/lib/wanbond-lab

# The device with an address that begins so. Docker numbers devices as it likes.
device_of() {
  ip -o -4 address show | awk -v prefix="$1." 'index($4, prefix) == 1 { print $2; exit }'
}

# Gives this machine its address in the lab's internet, and prints the device.
join_internet() {
  internet=$(device_of 198.19.0)
  ip address replace "198.19.1.$1/24" dev "$internet"
  echo "$internet"
}

# Key pair of this end in the volume that both ends share. Prints the public key of the other end once it is there.
exchange_keys() {
  umask 077
  [ -s "/keys/$1.key" ] || wanbond keygen >"/keys/$1.key"
  wanbond pubkey <"/keys/$1.key" >"/keys/$1.new"
  mv "/keys/$1.new" "/keys/$1.pub"
  while [ ! -s "/keys/$2.pub" ]; do sleep 0.2; done
  cat "/keys/$2.pub"
}

home() {
  for n in 1 2 3; do
    ip route replace default via "198.18.10$n.1" dev "$(device_of "198.18.10$n")" metric "10$n"
  done
  concentrator_key=$(exchange_keys client concentrator)
  cat >/etc/wanbond.toml <<TOML
[client]
privateKeyFile = "/keys/client.key"
defaultRoute = true
lan = ["198.18.50.0/24"]

[concentrator]
publicKey = "$concentrator_key"
endpoints = ["198.19.1.10:51900"]

$(for n in 1 2 3; do
    printf '[[uplink]]\nname = "isp%s"\ndevice = "%s"\ngateway = "198.18.10%s.1"\n\n' "$n" "$(device_of "198.18.10$n")" "$n"
  done)

[bonding]
defaultBondingPolicy = "$POLICY"
TOML
  exec wanbond client run --config /etc/wanbond.toml
}

concentrator() {
  join_internet 10 >/dev/null
  client_key=$(exchange_keys concentrator client)
  cat >/etc/wanbond.toml <<TOML
[concentrator]
listen = ["0.0.0.0:51900"]
privateKeyFile = "/keys/concentrator.key"
address = ["10.200.0.1/24"]
nat = true

[[client]]
name = "home"
publicKey = "$client_key"
address = ["10.200.0.2/32"]
routes = ["198.18.50.0/24"]
TOML
  exec wanbond concentrator run --config /etc/wanbond.toml
}

isp() {
  internet=$(join_internet "$1")
  nft -f - <<NFT
table ip lab
delete table ip lab
table ip lab {
  chain postrouting { type nat hook postrouting priority srcnat; oifname "$internet" masquerade random; }
}
NFT
  exec node "$LAB/line.mjs" run "$(device_of "198.18.10$1")" "$internet"
}

# Docker's way out of the lab is not the lab's.
while ip route del default 2>/dev/null; do :; done
case "$1" in
  lan)
    ip route add default via 198.18.50.1
    exec sleep infinity
    ;;
  server)
    join_internet 80 >/dev/null
    exec iperf3 --server
    ;;
  home) home ;;
  concentrator) concentrator ;;
  isp) isp "$2" ;;
  *)
    echo "role.sh: there is no machine \"$1\"" >&2
    exit 64
    ;;
esac
