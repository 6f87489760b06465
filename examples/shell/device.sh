#!/bin/sh
# A device in a shell script: see README.md.
set -eu

: "${DEVICE_UID:?}" "${DEVICE_SECRET:?}"
api=${API_URL:-http://127.0.0.1:8000/api/v1}
store=${DEVICE_STORE:-./device}
mkdir -p "$store/answers"
touch "$store/waiting"
[ -e "$store/interval" ] || echo 10 >"$store/interval"
# A command lives for 7 days at most: after that it does not come again.
find "$store/answers" -type f -mtime +8 -delete

# The secret stands in files, since everybody can read the arguments of a program.
umask 077
private=$(mktemp -d)
printf 'user = "%s:%s"\n' "$DEVICE_UID" "$DEVICE_SECRET" >"$private/curl"
printf -- '-h %s\n-p %s\n' "${MQTT_HOST:-127.0.0.1}" "${MQTT_PORT:-1883}" >"$private/mosquitto_sub"
printf -- '-u %s\n-P %s\n' "$DEVICE_UID" "$DEVICE_SECRET" >>"$private/mosquitto_sub"

# Put your own sensors here.
read_sensors() {
  read -r load _ </proc/loadavg
  printf '{"load":%s}' "$load"
}

# Put your own commands here: each prints the rest of its answer.
carry_out() { # command, command_id, the message from "params" on
  case $1 in
    measure) printf '"status":"success","result":%s' "$(read_sensors)" ;;
    blink)
      times=$(number times "$3")
      times=${times:-3}
      for done in $(seq 1 "$times"); do
        sleep 0.1 # the LED would go on and off here
        say response "{\"command_id\":\"$2\",\"status\":\"progress\",\"progress\":$((100 * done / times))}" || true
      done
      printf '"status":"success","result":{"blinked":%s}' "$times"
      ;;
    *) printf '"status":"error","error":"this device does not know %s"' "$1" ;;
  esac
}

say() { # channel, JSON or @file: succeeds when core-api has stored it
  curl --silent --fail --max-time 30 --output "$private/outcome" --config "$private/curl" \
    --header 'content-type: application/x-ndjson' --data-binary "$2" "$api/ingest/$1"
}

text() { # name, JSON: the value of a field
  printf '%s\n' "$2" | sed -n "s/.*\"$1\":\"\([A-Za-z0-9_.:-]*\)\".*/\1/p"
}

number() { # name, JSON: the value of a field that is a whole number above 0
  printf '%s\n' "$2" | sed -n "s/.*\"$1\":\([1-9][0-9]*\)[,}].*/\1/p"
}

# The answer is kept, and given again when the command comes again. `.begun` stands until the answer was stored.
obey() { # the message
  head=${1%%,\"params\":*} # what comes after may hold anything
  id=$(text command_id "$head")
  if [ ! -e "$store/answers/$id" ]; then
    : >"$store/answers/$id.begun"
    command=$(text command "$head")
    echo "command $command $id"
    keep_answer "$id" "$(carry_out "$command" "$id" "${1#"$head"}")"
  fi
  give_answer "$id"
}

keep_answer() { # command_id, the rest of the answer
  printf '{"command_id":"%s",%s}' "$1" "$2" >"$store/answer"
  mv "$store/answer" "$store/answers/$1"
}

give_answer() { # command_id
  until say response "@$store/answers/$1"; do sleep 5; done
  rm -f "$store/answers/$1.begun"
}

answer_interrupted() {
  for begun in "$store"/answers/*.begun; do
    [ -e "$begun" ] || continue
    id=$(basename "$begun" .begun)
    [ -e "$store/answers/$id" ] || keep_answer "$id" '"status":"error","error":"interrupted by a restart of the device"'
    give_answer "$id"
  done
}

configure() { # the message
  version=$(number version "${1%%,\"config\":*},")
  interval=$(number interval_seconds "${1#*,\"config\":}")
  if [ -n "$interval" ]; then
    echo "$interval" >"$store/interval"
    say status "{\"config_version\":$version,\"config\":{\"interval_seconds\":$interval}}" || true
  else
    say status "{\"config_version\":$version,\"config_error\":\"interval_seconds is a whole number above 0\"}" || true
  fi
}

subscribe() {
  trap 'kill "$client" 2>/dev/null; exit' TERM
  while :; do
    XDG_CONFIG_HOME=$private mosquitto_sub -i "$DEVICE_UID" -q 1 -v \
      -t "devices/$DEVICE_UID/command" -t "devices/$DEVICE_UID/config" &
    client=$!
    wait "$client" || true
    sleep 5 &
    wait $!
  done
}

listen() {
  answer_interrupted
  while read -r topic message; do
    case $topic in
      */command) obey "$message" ;;
      */config) configure "$message" ;;
    esac
  done
}

# Samples wait in a file until core-api has answered that they are stored.
send_waiting() {
  [ "$(wc -c <"$store/waiting")" -lt 20000000 ] || keep_waiting -n 100000
  while [ -s "$store/waiting" ]; do
    head -n 1000 "$store/waiting" >"$store/sending"
    say telemetry "@$store/sending" || return 0
    keep_waiting -n +1001
  done
}

keep_waiting() { # which lines, as tail understands it
  tail "$@" "$store/waiting" >"$store/rest"
  mv "$store/rest" "$store/waiting"
}

mkfifo "$private/messages"
subscribe >"$private/messages" &
subscriber=$!
listen <"$private/messages" &
listener=$!
trap 'kill "$subscriber" "$listener" 2>/dev/null; rm -rf "$private"' EXIT
trap 'exit 0' INT TERM

say status '{"status":"ONLINE","firmware_version":"1.0.0"}' || true
while :; do
  # With its own time stamp, so that a sample that is sent twice is stored once.
  printf '{"timestamp":%s,"metrics":%s}\n' "$(date +%s)" "$(read_sensors)" >>"$store/waiting"
  send_waiting
  sleep "$(cat "$store/interval")" &
  wait $!
done
