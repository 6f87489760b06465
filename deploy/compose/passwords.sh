#!/bin/sh
# Prints a random password for every service of the compose files:  (umask 077 && sh deploy/compose/passwords.sh >> .env)
set -eu
for service in REDIS MQTT MARIADB MONGODB MONGODB_ROOT; do
  printf '%s_PASSWORD=%s\n' "$service" "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
done
