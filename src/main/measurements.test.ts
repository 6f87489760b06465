import { expect, test } from 'vitest';
import { commonErrors } from '#kernel/errors.ts';
import type { BlobStore } from '#platform/blobs/blobs.port.ts';
import type { MetricLabels, MetricRegistry } from '#platform/metrics/metrics.port.ts';
import type { MqttDevice, MqttHandler } from '#platform/mqtt/mqtt.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createTestSql } from '#test/support/sql.ts';
import { createMeasurements } from './measurements.ts';

function createRecorder() {
  const values: Record<string, number> = {};
  const gauges: Record<string, () => number> = {};
  const record =
    (name: string) =>
    (value: number, labels: MetricLabels = {}) => {
      const key = [name, ...Object.values(labels)].join(' ');
      values[key] = (values[key] ?? 0) + value;
    };
  const registry: MetricRegistry = {
    counter: (name) => {
      const add = record(name);
      return { add: (value = 1, labels) => add(value, labels) };
    },
    histogram: (name) => {
      const add = record(name);
      return { observe: (_, labels) => add(1, labels) };
    },
    gauge: (name, _, read) => {
      gauges[name] = read;
    },
    gauges: () => {},
  };
  return { values, gauges, measure: createMeasurements(registry) };
}

test('downloads count with their bytes, and those that were cut off apart', async () => {
  const { values, measure } = createRecorder();
  const parts = [Buffer.from('abc'), Buffer.from('de')];
  const blobs = measure.images({
    async *read() {
      yield* parts;
    },
  } as unknown as BlobStore);
  const read = [];
  for await (const part of blobs.read('x')) read.push(part);
  expect(read).toEqual(parts);
  for await (const _ of blobs.read('x')) break;
  expect(values).toEqual({
    'core_api_firmware_downloads_total completed': 1,
    'core_api_firmware_downloads_total cut_off': 1,
    core_api_firmware_download_bytes_total: 5,
  });
});

test('an operation of a store counts, a failure of the store apart, and the error comes through', async () => {
  const { values, measure } = createRecorder();
  const failing = (error: Error) => measure.sql({ transaction: () => Promise.reject(error) } as unknown as SqlStore);
  const away = commonErrors.unavailable();
  await expect(failing(away).transaction(async () => {})).rejects.toBe(away);
  await expect(failing(commonErrors.forbidden()).transaction(async () => {})).rejects.toMatchObject({
    code: 'forbidden',
  });
  await expect(failing(new Error('bug')).transaction(async () => {})).rejects.toThrow('bug');
  expect(values).toEqual({
    'core_api_store_operation_seconds sql transaction': 3,
    'core_api_store_failures_total sql transaction': 2,
  });
});

test('a store that is measured does what it did', async () => {
  const store = await createTestSql();
  try {
    const sql = createRecorder().measure.sql(store);
    expect(await sql.transaction(async (trx) => typeof trx.selectFrom)).toBe('function');
    await sql.ping();
  } finally {
    await store.stop?.(AbortSignal.timeout(1_000));
  }
});

test('the broker: who is connected, who was let in, what was refused', async () => {
  const { values, gauges, measure } = createRecorder();
  const calls: string[] = [];
  const device: MqttDevice = { deviceId: 1, deviceUid: 'one' };
  const handler: MqttHandler = {
    authenticate: async (identity) => (identity.kind === 'secret' && identity.username === 'one' ? device : null),
    identify: async () => null,
    provision: async () => '',
    connected: () => void calls.push('connected'),
    disconnected: () => void calls.push('disconnected'),
    message: () => void calls.push('message'),
    refused: () => void calls.push('refused'),
  };
  const measured = measure.mqtt(handler);
  const from = { ipAddress: null };
  const connected = () => gauges['core_api_mqtt_devices_connected']?.();
  expect(await measured.authenticate({ kind: 'secret', username: 'one', secret: 's' }, from)).toBe(device);
  expect(await measured.authenticate({ kind: 'secret', username: 'two', secret: 's' }, from)).toBeNull();
  measured.connected(device, { ipAddress: null });
  // Called again after the Last Will of one of several connections.
  measured.connected(device, { ipAddress: null });
  expect(connected()).toBe(1);
  measured.refused(device, 'topic', () => {});
  measured.message({ device, channel: 'telemetry', payload: Buffer.from('') }, () => {});
  measured.disconnected(device, 'device');
  expect(connected()).toBe(0);
  expect(calls).toEqual(['connected', 'connected', 'refused', 'message', 'disconnected']);
  expect(values).toEqual({
    'core_api_mqtt_logins_total accepted': 1,
    'core_api_mqtt_logins_total refused': 1,
    'core_api_mqtt_refused_total topic': 1,
  });
});
