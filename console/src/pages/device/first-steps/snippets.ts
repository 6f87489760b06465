/** What a snippet says of the device and of the way to this server. */
export interface Target {
  readonly host: string;
  readonly mqttPort: number;
  readonly tls: boolean;
  /** `https://host/api/v1` */
  readonly api: string;
  readonly uid: string;
  readonly secret: string;
}

export interface Snippet {
  readonly key: 'mosquitto' | 'curl' | 'python' | 'esp32' | 'node_red' | 'home_assistant';
  /** What people call it; names of products are the same in every language. */
  readonly title: string;
  readonly text: string;
}

const SAMPLE = { temperature: 21.4 };

/** As one word of a POSIX shell. */
const word = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export function snippetsFor(target: Target): readonly Snippet[] {
  return [
    { key: 'mosquitto', title: 'mosquitto_pub', text: mosquitto(target) },
    { key: 'curl', title: 'curl', text: curl(target) },
    { key: 'python', title: 'Python', text: python(target) },
    { key: 'esp32', title: 'Arduino / ESP32', text: esp32(target) },
    { key: 'node_red', title: 'Node-RED', text: nodeRed(target) },
    { key: 'home_assistant', title: 'Home Assistant', text: homeAssistant(target) },
  ];
}

function mosquitto({ host, mqttPort, tls, uid, secret }: Target): string {
  return `mosquitto_pub -h ${word(host)} -p ${mqttPort}${tls ? ' --tls-use-os-certs' : ''} \\
  -i ${uid} -u ${uid} -P ${word(secret)} -q 1 \\
  -t devices/${uid}/telemetry -m ${word(JSON.stringify(SAMPLE))}`;
}

function curl({ api, uid, secret }: Target): string {
  return `curl -u ${word(`${uid}:${secret}`)} -H 'content-type: application/json' \\
  -d ${word(JSON.stringify(SAMPLE))} \\
  ${word(`${api}/ingest/telemetry`)}`;
}

function python({ host, mqttPort, tls, uid, secret }: Target): string {
  return `# pip install "paho-mqtt>=2"
import json
import time

import paho.mqtt.client as mqtt

UID = ${JSON.stringify(uid)}

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=UID)
client.username_pw_set(UID, ${JSON.stringify(secret)})
${tls ? 'client.tls_set()\n' : ''}client.will_set(f"devices/{UID}/status", '{"status": "OFFLINE"}', qos=1)
client.connect(${JSON.stringify(host)}, ${mqttPort})
client.loop_start()

while True:
    metrics = {"temperature": 21.4}  # read your sensor here
    sent = client.publish(f"devices/{UID}/telemetry", json.dumps(metrics), qos=1)
    sent.wait_for_publish()  # acknowledged: it is stored
    time.sleep(10)
`;
}

function esp32({ host, mqttPort, tls, uid, secret }: Target): string {
  const client = tls ? 'WiFiClientSecure' : 'WiFiClient';
  return `// Library manager: "MQTT" by Joel Gaehwiler
#include <WiFi.h>
${tls ? '#include <WiFiClientSecure.h>\n' : ''}#include <MQTT.h>

const char WIFI_NAME[] = "…";
const char WIFI_PASSWORD[] = "…";
const char DEVICE_UID[] = ${JSON.stringify(uid)};
const char SECRET[] = ${JSON.stringify(secret)};

${client} net;
MQTTClient client(1024);

void connect() {
  while (WiFi.status() != WL_CONNECTED) delay(500);
  while (!client.connect(DEVICE_UID, DEVICE_UID, SECRET)) delay(1000);
}

void setup() {
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);
${tls ? '  net.setCACert("-----BEGIN CERTIFICATE-----\\n…");  // of the authority of the server\n' : ''}  client.begin(${JSON.stringify(host)}, ${mqttPort}, net);
  client.setWill("devices/${uid}/status", "{\\"status\\":\\"OFFLINE\\"}", false, 1);
  connect();
}

void loop() {
  client.loop();
  if (!client.connected()) connect();
  float temperature = 21.4;  // read your sensor here
  String message = "{\\"temperature\\":" + String(temperature) + "}";
  client.publish("devices/${uid}/telemetry", message, false, 1);
  delay(10000);
}
`;
}

/** For the menu "Import" of Node-RED; nodes have ids of their own, so that it can be imported beside others. */
function nodeRed({ host, mqttPort, tls, uid, secret }: Target): string {
  const id = (name: string) => `core-api-${uid}-${name}`;
  const flow = [
    { id: id('tab'), type: 'tab', label: `core-api ${uid}` },
    {
      id: id('broker'),
      type: 'mqtt-broker',
      name: 'core-api',
      broker: host,
      port: String(mqttPort),
      clientid: uid,
      usetls: tls,
      protocolVersion: '4',
      keepalive: '60',
      cleansession: true,
      autoConnect: true,
      credentials: { user: uid, password: secret },
    },
    {
      id: id('every'),
      type: 'inject',
      z: id('tab'),
      name: 'every 10 s',
      props: [{ p: 'payload' }],
      repeat: '10',
      once: true,
      onceDelay: 1,
      payload: JSON.stringify(SAMPLE),
      payloadType: 'json',
      x: 140,
      y: 80,
      wires: [[id('send')]],
    },
    {
      id: id('send'),
      type: 'mqtt out',
      z: id('tab'),
      name: '',
      topic: `devices/${uid}/telemetry`,
      qos: '1',
      retain: 'false',
      broker: id('broker'),
      x: 400,
      y: 80,
      wires: [],
    },
  ];
  return JSON.stringify(flow, null, 2);
}

/** Sends the state of a sensor of Home Assistant, as if it were this device. */
function homeAssistant({ api, uid, secret }: Target): string {
  const name = uid.toLowerCase().replace(/[^a-z0-9]+/g, '_');
  return `# configuration.yaml
rest_command:
  core_api_${name}:
    url: ${JSON.stringify(`${api}/ingest/telemetry`)}
    method: POST
    username: ${JSON.stringify(uid)}
    password: ${JSON.stringify(secret)}
    content_type: application/json
    payload: '{"temperature": {{ temperature }}}'

automation:
  - alias: ${JSON.stringify(`core-api: ${uid}`)}
    triggers:
      - trigger: state
        entity_id: sensor.outdoor_temperature # your sensor
        not_to: ["unknown", "unavailable"]
    actions:
      - action: rest_command.core_api_${name}
        data:
          temperature: "{{ trigger.to_state.state }}"
`;
}

/** For a Home Assistant that reads from the same broker as this server: publish it, retained, to the topic. */
export function discoveryFor(
  { uid }: Pick<Target, 'uid'>,
  name: string,
): { readonly topic: string; readonly text: string } {
  const payload = {
    dev: { ids: [`core-api-${uid}`], name },
    o: { name: 'core-api' },
    cmps: {
      temperature: {
        p: 'sensor',
        unique_id: `core-api-${uid}-temperature`,
        name: 'Temperature',
        device_class: 'temperature',
        unit_of_measurement: '°C',
        value_template: '{{ value_json.temperature }}',
      },
    },
    state_topic: `devices/${uid}/telemetry`,
    qos: 1,
  };
  return { topic: `homeassistant/device/core-api-${uid}/config`, text: JSON.stringify(payload, null, 2) };
}
