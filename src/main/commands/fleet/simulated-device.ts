import { connect, type MqttClient } from 'mqtt';
import { createRandom, type ModelName, readingAt } from './device-model.ts';

export interface FleetDevice {
  readonly deviceUid: string;
  readonly secret: string;
  readonly model: ModelName;
  readonly seed: number;
}

export interface SimulatedDeviceOptions {
  readonly brokerUrl: string;
  readonly intervalMs: number;
  /** Called with every acknowledged message. */
  readonly onAcknowledged: () => void;
  readonly onRefused: (deviceUid: string, reason: string) => void;
}

/** A drop-out starts about this often, and lasts up to this long. */
const DROP_OUT_EVERY_MS = 5 * 60_000;
const DROP_OUT_LASTS_MS = 30_000;

/** Connects like a device would: Last Will, a boot log, QoS 1 readings at an interval, a drop-out now and then. */
export function startSimulatedDevice(device: FleetDevice, options: SimulatedDeviceOptions): { stop(): Promise<void> } {
  const { deviceUid, secret, model, seed } = device;
  const { brokerUrl, intervalMs } = options;
  const random = createRandom(seed + 7919);
  const topic = (channel: string) => `devices/${deviceUid}/${channel}`;
  const dropOutChance = intervalMs / DROP_OUT_EVERY_MS;
  const timers = new Set<NodeJS.Timeout>();
  let client: MqttClient | undefined;
  let stopped = false;

  function later(delayMs: number, work: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!stopped) work();
    }, delayMs);
    timers.add(timer);
  }

  function start(): void {
    const session = connect(brokerUrl, {
      clientId: 'device',
      username: deviceUid,
      password: secret,
      reconnectPeriod: 2_000,
      will: { topic: topic('status'), payload: Buffer.from('{"status":"OFFLINE"}'), qos: 1, retain: false },
    });
    client = session;
    session.on('connect', () => {
      session.publish(topic('log'), JSON.stringify({ event_type: 'boot', level: 'info', payload: { model } }), {
        qos: 1,
      });
      session.publish(topic('status'), JSON.stringify({ status: 'ONLINE', firmware_version: '1.0.0' }), { qos: 1 });
    });
    session.on('error', (error) => options.onRefused(deviceUid, error.message));
  }

  function tick(): void {
    later(intervalMs * (0.9 + 0.2 * random()), tick);
    if (client?.connected !== true) return;
    if (random() < dropOutChance) {
      const gone = client;
      client = undefined;
      // No DISCONNECT: the broker has to notice, and publishes the Last Will.
      gone.stream.destroy();
      gone.end(true);
      later(DROP_OUT_LASTS_MS * (0.2 + 0.8 * random()), start);
      return;
    }
    const timestamp = Date.now();
    const { metrics, anomalous } = readingAt(model, seed, timestamp);
    client.publish(topic('telemetry'), JSON.stringify({ timestamp, metrics }), { qos: 1 }, (error) => {
      if (error === undefined || error === null) options.onAcknowledged();
    });
    if (anomalous && random() < 0.05) {
      const log = { event_type: 'reading_unusual', level: 'warning', payload: metrics };
      client.publish(topic('log'), JSON.stringify(log), { qos: 1 });
    }
  }

  // Devices are not switched on all at once.
  later(random() * Math.min(intervalMs, 2_000), () => {
    start();
    tick();
  });

  return {
    async stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
      await client?.endAsync();
    },
  };
}
