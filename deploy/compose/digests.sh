#!/bin/sh
# Prints every image of the compose files with the digest that its tag has today, as variables for .env; from then on
# Compose runs exactly these:  sh deploy/compose/digests.sh >> .env
# Needs Docker and the registry. The image of Node is pinned at the build: --build-arg NODE_IMAGE=…
set -eu
cd "$(dirname "$0")/../.."
{
  sed -n 's/.*image: *\${\([A-Z]*_IMAGE\):-\([^}]*\)}.*/\1 \2/p' docker-compose.yml docker-compose.prod.yml
  sed -n 's/^ARG \(NODE_IMAGE\)=\(.*\)/\1 \2/p' deploy/Dockerfile
} | grep -v '^CORE_API_IMAGE ' | while read -r name image; do
  printf '%s=%s@%s\n' "$name" "$image" "$(docker buildx imagetools inspect "$image" --format '{{.Manifest.Digest}}')"
done
