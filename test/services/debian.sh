#!/usr/bin/env bash
# MariaDB, Redis, Mosquitto, Chromium, a C compiler (for faulty disks), curl and jq (for examples/shell and the documents) and SWUpdate from Debian. The tests start servers of their own: no service runs afterwards.
set -euo pipefail
packages=(mariadb-server redis-server mosquitto mosquitto-clients chromium gcc libc6-dev curl jq openssl swupdate)

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

# A package starts its service when it is installed, unless this program says no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}"

# On a machine with systemd: not at the next boot either. What was there before stays as it was.
if command -v systemctl >/dev/null; then
  for package in "${missing[@]}"; do
    case "$package" in
      mariadb-server) systemctl disable --quiet mariadb || true ;;
      redis-server) systemctl disable --quiet redis-server || true ;;
      mosquitto) systemctl disable --quiet mosquitto || true ;;
    esac
  done
fi
