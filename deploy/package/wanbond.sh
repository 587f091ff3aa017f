#!/bin/sh
# The command of a self-contained wanbond: runs it with the node that lies beside it.
folder=$(dirname "$(readlink -f "$0")")/../lib
exec "$folder/node" "$folder/wanbond.js" "$@"
