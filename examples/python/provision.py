"""Registers this device over MQTT with the token of a claim, and prints the answer: credentials, and where to connect."""

import json
import os
import sys
import threading

import paho.mqtt.client as mqtt

TIMEOUT = 30  # seconds


def provision(host, port, token, request, ca_file=None):
    """The answer to the request; None: there was none in time, so ask again, with the same idempotency_key."""
    answers, done = [], threading.Event()

    def on_connect(client, userdata, flags, reason, properties):
        if reason.is_failure:
            done.set()
        else:
            client.subscribe("provision/response", qos=1)

    # Subscribed first: a request before that would wait.
    def on_subscribe(client, userdata, mid, reasons, properties):
        client.publish("provision/request", json.dumps(request), qos=1)

    def on_message(client, userdata, message):
        answers.append(json.loads(message.payload))
        done.set()

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.username_pw_set("claim", token)
    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    if ca_file:
        client.tls_set(ca_file)
    client.connect(host, port)
    client.loop_start()
    done.wait(TIMEOUT)
    client.disconnect()
    client.loop_stop()
    return answers[0] if answers else None


if __name__ == "__main__":
    environment = os.environ
    request = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    host, port = environment.get("MQTT_HOST", "127.0.0.1"), int(environment.get("MQTT_PORT", "1883"))
    answer = provision(host, port, environment["CLAIM_TOKEN"], request, environment.get("MQTT_CA_FILE"))
    print(json.dumps(answer))
    sys.exit(0 if answer and answer["ok"] else 1)
