#!/usr/bin/env bash
# `npm run services:install`: the servers that the tests of the production adapters talk to, on Debian, as
# root. May be run again. Each executable in test/services installs some of them.
set -euo pipefail
cd "$(dirname "$0")/.."
export DEBIAN_FRONTEND=noninteractive

for script in test/services/*.sh; do
  [ -x "$script" ] || continue
  echo "services: $script"
  "$script"
done
