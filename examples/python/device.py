"""A device for core-api: telemetry that is never lost, commands that are carried out once, configuration."""

import asyncio
import contextlib
import json
import os
import random
import signal
import time
from datetime import datetime, timezone

import paho.mqtt.client as mqtt

from store import Store

FIRMWARE_VERSION = "1.0.0"
IN_FLIGHT = 20  # messages published and not acknowledged yet


def read_sensors():
    """Put your own here: a name for each measurement, and a number, boolean or string."""
    return {"temperature": round(random.gauss(21, 0.5), 2), "door_open": random.random() < 0.1}


async def blink(params, progress):
    times = params.get("times", 3)
    for done in range(1, times + 1):
        await asyncio.sleep(0.1)  # the LED would go on and off here
        progress(100 * done // times)
    return {"blinked": times}


async def measure(params, progress):
    return read_sensors()


# Put your own here. What a function returns is the result, what it raises is the error.
COMMANDS = {"blink": blink, "measure": measure}


class Device:
    def __init__(self, uid, secret, store):
        self.uid = uid
        self.store = store
        self.version, self.config = store.recall("config") or (None, {"interval_seconds": 10})
        self.loop = asyncio.get_running_loop()
        self.reconfigured = asyncio.Event()
        self.commands = asyncio.Queue()
        self.in_flight = {}  # id of paho's message → id in the store
        self.last_sent = 0

        self.client = client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=uid)
        client.username_pw_set(uid, secret)
        client.will_set(self.topic("status"), '{"status": "OFFLINE"}', qos=1)
        client.reconnect_delay_set(min_delay=1, max_delay=60)
        # Paho calls back in a thread of its own; everything here is done on the loop.
        client.on_connect = lambda c, u, f, reason, p: self.on_loop(self.connected, reason)
        client.on_publish = lambda c, u, mid, reason, p: self.on_loop(self.acknowledged, mid)
        client.on_message = lambda c, u, message: self.on_loop(self.received, message)

    def topic(self, channel):
        return f"devices/{self.uid}/{channel}"

    def on_loop(self, function, argument):
        self.loop.call_soon_threadsafe(function, argument)

    def connected(self, reason):
        if reason.is_failure:
            print(f"refused: {reason}", flush=True)
            return
        self.client.publish(
            self.topic("status"), json.dumps({"status": "ONLINE", "firmware_version": FIRMWARE_VERSION}), qos=1
        )
        self.client.subscribe([(self.topic("command"), 1), (self.topic("config"), 1)])
        self.send_waiting()

    # Out: into the store first, out of it when the server has acknowledged.

    def send(self, channel, message):
        self.store.put(channel, message)
        self.send_waiting()

    def send_waiting(self):
        if not self.client.is_connected():
            return
        for message_id, channel, payload in self.store.waiting(self.last_sent, IN_FLIGHT - len(self.in_flight)):
            # What was published and not acknowledged when the connection broke, paho sends again.
            self.in_flight[self.client.publish(self.topic(channel), payload, qos=1).mid] = message_id
            self.last_sent = message_id

    def acknowledged(self, mid):
        if mid in self.in_flight:
            self.store.remove(self.in_flight.pop(mid))
            self.send_waiting()

    # In.

    def received(self, message):
        content = json.loads(message.payload)
        if message.topic == self.topic("command"):
            self.commands.put_nowait(content)
        else:
            self.configure(content["version"], content["config"])

    def configure(self, version, config):
        interval = config.get("interval_seconds", 10)
        if isinstance(interval, (int, float)) and 0 < interval <= 86_400:
            self.version, self.config = version, {"interval_seconds": interval}
            self.store.remember("config", (self.version, self.config))
            self.reconfigured.set()
            # What is in the configuration and unknown here is left out: the server shows it as missing.
            self.send("status", {"config_version": version, "config": self.config})
        else:
            error = "interval_seconds is a number above 0, at most 86400"
            self.send("status", {"config_version": version, "config": self.config, "config_error": error})

    async def obey(self):
        """One command after the other, and each of them once: it may come again, also after a restart."""
        for command_id in self.store.unfinished():
            self.finish(command_id, {"status": "error", "error": "interrupted by a restart of the device"})
        while True:
            command = await self.commands.get()
            command_id = command["command_id"]
            answer = self.store.answer_to(command_id)
            if answer is not None:
                self.send("response", answer)
            elif datetime.fromisoformat(command["expires_at"]) > datetime.now(timezone.utc):
                self.store.begin(command_id)
                self.finish(command_id, await self.carry_out(command))

    async def carry_out(self, command):
        print(f"command {command['command']} {command['command_id']}", flush=True)

        def progress(percent):
            report = {"command_id": command["command_id"], "status": "progress", "progress": percent}
            self.client.publish(self.topic("response"), json.dumps(report), qos=1)

        function = COMMANDS.get(command["command"])
        if function is None:
            return {"status": "error", "error": f"this device does not know {command['command']}"}
        try:
            return {"status": "success", "result": await function(command["params"], progress)}
        except Exception as error:
            return {"status": "error", "error": repr(error)}

    def finish(self, command_id, outcome):
        self.store.finish(command_id, {"command_id": command_id, **outcome})
        self.send_waiting()

    async def measure_always(self):
        while True:
            # With its own time stamp, so that a sample that is sent twice is stored once.
            self.send("telemetry", {"timestamp": int(time.time() * 1000), "metrics": read_sensors()})
            self.reconfigured.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.reconfigured.wait(), self.config["interval_seconds"])

    async def run(self, host, port, ca_file):
        if ca_file is not None:
            self.client.tls_set(ca_certs=ca_file)
        self.loop.add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
        self.client.connect_async(host, port, keepalive=60)
        self.client.loop_start()
        try:
            await asyncio.gather(self.obey(), self.measure_always())
        finally:
            self.client.disconnect()
            self.client.loop_stop()


async def main():
    env = os.environ
    device = Device(env["DEVICE_UID"], env["DEVICE_SECRET"], Store(env.get("DEVICE_STORE", "device.db")))
    await device.run(env.get("MQTT_HOST", "127.0.0.1"), int(env.get("MQTT_PORT", 1883)), env.get("MQTT_CA_FILE"))


if __name__ == "__main__":
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(main())
