import { connect, type MqttClient } from 'mqtt';
import type { RegisteredDevice } from './api-client.ts';

export interface Flood {
  /** Per device, the sequence numbers whose PUBACK arrived. */
  readonly acknowledged: readonly ReadonlySet<number>[];
  /** Sum of `acknowledged`. */
  acknowledgedCount(): number;
  /** Stops publishing; what is on its way may still be acknowledged. */
  stop(): void;
  /** Resolves when everything that was published is acknowledged. */
  settled(): Promise<void>;
  close(): void;
}

const FIRST_TIMESTAMP_AGE_MS = 3_600_000;

export interface FloodOptions {
  /** Messages that a device may have unacknowledged. */
  readonly window: number;
  /** Between an acknowledgement and the message in its place. Default 0. */
  readonly pauseMs?: number;
  /** Connect again and send again what was not acknowledged. Default false. */
  readonly reconnect?: boolean;
  /** Of the device at this index; default true. Without, message `n` carries `{s<n>: n}` and no time stamp. */
  readonly hasTimestamps?: (index: number) => boolean;
}

/**
 * Every device publishes QoS 1 messages as fast as they are acknowledged, `window` at a time. Message `n` of
 * a device carries `{seq: n}` at the n-th millisecond after the start, so that each can be found again.
 */
export async function startFlood(
  mqttUrl: string,
  devices: readonly RegisteredDevice[],
  { window, pauseMs = 0, reconnect = false, hasTimestamps = () => true }: FloodOptions,
): Promise<Flood> {
  const start = Date.now() - FIRST_TIMESTAMP_AGE_MS;
  const acknowledged = devices.map(() => new Set<number>());
  const clients: MqttClient[] = [];
  let running = true;
  let pending = 0;
  let whenSettled = () => {};

  await Promise.all(
    devices.map(async (device, index) => {
      const client = connect(mqttUrl, {
        username: device.uid,
        password: device.secret,
        clientId: 'flood',
        reconnectPeriod: reconnect ? 250 : 0,
      });
      clients.push(client);
      client.on('error', () => {});
      await new Promise((resolve) => client.once('connect', resolve));
      let next = 0;
      const publish = () => {
        if (!running) return;
        const seq = next;
        next += 1;
        pending += 1;
        client.publish(
          `devices/${device.uid}/telemetry`,
          hasTimestamps(index)
            ? `{"timestamp":${start + seq},"metrics":{"seq":${seq}}}`
            : `{"metrics":{"s${seq}":${seq}}}`,
          { qos: 1 },
          (error) => {
            pending -= 1;
            if (error === undefined || error === null) acknowledged[index]?.add(seq);
            if (pending === 0) whenSettled();
            if (pauseMs === 0) publish();
            else setTimeout(publish, pauseMs);
          },
        );
      };
      for (let slot = 0; slot < window; slot += 1) publish();
    }),
  );

  return {
    acknowledged,
    acknowledgedCount: () => acknowledged.reduce((sum, set) => sum + set.size, 0),
    stop() {
      running = false;
    },
    settled: () =>
      new Promise((resolve) => {
        whenSettled = resolve;
        if (pending === 0) resolve();
      }),
    close() {
      running = false;
      for (const client of clients) client.end(true);
    },
  };
}
