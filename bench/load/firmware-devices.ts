import { createHash } from 'node:crypto';
import { Agent, type IncomingMessage, request } from 'node:http';
import mqtt, { type MqttClient } from 'mqtt';
import { answerParent } from '../support/child.ts';
import type { DeviceLogin } from './mqtt-packets.ts';

/** Devices that download what a campaign offers them, in parts, over and over, all of them at once. */
export interface FirmwareDevices {
  readonly mqttPort: number;
  readonly devices: readonly DeviceLogin[];
  /** Of a part, which is one request with `Range`. */
  readonly partBytes: number;
  /** From when all have been offered the image. A download that has begun is finished. */
  readonly seconds: number;
}

export interface FirmwareDevicesResult {
  /** Whole images, of all devices. */
  readonly images: number;
  readonly bytes: number;
  /** Images with another SHA-256 than the offer named. */
  readonly wrong: number;
  /** Of the slowest device. */
  readonly fewest: number;
  readonly seconds: number;
  /** Cores that the devices themselves used. */
  readonly cores: number;
}

interface Offer {
  readonly campaign_id: number;
  readonly version: string;
  readonly url: string;
  readonly size: number;
  readonly sha256: string;
}

interface Device {
  readonly login: DeviceLogin;
  readonly client: MqttClient;
  readonly offer: Offer;
}

answerParent<FirmwareDevices, FirmwareDevicesResult>(async ({ mqttPort, devices, partBytes, seconds }) => {
  const ready: Device[] = await Promise.all(devices.map((login) => connectDevice(mqttPort, login)));
  const agent = new Agent({ keepAlive: true });
  const from = performance.now();
  const before = process.cpuUsage();
  const until = from + seconds * 1_000;
  const results = await Promise.all(ready.map((device) => downloadUntil(until, device, partBytes, agent)));
  const elapsed = performance.now() - from;
  const used = process.cpuUsage(before);
  agent.destroy();
  await Promise.all(ready.map(({ client }) => client.endAsync()));
  const sum = (of: (result: { images: number; wrong: number; bytes: number }) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  return {
    images: sum(({ images }) => images),
    bytes: sum(({ bytes }) => bytes),
    wrong: sum(({ wrong }) => wrong),
    fewest: Math.min(...results.map(({ images }) => images)),
    seconds: elapsed / 1_000,
    cores: (used.user + used.system) / 1_000 / elapsed,
  };
});

/** @returns when it has been offered the image */
async function connectDevice(port: number, login: DeviceLogin): Promise<Device> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    username: login.uid,
    password: login.secret,
    reconnectPeriod: 0,
    keepalive: 300,
  });
  const offered = new Promise<Offer>((resolve) =>
    client.on('message', (_topic, payload) => resolve(JSON.parse(payload.toString()) as Offer)),
  );
  await client.subscribeAsync(`devices/${login.uid}/ota`, { qos: 1 });
  return { login, client, offer: await offered };
}

async function downloadUntil(until: number, device: Device, partBytes: number, agent: Agent) {
  const { login, client, offer } = device;
  const say = (channel: string, message: object) =>
    client.publishAsync(`devices/${login.uid}/${channel}`, JSON.stringify(message), { qos: 1 });
  const answer = (status: string) => say('response', { campaign_id: offer.campaign_id, status });
  let [images, wrong] = [0, 0];
  await answer('downloading');
  do {
    if ((await download(device, partBytes, agent)) !== offer.sha256) wrong += 1;
    images += 1;
  } while (performance.now() < until);
  await answer('downloaded');
  await answer('installing');
  await say('status', { status: 'ONLINE', firmware_version: offer.version });
  return { images, wrong, bytes: images * offer.size };
}

/** @returns the SHA-256 of what came */
async function download({ login, offer }: Device, partBytes: number, agent: Agent): Promise<string> {
  const hash = createHash('sha256');
  for (let start = 0; start < offer.size; start += partBytes) {
    const end = Math.min(start + partBytes, offer.size) - 1;
    const response = await get(offer.url, {
      agent,
      auth: `${login.uid}:${login.secret}`,
      headers: { range: `bytes=${start}-${end}` },
    });
    if (response.statusCode !== 206) throw new Error(`${login.uid}: a part was answered ${response.statusCode}`);
    for await (const chunk of response) hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}

function get(url: string, options: Parameters<typeof request>[1] & object): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, options, resolve).once('error', reject).end();
  });
}
