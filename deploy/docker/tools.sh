#!/bin/sh
# Installs what is missing of a list of PROGRAM:PACKAGE (names of Debian packages), inside an image.
set -eu
PATH="$PATH:/usr/sbin:/sbin"
missing=
for pair in "$@"; do
  command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
done
[ -n "$missing" ] || exit 0
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing
rm -rf /var/lib/apt/lists/*
