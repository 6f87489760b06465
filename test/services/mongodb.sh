#!/usr/bin/env bash
# A server that speaks MongoDB's protocol, for machines without a mongod (Debian has none): mongo-java-server,
# with a journal. What it is and is not: docs/testing.md.
set -euo pipefail
cd "$(dirname "$0")/mongodb"
command -v mongod >/dev/null && exit 0

folder="${XDG_CACHE_HOME:-$HOME/.cache}/core-api/mongodb-test-server"
version=$(cat pom.xml MongodbTestServer.java | sha256sum | cut -d ' ' -f 1)
[ "$(cat "$folder/version" 2>/dev/null || true)" = "$version" ] && command -v java >/dev/null && exit 0

if ! command -v mvn >/dev/null || ! command -v javac >/dev/null; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends maven default-jdk-headless
fi
rm -rf "$folder"
mkdir -p "$folder/classes"
mvn --quiet --batch-mode --file pom.xml dependency:copy-dependencies -DoutputDirectory="$folder/jars"
javac -nowarn -d "$folder/classes" -cp "$folder/jars/*" MongodbTestServer.java
# Last, so that an installation that was cut short is not taken for one.
echo "$version" >"$folder/version"
