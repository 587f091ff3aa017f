#!/bin/sh
# Lays the programs out below a folder, inside the image's build stage: build.sh PROGRAMS FOLDER
# PROGRAMS: where they lie ready, below the build context; empty: they are built.
set -eu
cd "$(dirname "$0")/../.."

if [ -n "$1" ]; then
  cp -a "$1/." "$2/"
  exit
fi
sh deploy/docker/tools.sh g++:g++
npm install --ignore-scripts --no-audit --no-fund --loglevel=error
npx tsx deploy/docker/programs.ts "$2"
