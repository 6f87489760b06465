#!/usr/bin/env bash
# An environment of Python with what examples/python needs.
set -euo pipefail
requirements=$(realpath "$(dirname "$0")/../../examples/python/requirements.txt")

folder="${XDG_CACHE_HOME:-$HOME/.cache}/core-api/python-examples"
version=$(sha256sum "$requirements" | cut -d ' ' -f 1)
[ "$(cat "$folder/version" 2>/dev/null || true)" = "$version" ] && "$folder/bin/python" -c '' && exit 0

rm -rf "$folder"
if ! python3 -m venv "$folder"; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends python3-venv
  python3 -m venv --clear "$folder"
fi
"$folder/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
# Last, so that an installation that was cut short is not taken for one.
echo "$version" >"$folder/version"
