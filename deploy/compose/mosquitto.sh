#!/bin/sh
# Starts the official Mosquitto image with deploy/mosquitto/mosquitto.conf: with the plugin where that image has it,
# with core-api's listener open to the other containers (it is not published), and with TLS only where there is a
# certificate. The first start makes the account of core-api, which then makes all the others.
set -eu
accounts=/mosquitto/data/dynamic-security.json
certificate=/mosquitto/certs/server.crt

[ -s "$accounts" ] || (umask 077 && mosquitto_ctrl dynsec init "$accounts" core.admin "$MQTT_PASSWORD" >/dev/null)

tls=1
[ -r "$certificate" ] || tls=0
awk -v tls="$tls" '
  /^plugin / { $2 = "/usr/lib/mosquitto_dynamic_security.so" }
  /^listener 1882 / { $0 = "listener 1882" }
  /^listener / { skip = ($2 == 8883 && !tls) }
  !skip
' /mosquitto/config/mosquitto.conf >/tmp/mosquitto.conf

exec mosquitto -c /tmp/mosquitto.conf
