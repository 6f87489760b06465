#!/usr/bin/env bash
# What examples/esp32 is compiled with on a PC, in the place of an ESP32's toolchain: g++, and the libraries behind test/examples/esp32/host.
set -euo pipefail
packages=(g++ libcjson-dev libsodium-dev libmosquitto-dev libcurl4-openssl-dev)

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}"
