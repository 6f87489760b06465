#!/bin/sh
# sh warm-up.sh <address> <command…>: starts a server, waits until it answers at the address however long that takes,
# and stops it in order. Fails when the server ends before, or with another code than 0.
set -eu
address=$1
shift
"$@" &
server=$!
until node -e "fetch('$address').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"; do
  kill -0 "$server" 2>/dev/null || { wait "$server" || exit 1; echo 'the server ended before it answered' >&2; exit 1; }
  sleep 0.2
done
kill -TERM "$server"
wait "$server"
