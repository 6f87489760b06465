import mqtt, { type MqttClient } from 'mqtt';
import type { RegisteredDevice } from './api.ts';

/** Asks one device for something and resolves when it has answered. */
export type Trip = (device: RegisteredDevice) => Promise<void>;

/** Connections that are made at a time. */
const TOGETHER = 50;

/** Devices that answer every command at once, on `devices/{uid}/response`. */
export async function connectEchoes(port: number, devices: readonly RegisteredDevice[]): Promise<AsyncDisposable> {
  const clients: MqttClient[] = [];
  for (let from = 0; from < devices.length; from += TOGETHER) {
    clients.push(
      ...(await Promise.all(devices.slice(from, from + TOGETHER).map((device) => connectEcho(port, device)))),
    );
  }
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.endAsync(true)));
    },
  };
}

async function connectEcho(port: number, { uid, secret }: RegisteredDevice): Promise<MqttClient> {
  const client = await connect(port, { username: uid, password: secret });
  client.on('message', (_topic, payload) => {
    const { command_id } = JSON.parse(payload.toString()) as { readonly command_id: string };
    const answer = JSON.stringify({ command_id, status: 'success' });
    client.publish(`devices/${uid}/response`, answer, { qos: 1 });
  });
  await client.subscribeAsync(`devices/${uid}/command`, { qos: 1 });
  return client;
}

/** Who asks at a bare broker. */
export interface Asker extends AsyncDisposable {
  ask(deviceUid: string): Promise<void>;
}

export async function connectAsker(port: number): Promise<Asker> {
  const client = await connect(port, {});
  const waiting = new Map<string, () => void>();
  let asked = 0;
  client.on('message', (_topic, payload) => {
    const { command_id } = JSON.parse(payload.toString()) as { readonly command_id: string };
    waiting.get(command_id)?.();
    waiting.delete(command_id);
  });
  await client.subscribeAsync('devices/+/response', { qos: 1 });
  return {
    ask(deviceUid) {
      asked += 1;
      const command_id = `command-${asked}`;
      const answered = new Promise<void>((resolve) => waiting.set(command_id, resolve));
      const message = JSON.stringify({ command_id, command: 'echo', params: { n: 1 } });
      client.publish(`devices/${deviceUid}/command`, message, { qos: 1 });
      return answered;
    },
    async [Symbol.asyncDispose]() {
      await client.endAsync(true);
    },
  };
}

async function connect(port: number, login: { readonly username?: string; readonly password?: string }) {
  return await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { ...login, reconnectPeriod: 0, keepalive: 300 });
}
